"""A PortOne that remembers payments, cancellations, tokens and idempotency keys, behind its
documented REST API.

    with StatefulPortOne() as portone:
        shop = make_shop(PORTONE_API_BASE=portone.url, **ACCOUNT)
        order = shop.order()
        portone.pay(order)                          # the buyer pays in the window
        portone.cancel(order["paymentId"], 300)     # somebody gives a part back in PortOne's console
        portone.faults["cancel"] = lose_answer      # done, but nobody hears of it

It is a real HTTP server on loopback (tests/stand_in.py) and does what the documents allow. Where
they leave something open, both readings are there, as a switch. Sources, all below
https://developers.portone.io:

- /api/rest-v2/payment, which is the OpenAPI document 1.16.0: routes, bodies, errors and records; -
/api/rest-v2: idempotency keys, and the advice to wait 60 s for what reaches a PG; -
/opi/ko/extra/manual-confirm/readme-v2: manual approval (수동 승인) and its payment token; -
/release-notes/api-sdk/2024-01-25: a virtual account that was closed is classed as a failed payment.
"""

import copy
import hashlib
import json
import re
import secrets
import threading
from collections import Counter
from datetime import datetime, timedelta, timezone
from email.utils import formatdate
from functools import lru_cache
from urllib.parse import parse_qs, unquote, urlsplit

from tests.stand_in import Call, PortOne, answer, record

ACCOUNT = {
    "PORTONE_STORE_ID": "store-1",
    "PORTONE_CHANNEL_KEY": "channel-key-1",
    "PORTONE_API_SECRET": "secret-1",
}
KEY_TIME = timedelta(hours=3)
DEFAULT_DAYS = 90
MAX_PAGE, MAX_REACH = 1_000, 60_000
TAKEN = {"PAID", "PARTIAL_CANCELLED"}
ROUTES = {"cancel", "virtual-account/close", "pre-register", "confirm"}
SORTS = {"REQUESTED_AT": "requestedAt", "STATUS_CHANGED_AT": "statusChangedAt"}


class Refusal(Exception):
    """PortOne says no: an HTTP status and an error's `type`, with more of its fields."""

    def __init__(self, status, type, **more):
        super().__init__(type)
        self.answer = status, {"type": type, "message": f"The stand-in refuses: {type}", **more}


class Answering(Call):
    """One call. A fault of its route (`portone.faults`) comes before the answer that is due."""

    def do_GET(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.portone.calls.append((self.command, self.path, dict(self.headers), self.body))
        fault = self.portone.fault or self.portone.faults.get(route_of(self.command, self.path))
        (fault or Answering.answer_well)(self)

    do_POST = do_GET

    def answer_well(self):
        date = formatdate(self.portone.now().timestamp(), usegmt=True)
        self.answer(*self.portone.respond(self), {"Date": date})


class StatefulPortOne(PortOne):
    """`records`: paymentId -> the record as it is now. `calls`: as in tests/stand_in.py.

    `faults`: route -> fault, of the routes `get`, `list`, `cancel`, `virtual-account/close`,
    `pre-register`, `confirm`. `approvals`: paymentId -> how often money was taken. `terms`: what
    was pre-registered.

    Switches, for what the documents leave open: `balance`: what can be cancelled is reckoned from
    amount.`total` or amount.`paid`, which differ after a discount. `cancel_result`: how the next
    cancellations end: SUCCEEDED, REQUESTED or FAILED. `shows_requested`: a PAID record has
    `cancellations`, which its schema does not mention. `partial_moves_time`: each partial
    cancellation changes statusChangedAt, or only the first one, whose status is new. `closed_as`:
    what a closed virtual account is, CANCELLED or FAILED. `skew`: how far its clock is ahead of
    ours.
    """

    def __init__(self, port=0):
        super().__init__(port)
        self.faults, self.approvals, self.terms = {}, Counter(), {}
        self.balance, self.cancel_result, self.closed_as = "total", "SUCCEEDED", "CANCELLED"
        self.shows_requested, self.partial_moves_time = True, True
        self.skew = timedelta()
        self._tokens, self._keys = {}, {}
        self._last = datetime.min.replace(tzinfo=timezone.utc)
        self._lock = threading.RLock()

    def __enter__(self):
        super().__enter__()
        self._server.RequestHandlerClass = Answering
        return self

    # What buyers, PGs, banks and people in PortOne's console do

    def open(self, order, **changes):
        """The payment window opens: the record is READY, and stays so if the buyer leaves."""
        with self._lock:
            moment = self.stamp()
            times = dict.fromkeys(("requestedAt", "updatedAt", "statusChangedAt"), moment)
            made = {**record(order, "READY"), **times, "transactionId": secrets.token_hex(8)}
            tax_free = order["request"].get("taxFreeAmount", 0)
            vat = round((made["amount"]["total"] - tax_free) / 11)
            supply = made["amount"]["total"] - tax_free - vat
            made["amount"] |= {"taxFree": tax_free, "vat": vat, "supply": supply}
            self.records[made["id"]] = {**made, **changes}
            return self.records[made["id"]]

    def pay(self, order, discount=0, **changes):
        """The buyer pays.

        discount: what the PG or the card company takes over, KRW; `amount.paid` is lower by it.
        """
        with self._lock:
            made = self._opened(order)
            made["amount"] = {
                **made["amount"],
                "discount": discount,
                "paid": made["amount"]["total"] - discount,
            }
            return self._take(made, **changes)

    def fail(self, order):
        failure = {"reason": "한도초과", "pgCode": "51", "pgMessage": "한도초과"}
        return self._change(self._opened(order), "FAILED", "failedAt", failure=failure)

    def pend(self, order):
        return self._change(self._opened(order), "PAY_PENDING")

    def issue_account(self, order, hours=24, **changes):
        """A virtual account to pay into until `hours` from now."""
        with self._lock:
            made = self._opened(order)
            return self._issue(made, hours, **changes)

    def deposit(self, payment_id, **changes):
        """The bank reports a deposit, late or not; a record that was closed is PAID with it."""
        with self._lock:
            return self._take(self.records[payment_id], **changes)

    def close(self, payment_id, **changes):
        """The virtual account is closed: nobody has paid into it."""
        made = self.records[payment_id]
        if self.closed_as == "FAILED":
            failure = {"reason": "계좌말소", "pgCode": "CLOSED", "pgMessage": "계좌말소"}
            return self._change(made, "FAILED", "failedAt", failure=failure, **changes)
        return self._change(made, "CANCELLED", "cancelledAt", cancellations=[], **changes)

    def change(self, payment_id, **changes):
        """Something else in the record is changed, by PortOne or the PG; `updatedAt` says when."""
        with self._lock:
            made = self.records[payment_id]
            if changes.get("status", made["status"]) != made["status"]:
                made["statusChangedAt"] = self.stamp()
            return made.update(changes, updatedAt=self.stamp())

    def stranger(self, amount, status="PAID"):
        """A payment in our store of which the shop knows nothing, such as of a row that a restored
        backup lacks.
        """
        request = {
            "paymentId": secrets.token_hex(16),
            "storeId": ACCOUNT["PORTONE_STORE_ID"],
            "channelKey": ACCOUNT["PORTONE_CHANNEL_KEY"],
            "orderName": "이름 모를 주문",
            "totalAmount": amount,
            "currency": "KRW",
        }
        order = {"paymentId": request["paymentId"], "request": request}
        self.open(order)
        if status == "FAILED":
            return self.fail(order)
        return self.pay(order) if status == "PAID" else self.records[request["paymentId"]]

    def cancel(self, payment_id, amount=None, result="SUCCEEDED", trigger="CONSOLE"):
        """Money is given back, all that is left or `amount`. Returns the cancellation."""
        body = {"reason": "고객 요청"} | ({} if amount is None else {"amount": amount})
        with self._lock:
            return self._cancel(payment_id, body, trigger, result)

    def end_cancellation(self, payment_id, result="SUCCEEDED"):
        """The cancellation that was REQUESTED ends, as SUCCEEDED or FAILED."""
        with self._lock:
            made = self.records[payment_id]
            pending = [each for each in made["cancellations"] if each["status"] == "REQUESTED"]
            assert pending, "no cancellation is REQUESTED"
            for cancellation in pending:
                cancellation["status"] = result
                if result == "SUCCEEDED":
                    self._give_back(made, cancellation)
            made["updatedAt"] = self.stamp()

    def token(self, order, hours=24, **terms):
        """The window of a channel with manual approval ended well. Returns the paymentToken; no
        money has moved.

        terms: `totalAmount`, `currency`, `taxFreeAmount`, `payMethod` as the buyer's browser sent
        them, where they are not what the shop asked for, and `isTest`.
        """
        request = order["request"] | {key: terms[key] for key in terms if key != "isTest"}
        with self._lock:
            self.open({**order, "request": request})
            token = secrets.token_urlsafe(24)
            self._tokens[token] = {
                "paymentId": order["paymentId"],
                "totalAmount": request["totalAmount"],
                "currency": request["currency"],
                "taxFreeAmount": request.get("taxFreeAmount", 0),
                "isTest": terms.get("isTest", True),
                "hours": hours if request.get("payMethod") == "VIRTUAL_ACCOUNT" else None,
                "used": False,
            }
            return token

    # What a test looks at

    def count(self, *routes):
        """How many calls of these routes came in; without routes a Counter of them all."""
        counts = Counter(route_of(method, path) for method, path, *_ in self.calls)
        return sum(counts[route] for route in routes) if routes else counts

    def asked(self, route):
        """The bodies of a route's calls; for `list` the requestBody, for `get` the paymentId."""
        calls = [call for call in self.calls if route_of(*call[:2]) == route]
        if route == "get":
            return [payment_of(path) for _, path, *_ in calls]
        if route == "list":
            return [search_of(path, body) for _, path, _, body in calls]
        return [json.loads(body or b"{}") for *_, body in calls]

    def keys(self):
        """The idempotency keys of the cancel calls."""
        return [call[2].get("Idempotency-Key") for call in self.calls if "/cancel" in call[1]]

    def given_back(self, payment_id):
        cancellations = self.records[payment_id].get("cancellations", [])
        return sum(each["totalAmount"] for each in cancellations if each["status"] == "SUCCEEDED")

    def now(self):
        """Its clock, which follows ours (also where a test has shifted it) and never repeats a
        microsecond.
        """
        with self._lock:
            moment = datetime.now(timezone.utc) + self.skew
            self._last = max(moment, self._last + timedelta(microseconds=1))
            if self._last - moment > timedelta(seconds=1):
                self._last = moment  # the test has set its clock back
            return self._last

    def stamp(self, **later):
        return (self.now() + timedelta(**later)).isoformat().replace("+00:00", "Z")

    # The REST API

    def respond(self, call):
        """(HTTP status, JSON) of a call, which is carried out."""
        route = route_of(call.command, call.path)
        try:
            return 200, self._once(route, call)
        except Refusal as refusal:
            return refusal.answer

    def _once(self, route, call):
        """An idempotency key is kept for three hours: the first answer again, or 409 while the
        first call runs.
        """
        if (
            call.headers.get("Authorization", "").removeprefix("PortOne ")
            != ACCOUNT["PORTONE_API_SECRET"]
        ):
            raise Refusal(401, "UNAUTHORIZED")
        key = call.headers.get("Idempotency-Key") if call.command == "POST" else None
        if key is None:
            return self._act(route, call)
        if not 16 <= len(key.strip('"')) <= 256:
            raise Refusal(400, "INVALID_REQUEST")
        request = hashlib.sha256(call.path.encode() + call.body).hexdigest()
        with self._lock:
            kept = self._keys.get(key)
            if kept and self.now() < kept["until"]:
                if kept["request"] != request:
                    raise Refusal(422, "INVALID_REQUEST")
                if "answer" not in kept:
                    raise Refusal(409, "IDEMPOTENCY_OUTSTANDING_REQUEST")
                if isinstance(kept["answer"], Refusal):
                    raise kept["answer"]
                return kept["answer"]
            kept = self._keys[key] = {"request": request, "until": self.now() + KEY_TIME}
        try:
            kept["answer"] = self._act(route, call)
        except Refusal as refusal:
            kept["answer"] = refusal
            raise
        return kept["answer"]

    def _act(self, route, call):
        query = parse_qs(urlsplit(call.path).query)
        body = json.loads(call.body or b"{}") if call.command == "POST" else {}
        own_store = ACCOUNT["PORTONE_STORE_ID"]
        if {own_store} != {own_store, body.get("storeId", own_store), *query.get("storeId", [])}:
            raise Refusal(403, "FORBIDDEN")
        payment_id = payment_of(call.path)
        with self._lock:
            if route == "list":
                return self.search(search_of(call.path, call.body))
            if route == "pre-register":
                if payment_id in self.records and "paidAt" in self.records[payment_id]:
                    raise Refusal(409, "ALREADY_PAID")
                self.terms[payment_id] = body
                return {}
            if payment_id not in self.records:
                raise Refusal(404, "PAYMENT_NOT_FOUND")
            if route == "get":
                return self._shown(self.records[payment_id])
            if route == "cancel":
                return {"cancellation": dict(self._cancel(payment_id, body, "API"))}
            if route == "confirm":
                return self._confirm(payment_id, body)
            if self.records[payment_id]["status"] != "VIRTUAL_ACCOUNT_ISSUED":
                raise Refusal(409, "PAYMENT_NOT_WAITING_FOR_DEPOSIT")
            return {"closedAt": self.close(payment_id)["updatedAt"]}

    def _shown(self, made):
        shown = copy.deepcopy(made)
        if made["status"] == "PAID" and not self.shows_requested:
            shown.pop("cancellations", None)
        return shown

    def search(self, search):
        """`GET /payments`: GetPaymentsBody -> GetPaymentsResponse.

        A page is 10 payments unless `size` says otherwise, and (number + 1) × size at most 60,000.
        Without times it is the last 90 days by the time of the status (PaymentTimestampType). A
        filter that is not known here is refused, so that no test passes because it was ignored. The
        schema of `status` says PENDING for PAY_PENDING.
        """
        page, wanted = search.get("page", {}), dict(search.get("filter", {}))
        number, size = page.get("number", 0), page.get("size", 10)
        if number < 0 or not 0 < size <= MAX_PAGE or (number + 1) * size > MAX_REACH:
            raise Refusal(400, "INVALID_REQUEST")
        if wanted.pop("storeId", ACCOUNT["PORTONE_STORE_ID"]) != ACCOUNT["PORTONE_STORE_ID"]:
            raise Refusal(403, "FORBIDDEN")
        by_status = wanted.pop("timestampType", "STATUS_CHANGED_AT") == "STATUS_CHANGED_AT"
        until = time_of(wanted.pop("until", self.stamp()))
        since = wanted.pop("from", None)
        since = time_of(since) if since else until - timedelta(days=DEFAULT_DAYS)
        sort = SORTS[wanted.pop("sortBy", "REQUESTED_AT")]
        is_descending = wanted.pop("sortOrder", "DESC") == "DESC"
        statuses = {
            "PAY_PENDING" if each == "PENDING" else each for each in wanted.pop("status", [])
        }
        methods = wanted.pop("methods", [])
        is_test, version = wanted.pop("isTest", None), wanted.pop("version", "V2")
        if wanted:
            raise Refusal(400, "INVALID_REQUEST", unknown=sorted(wanted))
        items = [
            made
            for made in self.records.values()
            if since <= time_of(status_time(made) if by_status else made["requestedAt"]) <= until
            and (not statuses or made["status"] in statuses)
            and (not methods or method_of(made) in methods)
            and is_test in {None, made["channel"]["type"] == "TEST"}
            and made["version"] == version
        ]
        items.sort(key=lambda made: made[sort], reverse=is_descending)
        shown = [self._shown(made) for made in items[number * size : (number + 1) * size]]
        return {
            "items": shown,
            "page": {"number": number, "size": size, "totalCount": len(items)},
        }

    def _confirm(self, payment_id, body):
        """`POST /payments/{paymentId}/confirm`: {paymentToken, totalAmount?, currency?,
        taxFreeAmount?, isTest?, …}.

        The optional fields are checks. Answers {pgTxId, paidAt}, also where it issues a virtual
        account.
        """
        token = body.get("paymentToken")
        if not isinstance(token, str) or not token:
            raise Refusal(400, "INVALID_REQUEST")
        made, terms = self.records[payment_id], self._tokens.get(token)
        if made["status"] in TAKEN:
            raise Refusal(409, "ALREADY_PAID")
        if terms is None or terms["paymentId"] != payment_id or terms["used"]:
            raise Refusal(400, "INVALID_PAYMENT_TOKEN")
        checks = ("totalAmount", "currency", "taxFreeAmount", "isTest")
        if any(body[name] != terms[name] for name in checks if name in body):
            raise Refusal(409, "INFORMATION_MISMATCH")
        terms["used"] = True
        if terms["hours"] is None:
            self._take(made)
        else:
            self._issue(made, terms["hours"])
        return {"pgTxId": made["pgTxId"], "paidAt": made["updatedAt"]}

    def _cancel(self, payment_id, body, trigger, result=None):
        """CancelPaymentBody -> the cancellation, the last of the record's.

        Without `amount` it is all that is left, with its tax-free part; with `amount` and without
        `taxFreeAmount` all of it is taxed. What was REQUESTED before does not lower the balance,
        and is not refused a second time.
        """
        made, result = self.records[payment_id], result or self.cancel_result
        if made["status"] == "CANCELLED":
            raise Refusal(409, "PAYMENT_ALREADY_CANCELLED")
        if made["status"] not in TAKEN:
            raise Refusal(409, "PAYMENT_NOT_PAID")
        amount, names = made["amount"], ("amount", "taxFreeAmount", "currentCancellableAmount")
        if not body.get("reason") or any(
            type(body[name]) is not int for name in names if name in body
        ):
            raise Refusal(400, "INVALID_REQUEST")
        left = amount[self.balance] - amount["cancelled"]
        tax_free_left = amount["taxFree"] - amount["cancelledTaxFree"]
        total = body.get("amount", left)
        tax_free = body.get("taxFreeAmount", 0 if "amount" in body else tax_free_left)
        for refusal, applies in (
            (
                "CANCELLABLE_AMOUNT_CONSISTENCY_BROKEN",
                body.get("currentCancellableAmount", left) != left,
            ),
            ("CANCEL_AMOUNT_EXCEEDS_CANCELLABLE_AMOUNT", total > left),
            ("SUM_OF_PARTS_EXCEEDS_CANCEL_AMOUNT", tax_free > total),
            (
                "CANCEL_TAX_FREE_AMOUNT_EXCEEDS_CANCELLABLE_TAX_FREE_AMOUNT",
                tax_free > tax_free_left,
            ),
            (
                "CANCEL_TAX_AMOUNT_EXCEEDS_CANCELLABLE_TAX_AMOUNT",
                total - tax_free > left - tax_free_left,
            ),
        ):
            if applies:
                raise Refusal(409, refusal)
        if total <= 0 or tax_free < 0:
            raise Refusal(400, "INVALID_REQUEST")
        is_to_account = made["method"]["type"].endswith("VirtualAccount") and trigger == "API"
        if is_to_account and "refundAccount" not in body:
            raise Refusal(502, "PG_PROVIDER", pgCode="INVALID", pgMessage="환불 계좌가 없습니다.")
        cancellation = {
            "status": result,
            "id": secrets.token_hex(8),
            "totalAmount": total,
            "taxFreeAmount": tax_free,
            "vatAmount": round((total - tax_free) / 11),
            "reason": body["reason"],
            "requestedAt": self.stamp(),
            "trigger": trigger,
        }
        made["updatedAt"] = cancellation["requestedAt"]
        made.setdefault("cancellations", []).append(cancellation)
        if result == "SUCCEEDED":
            self._give_back(made, cancellation)
        return cancellation

    def _give_back(self, made, cancellation):
        moment, amount = self.stamp(), dict(made["amount"])
        amount["cancelled"] += cancellation["totalAmount"]
        amount["cancelledTaxFree"] += cancellation["taxFreeAmount"]
        is_whole = amount["cancelled"] >= amount[self.balance]
        status = "CANCELLED" if is_whole else "PARTIAL_CANCELLED"
        cancellation["cancelledAt"] = moment
        if status != made["status"] or self.partial_moves_time:
            made |= {"statusChangedAt": moment, "cancelledAt": moment}
        made.pop("disputes", None)  # only PaidPayment has them
        made |= {"status": status, "amount": amount, "updatedAt": moment}

    def _opened(self, order):
        made = self.records.get(order["paymentId"]) or self.open(order)
        return made

    def _take(self, made, **changes):
        self.approvals[made["id"]] += 1
        return self._change(
            made, "PAID", "paidAt", disputes=[], pgTxId=secrets.token_hex(8), **changes
        )

    def _issue(self, made, hours, **changes):
        method = {
            "type": "PaymentMethodVirtualAccount",
            "bank": "SHINHAN",
            "accountNumber": "56001234567890",
            "accountType": "NORMAL",
            "remitteeName": "스토어",
            "issuedAt": self.stamp(),
            "expiredAt": self.stamp(hours=hours),
        }
        changes = {"method": method, "pgTxId": secrets.token_hex(8), **changes}
        return self._change(made, "VIRTUAL_ACCOUNT_ISSUED", **changes)

    def _change(self, made, status, time=None, **changes):
        with self._lock:
            moment = self.stamp()
            times = {"updatedAt": moment, "statusChangedAt": moment} | (
                {time: moment} if time else {}
            )
            for name in ("failure", "failedAt", "cancelledAt", "cancellations"):
                made.pop(name, None)  # another shape's
            made.update({"status": status, **times, **changes})
            return made


def route_of(method, path):
    """`get`, `list`, or the action of a POST."""
    path = urlsplit(path).path
    if method == "GET":
        return "list" if path.rstrip("/").endswith("/payments") else "get"
    return next((route for route in ROUTES if path.endswith(f"/{route}")), path)


def method_of(made):
    """PaymentMethodType of a record: PaymentMethodVirtualAccount is VIRTUAL_ACCOUNT."""
    name = made["method"]["type"].removeprefix("PaymentMethod")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()


def payment_of(path):
    return unquote(urlsplit(path).path.partition("/payments/")[2].partition("/")[0])


def search_of(path, body):
    """GET has it as the query's `requestBody`, as most clients can send no body with it, or as the
    body.
    """
    query = parse_qs(urlsplit(path).query).get("requestBody")
    return json.loads(query[0] if query else body or b"{}")


@lru_cache(200_000)
def time_of(text):
    """An RFC 3339 time; Python 3.10 reads neither Z nor nanoseconds."""
    moment, _, fraction = text.removesuffix("Z").removesuffix("+00:00").partition(".")
    micros = int(fraction[:6].ljust(6, "0")) if fraction else 0
    return datetime.fromisoformat(moment).replace(microsecond=micros, tzinfo=timezone.utc)


def status_time(made):
    """PaymentTimestampType.STATUS_CHANGED_AT: the time of the request, the payment, the
    cancellation or the failure.
    """
    names = {"READY": "requestedAt", "PAID": "paidAt", "FAILED": "failedAt"}
    names |= dict.fromkeys(("CANCELLED", "PARTIAL_CANCELLED"), "cancelledAt")
    return made.get(names.get(made["status"])) or made["statusChangedAt"]


# Faults


def lose_answer(call):
    """It is done, and the connection is cut before a byte of the answer."""
    call.portone.respond(call)
    call.close_connection = True


def refuse(status, type, **more):
    return answer(status, {"type": type, "message": type, **more})


PG_REFUSES = refuse(502, "PG_PROVIDER", pgCode="9999", pgMessage="PG사에서 거절했습니다.")
DOWN = answer(500, {"type": "INTERNAL"})


def first(fault, times=1):
    """The fault for the first calls, and the answer that is due for those after."""
    left = iter(range(times))
    return lambda call: (Answering.answer_well if next(left, None) is None else fault)(call)


def after(times, fault):
    """The answer that is due for the first calls, and the fault for those after."""
    left = iter(range(times))
    return lambda call: (fault if next(left, None) is None else Answering.answer_well)(call)
