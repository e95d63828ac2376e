"""The pages and the JSON routes, in the order in which a payment passes through them."""

import json
import logging
import re
from datetime import timedelta

from flask import Blueprint, current_app, jsonify, redirect, render_template, request, url_for
from sqlalchemy import exc
from werkzeug.exceptions import RequestEntityTooLarge

from . import settlement
from .catalog import PRODUCTS
from .korean import KOREAN
from .models import Order, now, session
from .portone import PortOneRejected, PortOneUnavailable, is_signed, parse_time
from .settlement import Refused
from .words import ERROR_PAGES, WORDS, kind_of

MAX_BODY_BYTES = 16 * 1024
VIRTUAL_ACCOUNT_HOURS = 24
WINDOW_TIME = timedelta(hours=1)  # a payment that is open for longer was probably left
WINDOW_TYPES = ("", "IFRAME", "POPUP", "REDIRECTION")
BUYER = {  # field: (what it must look like, what to say otherwise)
    "name": (r"[\w .'·-]{1,30}", "Letters and spaces only, at most 30 bytes."),
    "email": (
        r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+",
        "Expected an e-mail address such as name@example.com.",
    ),
    "phone": (r"\+?[0-9](-?[0-9]){8,14}", "Expected a phone number such as 010-1234-5678."),
}
ERRORS = {  # code: (HTTP status, what it says)
    "INVALID_REQUEST": (400, "This field is required."),
    "PAYMENT_MISMATCH": (400, "PortOne's record is not the payment this order asked for."),
    "SIGNATURE_INVALID": (401, "The signature is not valid."),
    "ORDER_NOT_FOUND": (404, "There is no such order."),
    "PAYMENT_NOT_FOUND": (404, "There is no such payment for this order."),
    "ORDER_ALREADY_PAID": (409, "This order is already paid. There is nothing more to do."),
    "PAYMENT_IN_PROGRESS": (
        409,
        "A payment for this order is still in progress. Look at the order in a moment.",
    ),
    "PORTONE_REJECTED": (
        502,
        "PortOne refused the request. Please tell the shop: it has to check its settings.",
    ),
    "DATABASE_UNAVAILABLE": (
        503,
        "The shop's database is not available just now. Please try again in a moment.",
    ),
    "PORTONE_UNAVAILABLE": (
        503,
        "PortOne can't be reached just now. What you have paid will be confirmed shortly.",
    ),
}
TEST_REFUSED = "This payment was made through a test channel; the shop must set PORTONE_ALLOW_TEST=1 to accept it."

bp = Blueprint(
    "merchant",
    __name__,
    cli_group=None,
    template_folder="../templates",
    static_folder="../static/merchant",
    static_url_path="/static/merchant",
)
logger = logging.getLogger(__name__)


@bp.get("/")
def order_page():
    buyer = {
        "name": "홍길동" if language() == "ko" else "Gildong Hong",
        "email": "buyer@example.com",
    }
    return render_template(
        "merchant/order.html",
        products=PRODUCTS.values(),
        pay_methods=settings().pay_methods,
        buyer=buyer | {"phone": "010-1234-5678"},
    )


@bp.post("/orders")
def create_order():
    body = json_body()
    product = PRODUCTS.get(text_field(body, "productId"))
    if product is None:
        raise invalid("productId", "Unknown product.")
    pay_method = one_of(body, "payMethod", settings().pay_methods)
    window_type = one_of(body, "windowType", WINDOW_TYPES, "")
    payment = settlement.open_order(product, buyer_fields(body), pay_method, window_type)
    return opened(payment)


@bp.post("/orders/<order_id>/payments")
def create_payment(order_id):
    order = find_order(order_id)
    body = json_body()
    last = settlement.find(order.payment_id)
    pay_method = one_of(body, "payMethod", settings().pay_methods, last.pay_method)
    window_type = one_of(body, "windowType", WINDOW_TYPES, last.window_type)
    return opened(settlement.open_attempt(order, pay_method, window_type))


@bp.post("/payment/complete")
def complete():
    """The SDK answered in the browser. Nothing in the answer is believed: PortOne is asked."""
    body = json_body()
    order_id, payment_id = text_field(body, "orderId"), text_field(body, "paymentId")
    try:
        payment = settlement.settle(payment_id, "sdk", order_id)
    except Refused:
        find_order(order_id)  # an order that is unknown has its own code
        raise
    warn_of_manual_approval(body, payment)
    if payment.status == "MISMATCH":
        raise Refused("PAYMENT_MISMATCH", reasons=payment.reasons)
    return {
        "orderId": payment.order_id,
        "paymentId": payment.id,
        "status": payment.status,
        "orderUrl": url_for(".show_order", order_id=payment.order_id),
        "virtualAccount": payment.virtual_account
        if payment.status == "VIRTUAL_ACCOUNT_ISSUED"
        else None,
    }


@bp.get("/payment-redirect")
def payment_redirect():
    """A redirect window returned. PortOne has named the parameter both paymentId and payment_id."""
    payment_ids = {*request.args.getlist("paymentId"), *request.args.getlist("payment_id")}
    if len(payment_ids) != 1:
        message = "The address names more than one payment." if payment_ids else "Give a paymentId."
        return error_page(400, message)
    payment_id = payment_ids.pop()
    try:
        payment = settlement.settle(payment_id, "redirect")
    except Refused:
        return error_page(404, "There is no such order.")
    except (
        PortOneUnavailable,
        PortOneRejected,
    ):  # it is in the trail, and the result page asks again
        payment = settlement.find(payment_id)
    manual_approval = warn_of_manual_approval(request.args, payment)
    message = "[MANUAL_APPROVAL]" if manual_approval else settlement.said(request.args)
    return redirect(url_for(".show_order", order_id=payment.order_id, message=message or None), 303)


@bp.get("/orders/<order_id>")
def show_order(order_id):
    try:
        order = find_order(order_id)
    except Refused:
        return error_page(404, "There is no such order.")
    is_known = settlement.refresh(order.id)
    order, events = find_order(order_id), settlement.events(order_id)
    attempts = settlement.attempts(order_id)
    payment = next(each for each in attempts if each.id == order.payment_id)
    said = payment.failure or settlement.printable(request.args.get("message"))
    is_issued = payment.status == "VIRTUAL_ACCOUNT_ISSUED"
    is_late = settlement.expired(payment) if is_issued else payment.created_at < now() - WINDOW_TIME
    is_double = any("DUPLICATE" in each.reasons for each in attempts)
    return render_template(
        "merchant/result.html",
        order=order,
        payment=payment,
        account=virtual_account(payment),
        events=events,
        unknown=not is_known,
        can_retry=order.paid_at is None,
        kind=kind_of(order, payment, said, is_late),
        is_double=is_double,
        message=said
        if order.status in {"PENDING", "FAILED"} and said != "[MANUAL_APPROVAL]"
        else "",
    )


@bp.post("/payment/webhook")
def webhook():
    """PortOne tells that something happened to a payment. What it says is only a reason to ask."""
    body = request.get_data()
    if settings().webhook_secrets and not is_signed(
        settings().webhook_secrets, request.headers, body
    ):
        logger.warning(
            "webhook refused: not signed with PORTONE_WEBHOOK_SECRET, or this machine's clock is off"
        )
        raise Refused("SIGNATURE_INVALID")
    notice = json_body()
    data = (
        notice.get("data") if isinstance(notice.get("data"), dict) else notice
    )  # 2024-04-25, or 2024-01-01
    payment_id = data.get("paymentId") or data.get("payment_id")
    try:
        if isinstance(payment_id, str):
            settlement.settle(payment_id, "webhook")
    except Refused:
        logger.info(
            "payment %s: a webhook about it, but it is not ours", settlement.printable(payment_id)
        )
    return {"received": True}


# What the views above are made of


def settings():
    return current_app.extensions["merchant"].settings


def invalid(field, message):
    return Refused("INVALID_REQUEST", field, message=message)


def json_body():
    if not request.is_json:
        raise invalid(None, "Expected JSON (Content-Type: application/json).")
    try:
        body = json.loads(request.get_data())
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise invalid(None, "Expected JSON (Content-Type: application/json).")
    return body


def text_field(body, name):
    if not isinstance(body.get(name), str) or not body[name]:
        raise invalid(name, "This field is required.")
    return body[name]


def one_of(body, name, choices, default=None):
    value = body.get(name, default)
    if not isinstance(value, str) or value not in choices:
        raise invalid(
            name, _("Choose one of %s.") % ", ".join(choice or '""' for choice in choices)
        )
    return value


def buyer_fields(body):
    buyer = body.get("buyer") if isinstance(body.get("buyer"), dict) else {}
    for name, (pattern, message) in BUYER.items():
        value = buyer.get(name)
        if not isinstance(value, str) or not value.strip():
            raise invalid(f"buyer.{name}", "This field is required.")
        if not re.fullmatch(pattern, value) or len(value.encode()) > (
            30 if name == "name" else 100
        ):
            raise invalid(f"buyer.{name}", message)
    return buyer


def find_order(order_id):
    order = settlement.find_order(order_id)
    if order is None:
        raise Refused("ORDER_NOT_FOUND", "orderId")
    return order


def opened(payment):
    """201: the order's page as Location, and exactly what checkout.js hands to PortOne.requestPayment."""
    order = session.get(Order, payment.order_id)
    body = {
        "orderId": order.id,
        "paymentId": payment.id,
        "request": payment_request(order, payment),
    }
    return body, 201, {"Location": url_for(".show_order", order_id=order.id)}


def payment_request(order, payment):
    """https://developers.portone.io/sdk/ko/v2-sdk/payment-request: what PGs insist on is always there."""
    result = {
        "storeId": payment.store_id,
        "channelKey": payment.channel_key,
        "paymentId": payment.id,
        "orderName": payment.order_name,
        "totalAmount": payment.amount,
        "currency": payment.currency,
        "payMethod": payment.pay_method,
        "customer": {
            "customerId": order.id[:20],  # Smartro takes no longer one
            "fullName": order.buyer_name,
            "email": order.buyer_email,
            "phoneNumber": order.buyer_phone,
        },
        "redirectUrl": (settings().public_url or request.host_url.rstrip("/"))
        + url_for(".payment_redirect"),
        "locale": "KO_KR" if language() == "ko" else "EN_US",
    }
    if payment.window_type:
        result["windowType"] = {"pc": payment.window_type, "mobile": payment.window_type}
    if payment.pay_method == "VIRTUAL_ACCOUNT":
        result["virtualAccount"] = {"accountExpiry": {"validHours": VIRTUAL_ACCOUNT_HOURS}}
    if payment.pay_method == "MOBILE":
        result["productType"] = (
            PRODUCTS[order.product_id].type if order.product_id in PRODUCTS else "REAL"
        )
    if settings().notice_url:
        result["noticeUrls"] = [settings().notice_url]
    return result


def virtual_account(payment):
    if payment.status != "VIRTUAL_ACCOUNT_ISSUED" or not payment.virtual_account:
        return None
    deadline = parse_time(payment.virtual_account["expiredAt"])
    return payment.virtual_account | {
        "deadline": date(deadline) if deadline else "",
        "expired": settlement.expired(payment),
    }


def warn_of_manual_approval(answer, payment):
    """A paymentToken means 수동 승인: nothing is approved until the server confirms, which ours never does."""
    if answer.get("paymentToken"):
        told = "order %s payment %s: waits for a manual approval: turn it off in PortOne's console"
        logger.error(told, payment.order_id, payment.id)
    return bool(answer.get("paymentToken"))


# Languages


def language():
    """`?lang=`, else the cookie that remembers it, else what the browser prefers."""
    for choice in (request.args.get("lang"), request.cookies.get("lang")):
        if choice in {"ko", "en"}:
            return choice
    return request.accept_languages.best_match(["ko", "en"], "ko")


def _(text):
    return KOREAN.get(text, text) if language() == "ko" else text


def won(amount):
    return f"{amount:,}원" if language() == "ko" else f"₩{amount:,}"


def when(time):
    """A stored time (UTC) as Korea's clocks show it, to the second, in numbers that need no language."""
    return f"{time + timedelta(hours=9):%Y-%m-%d %H:%M:%S} KST"


def date(time):
    """A stored time (UTC) as a buyer reads it: 2026년 11월 23일 15:04 (KST), or 23 Nov 2026, 15:04 KST."""
    time += timedelta(hours=9)
    if language() == "ko":
        return f"{time.year}년 {time.month}월 {time.day}일 {time:%H:%M} (KST)"
    return f"{time.day} {time:%b %Y, %H:%M} KST"


def lang_of(text):
    """The language of a text that is not ours, such as a PG's message or a product's name."""
    return "ko" if re.search("[가-힣]", str(text)) else "en"


def english_name(product_id):
    """For who reads English, if the catalogue has one."""
    return PRODUCTS[product_id].name_en if language() == "en" and product_id in PRODUCTS else ""


@bp.context_processor
def template_names():
    names = {
        "_": _,
        "lang": language(),
        "won": won,
        "when": when,
        "date": date,
        "words": WORDS,
        "settings": settings(),
    }
    return names | {"lang_of": lang_of, "english_name": english_name}


@bp.before_request
def limit_body():
    request.max_content_length = MAX_BODY_BYTES


@bp.after_request
def headers(response):
    if request.endpoint != "merchant.static":
        response.headers["Cache-Control"] = "no-store"
        response.headers["Vary"] = "Accept-Language, Cookie"
    if request.args.get("lang") in {"ko", "en"}:
        response.set_cookie("lang", request.args["lang"], max_age=365 * 86400, samesite="Lax")
    return response


# Errors


def error(code, message=None, field=None, reasons=None):
    status, text = ERRORS[code]
    body = {"code": code, "message": _(message or text), "retryable": status == 503}
    body |= {name: value for name, value in (("field", field), ("reasons", reasons)) if value}
    return jsonify(error=body), status, {"Retry-After": "3"} if body["retryable"] else {}


def error_page(status, message):
    texts = {"message": _(message), "next_step": _(ERROR_PAGES[status])}
    return render_template("merchant/error.html", code=status, **texts, **template_names()), status


@bp.errorhandler(Refused)
def refused(problem):
    message = TEST_REFUSED if problem.reasons == ["TEST_CHANNEL"] else problem.message
    return error(problem.code, message, problem.field, problem.reasons)


@bp.errorhandler(PortOneUnavailable)
@bp.errorhandler(PortOneRejected)
def not_asked(problem):
    return error(problem.code)


@bp.errorhandler(exc.OperationalError)
@bp.errorhandler(exc.InternalError)
@bp.errorhandler(exc.TimeoutError)
def database_unavailable(problem):
    """Locked, full, read-only or away. What was begun is rolled back."""
    # Not the whole problem: it shows the statement's values, the buyer's among them.
    reason = str(getattr(problem, "orig", problem)).partition("\n")[0]
    logger.error("%s %s: the database is not available: %s", request.method, request.path, reason)
    if request.method == "GET":
        return error_page(503, ERRORS["DATABASE_UNAVAILABLE"][1])
    return error("DATABASE_UNAVAILABLE")


@bp.errorhandler(RequestEntityTooLarge)
def too_large(problem):
    return error("INVALID_REQUEST", "The request is larger than 16 KB.")[0], 413
