"""One buyer: a browser of their own, and what they do on the merchant's page."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .hook import SCRIPT
from .plan import Plan, Reply, Shop, Shown
from .portone import Json, PortOne
from .traffic import Exchange, Traffic

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Frame, Locator

PAGE_SECONDS = 15  # until the page shows its button
CALL_SECONDS = 5  # from the click to the call of requestPayment
RESULT_SECONDS = 30  # from there to a result
CLICK_MS = 5000
POLL_MS = 60


PHONE: dict[str, Any] = {
    "user_agent": "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/130.0.0.0 Mobile Safari/537.36",
    "viewport": {"width": 412, "height": 915},
    "is_mobile": True,
    "has_touch": True,
}


class Buyer:
    def __init__(
        self, browser: "Browser", shop: Shop, portone: PortOne, on_phone: bool = False
    ) -> None:
        device = PHONE if on_phone else {}
        self.context = browser.new_context(ignore_https_errors=True, locale="ko-KR", **device)
        self.page = self.context.new_page()
        self.traffic = Traffic(self.context, lambda url: _is_http(url) and not portone.is_own(url))
        self.requests: list[Json] = []  # what the page asked PortOne's SDK for
        self.results: list[Json] = []  # what the SDK answered
        self.thrown: list[Json] = []
        self.plan = Plan()
        self._shop = shop
        self._is_in_window = False
        self._sent_before = 0  # requests of the page before it had a result
        self._trouble: Exception | None = None  # of a plan, which runs inside a call of the page
        self.context.expose_binding("portoneJudgeBefore", self._before)
        self.context.expose_binding("portoneJudgeAfter", self._after)
        self.context.add_init_script(SCRIPT)
        self.page.on("framenavigated", self._arrive)

    @property
    def payment_id(self) -> str:
        """Of the newest attempt, or "" if the page has not called requestPayment."""
        return str(self.requests[-1].get("paymentId", "")) if self.requests else ""

    def open(self) -> None:
        """Go to the merchant's page, until it shows its button or has stopped loading."""
        self.page.goto(self._shop.url)
        self.wait_for(self.can_pay, PAGE_SECONDS)
        self.wait_for(lambda: self.traffic.is_quiet(0.3), 3)

    def pay(self, plan: Plan | None = None) -> bool:
        """Click. Returns whether the page then called requestPayment."""
        self.plan = plan or Plan()
        before = len(self.requests)
        for _ in range(2):  # a page that is not ready yet may swallow the first click
            if not self.can_pay():
                break
            self._button().click(timeout=CLICK_MS)
            if self.wait_for(lambda: len(self.requests) > before, CALL_SECONDS):
                return True
        return len(self.requests) > before

    def double_click(self, plan: Plan) -> None:
        self.plan = plan
        self._button().dblclick(timeout=CLICK_MS)
        self.wait_for(lambda: bool(self.requests), CALL_SECONDS)

    def wait(self, quiet: float | None = None) -> Shown:
        """Until the page shows paid or failed, or does nothing more for `quiet` seconds.

        quiet: None for the shop's patience.
        """
        quiet = self._shop.patience if quiet is None else quiet
        end = time.monotonic() + RESULT_SECONDS
        while time.monotonic() < end:
            self.page.wait_for_timeout(POLL_MS)
            if self._trouble:
                raise self._trouble
            if self._shows(self._shop.paid):
                return self.shown()
            if self._shop.failed and self._shows(self._shop.failed):
                self.page.wait_for_timeout(300)  # a page may show it for a moment only
                if not self._shows(self._shop.paid):
                    return self.shown()
            if not self._is_in_window and self.traffic.is_quiet(quiet):
                break
        return self.shown()

    def is_asking(self) -> bool:
        """Whether the page has sent its server a request that is not answered yet."""
        sent = self.traffic.completions(self.payment_id)
        return bool(self.results) and bool(sent) and sent[-1].status is None

    def has_reacted(self) -> bool:
        """Whether the page has asked its server for anything since it had a result."""
        return len(self.traffic.exchanges) > self._sent_before

    def shown(self) -> Shown:
        """What the page shows now."""
        if self._shows(self._shop.paid):
            return Shown("paid", self.page.url, self.paid_text()[:120])
        failed = self._shop.failed
        if failed and self._shows(failed):
            return Shown("failed", self.page.url, self._text(failed)[:120])
        return Shown("neither", self.page.url, self._text("body")[:120])

    def paid_text(self) -> str:
        return self._text(self._shop.paid)

    def can_pay(self) -> bool:
        """Whether there is a button, and it is not disabled."""
        from playwright.sync_api import Error

        try:
            return self._shows(self._shop.pay) and self._button().is_enabled(timeout=500)
        except Error:  # it has gone meanwhile
            return False

    def reload(self) -> Shown:
        self.page.reload()
        return self.wait()

    def go(self, url: str) -> Shown:
        self.page.goto(url)
        return self.wait()

    def send(self, exchange: Exchange) -> Reply:
        """The answer to a request that the page has sent before, sent once more."""
        skipped = ("content-length", "host", "connection")
        headers = {
            name: value
            for name, value in exchange.headers.items()
            if name not in skipped and not name.startswith(":")
        }
        answer = self.context.request.fetch(
            exchange.url,
            method=exchange.method,
            headers=headers,
            data=exchange.body,
            max_redirects=0,
            fail_on_status_code=False,
        )
        return Reply(answer.status, answer.text())

    def close(self) -> None:
        self.context.close()

    def _arrive(self, frame: "Frame") -> None:
        """A redirect has brought the page back to the merchant."""
        if frame == self.page.main_frame and self.traffic.is_merchants(frame.url):
            self._is_in_window = False

    def _leave_window(self) -> None:
        self._is_in_window = False
        self._sent_before = len(self.traffic.exchanges)
        self.traffic.last_change = time.monotonic()

    def _before(self, source: Any, request: Json) -> Json:
        self._is_in_window = True
        self.requests.append(request)
        answer = self._ask(lambda: self.plan.before(request) if self.plan.before else None)
        if answer is None:
            return {"action": "open", "changes": self.plan.changes}
        self._leave_window()
        return answer

    def _after(self, source: Any, ended: Json) -> Json | None:
        answer = None
        if "thrown" in ended:
            self.thrown.append(ended["thrown"])
        else:
            result = ended["result"]
            self.results.append(result)
            requests = [
                each for each in self.requests if each.get("paymentId") == ended.get("paymentId")
            ]
            answer = self._ask(
                lambda: self.plan.after(result, requests[-1]) if self.plan.after else None
            )
        self._leave_window()
        return answer

    def _ask(self, plan: Callable[[], Json | None]) -> Json | None:
        try:
            return plan()
        except Exception as error:
            self._trouble = error
            return {"action": "never"}

    def _button(self) -> "Locator":
        return self.page.locator(self._shop.pay).locator("visible=true").first

    def _shows(self, selector: str) -> bool:
        from playwright.sync_api import Error

        try:
            return self.page.locator(selector).locator("visible=true").count() > 0
        except Error:  # the page is on its way to another
            return False

    def _text(self, selector: str) -> str:
        from playwright.sync_api import Error

        try:
            text = self.page.locator(selector).locator("visible=true").first.inner_text(timeout=500)
        except Error:
            return ""
        return " ".join(text.split())

    def wait_for(self, is_done: Callable[[], bool], seconds: float) -> bool:
        end = time.monotonic() + seconds
        while not is_done():
            if time.monotonic() > end:
                return False
            self.page.wait_for_timeout(POLL_MS)
        return True


def _is_http(url: str) -> bool:
    return url.startswith(("http://", "https://"))
