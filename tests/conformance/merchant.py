"""A small merchant of our own, right without a mistake and wrong with one of MISTAKES.

It shares no code with `merchant/`, so that the judge can't know it. Its orders are in memory.
"""

import secrets
import threading
from dataclasses import dataclass
from itertools import count

import portone_server_sdk as portone
import requests
from flask import Flask, jsonify, redirect, request, url_for

# mistake -> the checks that find it. No other check may fail.
MISTAKES = {
    "trusts the browser": {
        "asked-before-paid",
        "amount-changed",
        "amount-differs-at-portone",
        "currency-changed",
        "order-name-changed",
        "channel-changed",
        "account-issued",
        "pending",
        "cancelled-meanwhile",
        "forged-completion",
        "forged-after-decline",
        "redirect-forged",
        "webhook-claims-paid",
        "api-error",
        "api-drops",
        "api-garbled",
    },
    "no amount check": {"amount-changed", "amount-differs-at-portone"},
    # Where a PG takes one currency, another one needs another channel.
    "ignores the currency": {"currency-changed", "channel-changed"},
    "ignores the order name": {"order-name-changed"},
    "ignores the channel": {"channel-changed"},
    "compares amount.paid": {"discount"},
    "accepts any paymentId": {"foreign-payment"},
    "accepts another order's payment": {"another-orders-payment"},
    "skips the signature": {
        "webhook-unsigned",
        "webhook-wrong-signature",
        "webhook-body-changed",
        "webhook-old",
    },
    "fulfils twice": {"completion-repeated", "webhook-repeated"},
    "says failed when PortOne is down": {"api-error", "api-drops", "api-garbled"},
    "answers webhooks 200 when PortOne is down": {"webhook-during-outage"},
    "leaks the secret": {"secrets"},
    "trusts the webhook's body": {
        "webhook-claims-paid",
        "webhook-settles",
        "webhook-during-outage",
    },
    "calls an issued account paid": {"account-issued"},
    "reuses a paymentId": {"retry"},
    "counts its paymentIds": {"payment-ids"},
    "believes the browser's failure": {"approved-but-sdk-failed", "redirect-claims-failure"},
}
PRICE, NAME, CURRENCY = 15000, "A pair of shoes", "KRW"

ORDER_PAGE = """<!doctype html><meta charset="utf-8"><title>Shop</title>
<script src="{sdk}"></script>
<button id="pay">Pay</button> <p id="state"></p>
<script>
const say = (text) => {{ document.getElementById("state").textContent = text; }};
async function post(url, body) {{
  const answer = await fetch(url, {{
    method: "POST", headers: {{ "Content-Type": "application/json" }}, body: JSON.stringify(body),
  }});
  return {{ status: answer.status, body: await answer.json() }};
}}
async function pay() {{
  document.getElementById("pay").disabled = true;
  const {{ body: order }} = await post("/orders", {{}});
  history.replaceState(null, "", order.url);
  let result;
  try {{
    result = await PortOne.requestPayment(order.request);
  }} catch (error) {{
    say(error.message);
    return;
  }}
  if (!result) return;
  const claim = {{ orderId: order.orderId, paymentId: result.paymentId, code: result.code }};
  for (let i = 0; i < 3; i += 1) {{
    const answer = await post("/complete", claim);
    if (answer.status !== 503) break;
    say("We are asking for the result of your payment.");
    await new Promise((resolve) => setTimeout(resolve, 500));
  }}
  location.assign(order.url);
}}
document.getElementById("pay").addEventListener("click", pay);
</script>"""

RESULT_PAGE = """<!doctype html><meta charset="utf-8"><title>Order</title>
<p id="{state}">Order {id}: {state}. Parcels sent: {parcels}.</p> {leak}"""


@dataclass
class Order:
    id: str
    payment_id: str
    state: str = "PENDING"
    parcels: int = 0


class Down(Exception):
    """PortOne could not be asked."""


class Merchant:
    """settings: as `portone_sandbox.settings` gives them. mistake: one of MISTAKES, or None."""

    def __init__(self, settings, mistake=None):
        self.settings, self.mistake = settings, mistake
        self.orders, self.lock, self.numbers = {}, threading.RLock(), count(1)

    def new_order(self, cookie):
        open_order = self.orders.get(cookie)
        if self.mistake == "reuses a paymentId" and open_order and open_order.state != "PAID":
            payment_id = open_order.payment_id
        elif self.mistake == "counts its paymentIds":
            payment_id = f"payment{next(self.numbers):06}"
        else:
            payment_id = secrets.token_hex(16)
        order = Order(secrets.token_hex(8), payment_id)
        self.orders[order.id] = order
        return order

    def find(self, payment_id):
        """The newest order of the payment."""
        orders = [each for each in self.orders.values() if each.payment_id == payment_id]
        return orders[-1] if orders else None

    def claimed(self, order_id, payment_id):
        """The order, if the payment is its own."""
        order, owner = self.orders.get(order_id), self.find(payment_id)
        if order is None:
            return None
        is_taken = owner is None and self.mistake == "accepts any paymentId"
        is_taken |= owner is not None and self.mistake == "accepts another order's payment"
        if is_taken:
            order.payment_id = payment_id
        return order if order.payment_id == payment_id else None

    def ask(self, payment_id):
        """PortOne's record, or None if there is none."""
        try:
            answer = requests.get(
                f"{self.settings['PORTONE_API_BASE']}/payments/{payment_id}",
                headers={"Authorization": f"PortOne {self.settings['PORTONE_API_SECRET']}"},
                timeout=15,
            )
            if answer.status_code == 404:
                return None
            answer.raise_for_status()
            return answer.json()
        except (requests.RequestException, ValueError) as error:
            raise Down from error

    def settle(self, order):
        record = self.ask(order.payment_id)
        status = record["status"] if record else "READY"
        with self.lock:
            if status == "PAID" and self.is_as_ordered(record):
                self.pay(order)
            elif status == "VIRTUAL_ACCOUNT_ISSUED":
                if self.mistake == "calls an issued account paid":
                    self.pay(order)
            elif order.state != "PAID" and status == "FAILED":
                order.state = "FAILED"

    def pay(self, order):
        if order.state != "PAID" or self.mistake == "fulfils twice":
            order.parcels += 1
        order.state = "PAID"

    def is_as_ordered(self, record):
        amount = record["amount"]
        paid = amount["paid" if self.mistake == "compares amount.paid" else "total"]
        terms = {
            "no amount check": paid == PRICE,
            "ignores the currency": record["currency"] == CURRENCY,
            "ignores the order name": record["orderName"] == NAME,
            "ignores the channel": self.mistake == "ignores the currency"
            or record["channel"]["key"] == self.settings["PORTONE_CHANNEL_KEY"],
        }
        return all(is_same or self.mistake == mistake for mistake, is_same in terms.items())


def create_app(settings, mistake=None):
    app, shop = Flask(__name__), Merchant(settings, mistake)

    @app.get("/")
    def order_page():
        return ORDER_PAGE.format(sdk=settings["PORTONE_SDK_URL"])

    @app.post("/orders")
    def create_order():
        order = shop.new_order(request.cookies.get("order"))
        url = url_for("show_order", order_id=order.id)
        answer = jsonify(
            orderId=order.id,
            url=url,
            request={
                "storeId": settings["PORTONE_STORE_ID"],
                "channelKey": settings["PORTONE_CHANNEL_KEY"],
                "paymentId": order.payment_id,
                "orderName": NAME,
                "totalAmount": PRICE,
                "currency": CURRENCY,
                "payMethod": "CARD",
                "redirectUrl": url_for("come_back", order_id=order.id, _external=True),
            },
        )
        answer.set_cookie("order", order.id)
        return answer

    @app.get("/orders/<order_id>")
    def show_order(order_id):
        order = shop.orders[order_id]
        leak = f"<!-- {settings['PORTONE_API_SECRET']} -->" if mistake == "leaks the secret" else ""
        return RESULT_PAGE.format(
            id=order.id, state=order.state.lower(), parcels=order.parcels, leak=leak
        )

    def complete(order_id, payment_id, code):
        order = shop.claimed(order_id, payment_id)
        if order is None:
            return None
        if code and mistake == "believes the browser's failure":
            order.state = "FAILED"
        elif not code and mistake == "trusts the browser":
            shop.pay(order)
        else:
            shop.settle(order)
        return order

    @app.post("/complete")
    def complete_order():
        body = request.get_json()
        try:
            order = complete(body["orderId"], body["paymentId"], body.get("code"))
        except Down:
            if mistake != "says failed when PortOne is down":
                return {"state": "PENDING"}, 503
            order = shop.orders[body["orderId"]]
            order.state = "FAILED"
        return ({"state": order.state}, 200) if order else ({"state": "PENDING"}, 404)

    @app.get("/come-back/<order_id>")
    def come_back(order_id):
        try:
            complete(order_id, request.args["paymentId"], request.args.get("code"))
        except Down:
            app.logger.info("PortOne could not be asked: the order's page stays PENDING.")
        return redirect(url_for("show_order", order_id=order_id))

    @app.post("/webhook")
    def take_webhook():
        if mistake != "skips the signature":
            try:
                portone.webhook.verify(
                    settings["PORTONE_WEBHOOK_SECRET"],
                    request.get_data(as_text=True),
                    request.headers,
                )
            except portone.webhook.WebhookVerificationError:
                return {}, 401
        event = request.get_json()
        order = shop.find(event["data"].get("paymentId", ""))
        if order is None:
            return {}
        if mistake == "trusts the webhook's body":
            if event["type"] == "Transaction.Paid":
                shop.pay(order)
            return {}
        try:
            shop.settle(order)
        except Down:
            return {}, 200 if mistake == "answers webhooks 200 when PortOne is down" else 503
        return {}

    return app
