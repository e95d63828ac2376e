"""What a check has at hand: buyers, the sandbox, the merchant's webhook."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import requests

from .buyer import Buyer
from .findings import Finding, Situation, failed, passed, unknown
from .plan import Plan, Shop, Shown
from .portone import Call, Json, PortOne, Unusable, Webhooks

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NEVER: Json = {"action": "never"}  # a plan's answer: the page gets no result
NOT_CALLED = "The page did not call PortOne.requestPayment after the click."
NO_JOURNAL = "This sandbox has no journal of the merchant's calls."
NO_WEBHOOK = "The address of the merchant's webhook is not known: give --webhook."


class NotJudged(Exception):
    """The situation could not be brought about. The message says why."""


class Judge:
    """It has buyers of its own for each check, and ends them."""

    def __init__(
        self, browser: "Browser", shop: Shop, portone: PortOne, webhook_url: str | None = None
    ) -> None:
        self.shop = shop
        self.portone = portone
        self.webhook_url = webhook_url
        self.base_changes: Json = {}  # to every request: so that an honest payment is one by card
        self.is_honest_paid = False
        self.webhook_order: str | None = None  # of the sandbox's own webhooks
        self._honest_request: Json | None = None
        self._browser = browser
        self._buyers: list[Buyer] = []

    def run(self, situation: Situation) -> Finding:
        from playwright.sync_api import Error

        if situation.needs_webhook and not self.webhook_url:
            return unknown(NO_WEBHOOK)
        try:
            self.portone.restore()
            self.portone.set("webhooks", order=self.webhook_order)
            return situation.run(self)
        except NotJudged as error:
            return unknown(str(error))
        except (Unusable, requests.RequestException) as error:
            return unknown(f"The sandbox or the merchant's server did not play along: {error}")
        except Error as error:
            return unknown(f"The browser could not go on: {error.message.splitlines()[0]}")
        finally:
            self.portone.restore()
            self.close_buyers()

    def honest_request(self) -> Json:
        """What the page asks the SDK for when nobody meddles."""
        if self._honest_request is None:
            buyer, _ = self.attempt(before=lambda request: NEVER)
            self._honest_request = buyer.requests[-1]
        return {**self._honest_request, **self.base_changes}

    @property
    def webhooks(self) -> Webhooks:
        if not self.webhook_url:
            raise NotJudged(NO_WEBHOOK)
        return Webhooks(self.webhook_url)

    def new_buyer(self, on_phone: bool = False) -> Buyer:
        buyer = Buyer(self._browser, self.shop, self.portone, on_phone)
        self._buyers.append(buyer)
        return buyer

    def attempt(
        self,
        outcome: str = "approve",
        changes: Json | None = None,
        before: Callable[[Json], Json | None] | None = None,
        after: Callable[[Json, Json], Json | None] | None = None,
        buyer: Buyer | None = None,
        quiet: float | None = None,
    ) -> tuple[Buyer, Shown]:
        """A buyer opens the page and pays. Returns what the page then shows.

        outcome: how the payment window ends. The rest: as Plan and Buyer.wait have it.
        """
        self.portone.set("window", outcome=outcome)
        if buyer is None:
            buyer = self.new_buyer()
            buyer.open()
        plan = Plan({**self.base_changes, **(changes or {})}, before, after)
        if not buyer.pay(plan):
            raise NotJudged(NOT_CALLED)
        return buyer, buyer.wait(quiet)

    def pay_elsewhere(self, request: Json) -> Json:
        """The record of the page's payment, paid without the page: it gets no result."""
        record = self.portone.pay({**request, **self.base_changes}, "approve")
        if record.get("status") != "PAID":
            raise NotJudged("Without the page this payment can't be made: it needs a confirmation.")
        return record

    def not_paid(self, buyer: Buyer, shown: Shown, seen: str) -> Finding:
        """The verdict of a claim that must not be believed."""
        if shown.state == "paid":
            return failed(seen)
        if not buyer.has_reacted():
            return unknown(f"{seen} The page did nothing with the result, so nothing was claimed.")
        return passed(seen)

    def calls(self, payment_id: str) -> list[Call]:
        calls = self.portone.calls(payment_id)
        if calls is None:
            raise NotJudged(NO_JOURNAL)
        return calls

    def evidence(self, buyer: Buyer, shown: Shown, payment_id: str | None = None) -> str:
        """What the page asked its server, what the server asked PortOne, and what was shown."""
        payment_id = payment_id or buyer.payment_id
        asked = buyer.traffic.completions(payment_id)
        if payment_id != buyer.payment_id:  # swapped on the way
            asked += buyer.traffic.completions(buyer.payment_id)
        calls = self.portone.calls(payment_id)
        parts = [f"Payment {payment_id}"]
        if buyer.thrown:
            parts.append(f"the SDK threw {buyer.thrown[-1]}")
        parts.append(f"the page sent {_listed(asked)}")
        if calls is not None:
            parts.append(f"the server asked PortOne {_listed(calls)}")
        parts.append(str(shown))
        return "; ".join(parts) + "."

    def close_buyers(self) -> None:
        while self._buyers:
            self._buyers.pop().close()


def _listed(things: object) -> str:
    assert isinstance(things, list)
    shown = [str(each) for each in things]
    if len(shown) > 4:
        shown = [*shown[:4], f"{len(shown) - 4} more"]
    return ", ".join(shown) or "nothing"


def result_of(request: Json, tx_id: str = "conformance") -> Json:
    """What the SDK answers when the window has ended well."""
    return {"transactionType": "PAYMENT", "txId": tx_id, "paymentId": request["paymentId"]}


def give(result: Json) -> Json:
    """A plan's answer: the page gets this result."""
    return {"action": "return", "result": result}
