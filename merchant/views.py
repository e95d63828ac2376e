"""The routes, in the order in which a payment passes through them."""

import logging
from datetime import timedelta
from typing import Any

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from . import storage
from .approval import confirm_and_settle
from .catalog import PRODUCTS
from .checkout import open_attempt, open_order
from .current import merchant
from .errors import PortOneRejected, PortOneUnavailable, Refused
from .pages import responses
from .pages.forms import buyer_fields, choice_fields, invalid, json_body, text_field
from .pages.languages import language
from .pages.responses import Opened, attempt_opened, error_page
from .pages.result import account_to_pay_into, amounts, attempt_to_show, result_variables
from .pages.templates import render
from .records import failure_message, failure_parts, printable
from .rows import OrderRow, PaymentRow, now
from .settlement import refresh, settle
from .transitions import is_expired
from .webhook import is_signed, payment_id_of

WINDOW_TIME = timedelta(hours=1)  # after that the buyer has probably closed the window

bp = Blueprint(
    "merchant",
    __name__,
    template_folder="../templates",
    static_folder="../static/merchant",
    static_url_path="/static/merchant",
)
responses.register(bp)
logger = logging.getLogger(__name__)


@bp.get("/")
def order_page() -> str:
    # An example saves typing. In a real shop a buyer could pay with it by mistake.
    settings = merchant().settings
    is_tried_out = settings.allow_test or settings.panel
    name = "홍길동" if language() == "ko" else "Gildong Hong"
    example = {"name": name, "email": "buyer@example.com", "phone": "010-1234-5678"}
    return render(
        "merchant/order.html",
        products=PRODUCTS.values(),
        buyer=example if is_tried_out else dict.fromkeys(example, ""),
    )


@bp.post("/orders")
def create_order() -> Opened:
    body = json_body()
    product = PRODUCTS.get(text_field(body, "productId"))
    if product is None:
        raise invalid("productId", "Unknown product.")
    choice = choice_fields(body)
    order, payment = open_order(product, buyer_fields(body, choice), choice)
    return attempt_opened(order, payment)


@bp.post("/orders/<order_id>/payments")
def create_payment(order_id: str) -> Opened:
    order = find_order(order_id)
    choice = choice_fields(json_body(), storage.read_payment(order.payment_id))
    return attempt_opened(order, open_attempt(order, choice))


@bp.post("/payment/complete")
def complete() -> dict[str, Any]:
    """The payment window has closed, and the SDK answered in the browser.

    We do not use its answer; we look the payment up at PortOne.
    """
    body = json_body()
    order_id, payment_id = text_field(body, "orderId"), text_field(body, "paymentId")
    token = body.get("paymentToken")
    if token is not None and not isinstance(token, str):
        raise invalid("paymentToken", "Expected the token that PortOne.requestPayment returned.")
    try:
        payment = settle_returned(payment_id, "sdk", token, order_id)
    except Refused:
        find_order(order_id)  # an unknown order has its own error code
        raise
    if payment.status == "MISMATCH":
        raise Refused("PAYMENT_MISMATCH", reasons=payment.reasons)
    is_issued = payment.status == "VIRTUAL_ACCOUNT_ISSUED"
    return {
        "orderId": payment.order_id,
        "paymentId": payment.id,
        "status": payment.status,
        "orderUrl": url_for(".show_order", order_id=payment.order_id),
        "virtualAccount": payment.virtual_account if is_issued else None,
    }


@bp.get("/payment-redirect")
def payment_redirect() -> Response | tuple[str, int]:
    """A payment window that had replaced the page returns to the shop.

    PortOne names the parameter paymentId; it was payment_id until 2024-09.
    """
    payment_ids = {*request.args.getlist("paymentId"), *request.args.getlist("payment_id")}
    if len(payment_ids) != 1:
        several = "The address names more than one payment."
        return error_page(400, several if payment_ids else "Give a paymentId.")
    payment_id = payment_ids.pop()
    try:
        payment: PaymentRow | None = settle_returned(
            payment_id, "redirect", request.args.get("paymentToken")
        )
    except (Refused, PortOneUnavailable, PortOneRejected):  # the result page shows the stored state
        payment = storage.read_payment(payment_id)
    if payment is None:
        return error_page(404, "There is no such order.")
    message = failure_message(request.args) or None
    return redirect(url_for(".show_order", order_id=payment.order_id, message=message), 303)


@bp.get("/orders/<order_id>")
def show_order(order_id: str) -> str | tuple[str, int]:
    order = storage.read_order(order_id)
    if order is None:
        return error_page(404, "There is no such order.")
    is_known = refresh(order.id)
    order = find_order(order_id)
    attempts, events = storage.read_attempts(order_id), storage.read_events(order_id)
    payment = attempt_to_show(order, attempts)
    code, message = failure_parts(payment.failure or printable(request.args.get("message")))
    is_failed = order.status in {"PENDING", "FAILED"}
    is_issued = payment.status == "VIRTUAL_ACCOUNT_ISSUED"
    is_late = is_expired(payment, now()) if is_issued else payment.created_at < now() - WINDOW_TIME
    return render(
        "merchant/result.html",
        order=order,
        payment=payment,
        account=account_to_pay_into(payment),
        amounts=amounts(payment, events),
        events=events,
        failure_code=code if is_failed else "",
        message=message if is_failed else "",
        **result_variables(order, attempts, payment, code, is_late, is_known),
    )


@bp.post("/payment/webhook")
def webhook() -> dict[str, bool]:
    """PortOne says that something happened.

    We do not use the content; we look the payment up at PortOne.
    """
    secrets = merchant().settings.webhook_secrets
    if secrets and not is_signed(secrets, request.headers, request.get_data()):
        logger.warning(
            "webhook refused: not signed with PORTONE_WEBHOOK_SECRET, or this clock is wrong"
        )
        raise Refused("SIGNATURE_INVALID")
    payment_id = payment_id_of(json_body())
    try:
        if payment_id:
            settle(payment_id, "webhook")
    except Refused:
        logger.info("payment %s: a webhook about it, but it is not ours", printable(payment_id))
    return {"received": True}


def find_order(order_id: str) -> OrderRow:
    order = storage.read_order(order_id)
    if order is None:
        raise Refused("ORDER_NOT_FOUND", "orderId")
    return order


def settle_returned(
    payment_id: str, source: str, token: str | None, order_id: str | None = None
) -> PaymentRow:
    """Settle a payment whose window has returned to the shop.

    With a token (manual approval, 수동 승인) the payment is confirmed first.
    """
    if token:
        return confirm_and_settle(payment_id, source, order_id, token)
    return settle(payment_id, source, order_id)
