"""A sandbox inside a test's process. pytest's fixtures are made of it, and unittest can use it.

    with Server() as server, server.sandbox() as portone:
        app = create_app(portone.settings)
        result = portone.pay(request, "decline", code="INVALID_PASSWORD")

The server listens on a free port of loopback. Each sandbox is empty, in memory, and ends with its
block: no thread, file or payment is left. The variables SANDBOX_… do not count, except those that
pick the channel in `settings`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flask import Flask

from . import actions, build_app, declines, journal, payment_request, settings, switches
from .checkout import with_query
from .documents import Checkout, Origin, Payment, SdkResult
from .errors import Refused
from .outcomes import possible_outcomes
from .sandbox import Sandbox
from .store import MEMORY
from .testing_documents import Call, SignedWebhook, call, in_order, signed_webhook
from .testing_server import TestServer, no_sandbox

__all__ = ["Call", "PortOne", "Server", "SignedWebhook"]

PAGE = "http://localhost/"


class Server:
    """Serves one sandbox after another at the same address, `url`."""

    def __init__(self) -> None:
        self._server = TestServer()
        self._server.start()
        self._app: Flask | None = None
        self.url = self._server.url

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._server.close()

    @contextmanager
    def sandbox(self) -> Iterator["PortOne"]:
        """A new one, until the end of the block. RuntimeError when there is one already."""
        if self._server.wsgi is not no_sandbox:
            raise RuntimeError("This server has a sandbox already. Another one needs a Server too.")
        sandbox = Sandbox(MEMORY, keeps_all_webhooks=True)
        if self._app is None:
            self._app = build_app(sandbox)
        self._app.extensions["sandbox"] = sandbox
        self._server.wsgi = self._app
        try:
            yield PortOne(self.url, self._app, sandbox)
        finally:
            self._server.wsgi = no_sandbox
            sandbox.end_pauses()
            self._server.end_calls()
            sandbox.close()


class PortOne:
    """One test's sandbox.

    Errors: RequestError (errors.py, with `code` and `message`) for what `PortOne.requestPayment`
    throws; Refused (with `type`, `message` and `status`) for what PortOne, a PG or a bank refuses.
    """

    def __init__(self, url: str, app: Flask, sandbox: Sandbox) -> None:
        self.url = url
        self._app = app
        self._sandbox = sandbox

    @property
    def settings(self) -> dict[str, str]:
        """A merchant's settings, by their names in its environment: PORTONE_STORE_ID,
        PORTONE_CHANNEL_KEY, PORTONE_API_SECRET, PORTONE_WEBHOOK_SECRET, PORTONE_API_BASE, ….
        """
        return settings(self.url)

    # What the buyer does

    def pay(
        self,
        request: Mapping[str, Any],
        outcome: str | None = None,
        code: str | None = None,
        page: str = PAGE,
    ) -> SdkResult | None:
        """Open a payment window and end it. Returns what the promise of `requestPayment` gives.

        request: what the merchant's page hands to `PortOne.requestPayment`. outcome: one of
        outcomes.py; without one "approve", for a virtual account "issue". code: why the PG
        declines, one of declines.MESSAGES. page: the address of the merchant's page. None is
        returned when the buyer's browser never comes back.
        """
        checkout = self._end_window(request, outcome, code, page)
        if checkout["outcome"] == "abandon" or checkout["webhookOrder"] == "without":
            return None
        return checkout["result"]

    def redirect_url(
        self,
        request: Mapping[str, Any],
        outcome: str | None = None,
        code: str | None = None,
        page: str = PAGE,
    ) -> str:
        """As `pay`, in a window that replaces the merchant's page: where the browser then goes.

        ValueError when the request has no redirectUrl.
        """
        if "redirectUrl" not in request:
            raise ValueError("The request has no redirectUrl.")
        checkout = self._end_window(request, outcome, code, page, "REDIRECTION")
        assert checkout["result"]
        return with_query(checkout["request"]["redirectUrl"], checkout["result"])

    def _end_window(
        self,
        request: Mapping[str, Any],
        outcome: str | None,
        code: str | None,
        page: str,
        window_type: str = "IFRAME",
    ) -> Checkout:
        params = payment_request.check(dict(request))
        outcomes = possible_outcomes(params)
        if outcome not in (None, *outcomes):
            raise ValueError(f"The outcome must be one of {', '.join(outcomes)}, not {outcome!r}.")
        try:
            declines.check_code(params, code)
        except Refused as error:
            raise ValueError(f"{error.message} It is {code!r}.") from None
        buyer: Origin = {
            "platformType": "PC",
            "ipAddress": "127.0.0.1",
            "userAgent": "portone-sandbox",
            "url": page,
        }
        with self._sandbox.store.writing() as db:
            opened = self._sandbox.attempts.open(db, params, window_type, "*", buyer)
        return self._sandbox.end_checkout(opened["txId"], outcome or outcomes[0], code=code)

    # What a bank, a PG or the merchant's staff does

    def deposit(self, payment_id: str, amount: int | None = None) -> Payment:
        """Pay into the virtual account. amount: without one, what is due."""
        return self.act(payment_id, "deposit", amount=amount)

    def cancel(self, payment_id: str, amount: int | None = None, **body: Any) -> Payment:
        """Refund in PortOne's console. amount: without one, what is left."""
        return self.act(payment_id, "cancel", amount=amount, **body)

    def act(self, payment_id: str, action: str, **body: Any) -> Payment:
        """One of actions.ACTIONS, with its body; a None is left out. Returns the new record."""
        given = {name: value for name, value in body.items() if value is not None}
        with self._app.app_context():
            return actions.run(payment_id, action, given)

    def payment(self, payment_id: str) -> Payment:
        """The record, as `GET /payments/{paymentId}` answers it."""
        with self._sandbox.store.reading() as db:
            record = self._sandbox.payments.find(db, payment_id)
            return self._sandbox.payments.show(db, record)

    # Faults

    def outage(self, fault: str | None, calls: int | None = None) -> None:
        """So many of the next calls of the REST API fail; without `calls` all of them.

        fault: one of switches.FAULTS, such as "500" or "lost". None ends it.
        """
        self.switch("outage", fault=fault, calls=calls)

    def chaos(self, seed: int | None = None) -> int:
        """Calls fail and webhooks misbehave at random from now on. Returns the seed: the same one
        does the same to the same sequence of calls and windows. `switch("chaos", seed=None)` ends
        it. A test that fails shows the seed.
        """
        self.switch("chaos", **({} if seed is None else {"seed": seed}))
        seed_now = self.chaos_seed
        assert seed_now is not None
        return seed_now

    @property
    def chaos_seed(self) -> int | None:
        """The seed of the chaos, None without one."""
        with self._sandbox.store.reading() as db:
            setting = switches.list_settings(db)[switches.CHAOS]
        return setting["seed"] if setting else None

    def switch(self, name: str, **setting: Any) -> None:
        """Set one of switches.SWITCHES, such as `switch("webhooks", order="before")`."""
        with self._sandbox.store.writing() as db:
            switches.save_setting(db, name, setting)

    # Webhooks and calls

    @property
    def webhook_url(self) -> str | None:
        """Where the webhooks of payments go that have no `noticeUrls`. None: nowhere."""
        return self._sandbox.events.default_url

    def deliver_to(self, url: str | None) -> None:
        """Set `webhook_url`, for the payments that come. ValueError when it is no HTTP(S) URL."""
        if url is not None and not payment_request.is_http_url(url):
            raise ValueError(f"{url!r} is no HTTP(S) URL.")
        self._sandbox.webhook_url = self._sandbox.events.default_url = url

    def wait_for_webhooks(self, payment_id: str) -> None:
        """Return once each webhook of the payment that is due was tried, or after 10 seconds."""
        self._sandbox.sender.wait_until_sent(payment_id)

    def webhooks_for(self, payment_id: str) -> list[SignedWebhook]:
        """All webhooks of the payment as they are sent, signed now: to hand to an app that has no
        server. Oldest first, unless the switch "webhooks" has them reversed, or twice. Without a
        `webhook_url` nobody else has sent them.
        """
        with self._sandbox.store.reading() as db:
            webhooks = [webhook for webhook, _ in db.list_webhooks(payment_id)]
        return [signed_webhook(each) for each in in_order(webhooks)]

    @property
    def calls(self) -> list[Call]:
        """The calls of the REST API and the webhooks that were sent, oldest first."""
        with self._sandbox.store.reading() as db:
            return [call(entry) for entry in journal.entries(db)]
