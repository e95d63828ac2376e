"""What all routes share: error answers, response headers, and the names that templates use."""

import logging
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, jsonify, request, url_for
from sqlalchemy import exc
from werkzeug.exceptions import RequestEntityTooLarge

from ..checkout import payment_request
from ..current import merchant
from ..errors import PortOneRejected, PortOneUnavailable, Refused
from ..rows import OrderRow, PaymentRow
from . import languages
from .forms import MAX_BODY_BYTES
from .languages import translate
from .messages import ERROR_PAGES, MESSAGES
from .startup import finish
from .templates import render

Answer = tuple[Response, int, dict[str, str]]
Opened = tuple[dict[str, Any], int, dict[str, str]]

ERRORS = {  # code: (HTTP status, message)
    "INVALID_REQUEST": (400, "This field is required."),
    "PAYMENT_MISMATCH": (400, "PortOne's record of the payment does not match the order."),
    "SIGNATURE_INVALID": (401, "The signature is not valid."),
    "ORDER_NOT_FOUND": (404, "There is no such order."),
    "PAYMENT_NOT_FOUND": (404, "There is no such payment for this order."),
    "ORDER_ALREADY_PAID": (409, "This order is already paid."),
    "PAYMENT_IN_PROGRESS": (
        409,
        "A payment for this order is still in progress. Look at the order in a moment.",
    ),
    "ORDER_EXPIRED": (409, "This order is too old to be paid. Please place a new order."),
    "TOO_MANY_ATTEMPTS": (
        409,
        "This order has too many payment attempts. Please place a new order.",
    ),
    "PORTONE_REJECTED": (
        502,
        "The request failed because of the seller's payment settings. Please contact the seller.",
    ),
    "DATABASE_UNAVAILABLE": (
        503,
        "The order could not be processed because of a temporary fault. "
        "Please try again in a moment.",
    ),
    "PORTONE_UNAVAILABLE": (
        503,
        "The payment cannot be checked just now. "
        "If you have already paid, the order is updated automatically soon.",
    ),
}
TEST_REFUSED = (
    "This payment was made through a test channel; "
    "the shop must set PORTONE_ALLOW_TEST=1 to accept it."
)
ACCOUNT_IS_OPEN = (
    "Money can be deposited into this order's account until %s. "
    "Deposit it, or try again after that."
)

HEADERS = {  # whoever has the address of a result page can open it, so it must not leak
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
# Names that layout.html uses and not every page sets. Without them a host's own would be used.
NAMES_OF_LAYOUT: dict[str, Any] = {"panel": None, "takes_payment": False, "can_retry": True}

logger = logging.getLogger(__name__)


def error(
    code: str,
    message: str | None = None,
    field: str | None = None,
    reasons: Sequence[str] = (),
) -> Answer:
    """Returns an error of the HTTP contract as JSON. message: an English text of ours."""
    status, text = ERRORS[code]
    retryable = status == 503
    body: dict[str, Any] = {"code": code, "message": translate(message or text)}
    body["retryable"] = retryable
    if field:
        body["field"] = field
    if reasons:
        body["reasons"] = list(reasons)
    return jsonify(error=body), status, {"Retry-After": "3"} if retryable else {}


def error_page(status: int, message: str) -> tuple[str, int]:
    page = render(
        "merchant/error.html",
        code=status,
        message=translate(message),
        next_step=translate(ERROR_PAGES[status]),
        **template_names(),
    )
    return page, status


def attempt_opened(order: OrderRow, payment: PaymentRow) -> Opened:
    """Returns 201 with the order's page as Location and the request for PortOne.requestPayment."""
    host = merchant().settings.public_url or request.host_url.rstrip("/")
    locale = "KO_KR" if languages.language() == "ko" else "EN_US"
    body = {
        "orderId": order.id,
        "paymentId": payment.id,
        "request": payment_request(order, payment, host + url_for(".payment_redirect"), locale),
    }
    return body, 201, {"Location": url_for(".show_order", order_id=order.id)}


def template_names() -> dict[str, Any]:
    """The names that every template of ours may use."""
    return {
        "_": translate,
        "lang": languages.language(),
        "lang_of": languages.language_of,
        "english_name": languages.english_name,
        "won": languages.won,
        "time_left": languages.time_left,
        "when": languages.when,
        "date": languages.date,
        "messages": MESSAGES,
        "errors": {code: text for code, (_, text) in ERRORS.items()},
        "settings": merchant().settings,
    }


def register(bp: Blueprint) -> None:
    """Give the blueprint its error answers, its headers and its template names."""
    bp.context_processor(lambda: NAMES_OF_LAYOUT | template_names())
    bp.before_request(finish)
    bp.before_request(_limit_body)
    bp.after_request(_add_headers)
    bp.register_error_handler(Refused, _refused)
    bp.register_error_handler(PortOneUnavailable, _portone_failed)
    bp.register_error_handler(PortOneRejected, _portone_failed)
    bp.register_error_handler(RequestEntityTooLarge, _too_large)
    for problem in (exc.OperationalError, exc.InternalError, exc.TimeoutError):
        bp.register_error_handler(problem, _database_failed)


def _limit_body() -> None:
    request.max_content_length = MAX_BODY_BYTES


def _add_headers(response: Response) -> Response:
    if not (request.endpoint or "").endswith(".static"):
        response.headers["Cache-Control"] = "no-store"
        response.vary.update(("Accept-Language", "Cookie"))
    response.headers.update(HEADERS)
    languages.remember(response)
    return response


def _refused(problem: Refused) -> Answer:
    message = TEST_REFUSED if problem.reasons == ["TEST_CHANNEL"] else problem.message
    if problem.until:
        until = languages.date(problem.until)
        message = translate(ACCOUNT_IS_OPEN) % until
    return error(problem.code, message, problem.field, problem.reasons)


def _portone_failed(problem: PortOneUnavailable | PortOneRejected) -> Answer:
    return error(problem.code)


def _database_failed(problem: exc.SQLAlchemyError) -> Answer | tuple[str, int]:
    """The database is locked, full, read-only or away. What was begun is rolled back."""
    # The whole problem would show the statement's values, the buyer's among them.
    reason = str(getattr(problem, "orig", problem)).partition("\n")[0]
    logger.error("%s %s: the database failed: %s", request.method, request.path, reason)
    if request.method == "GET":
        return error_page(503, ERRORS["DATABASE_UNAVAILABLE"][1])
    return error("DATABASE_UNAVAILABLE")


def _too_large(problem: RequestEntityTooLarge) -> Answer:
    response, _, headers = error("INVALID_REQUEST", "The request is larger than 16 KB.")
    return response, 413, headers
