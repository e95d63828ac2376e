"""The pictures of the READMEs, taken of the running site.

.venv/bin/python -m tests.screenshots
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import sync_playwright

from tests.browser import BROWSER_ARGS, find_browser

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / ".readme"
PORT = 8089
LANGUAGES = {"en": "en-US", "ko": "ko-KR"}


def main():
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        environment = {
            **os.environ,
            "PORTONE_SANDBOX": "1",
            "DATABASE_URL": f"sqlite:///{folder}/shop.db",
        }
        environment["SANDBOX_DATABASE"] = f"{folder}/sandbox.db"
        command = [sys.executable, "-m", "flask", "run", "--port", str(PORT)]
        site = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
        browser = playwright.chromium.launch(executable_path=find_browser(), args=BROWSER_ARGS)
        try:
            wait_until_up()
            PICTURES.mkdir(exist_ok=True)
            for language, locale in LANGUAGES.items():
                take(browser, playwright.devices["iPhone 13"], language, locale)
        finally:
            browser.close()
            site.terminate()
            site.wait()


def wait_until_up():
    while True:
        try:
            urlopen(f"http://127.0.0.1:{PORT}/").close()
            return
        except URLError:
            time.sleep(0.1)


def take(browser, phone, language, locale):
    """The window over the order page, the paid order beside it, and the same order on a phone."""
    page = browser.new_page(
        locale=locale, viewport={"width": 1280, "height": 860}, base_url=f"http://127.0.0.1:{PORT}"
    )
    page.goto("/")
    page.click("#pay")
    window = page.frame_locator("dialog iframe")
    window.locator("[data-outcome=approve]").wait_for()
    save(page, f"window.{language}")
    window.locator("[data-outcome=approve]").click()
    page.locator("[data-order-status=PAID]").wait_for()
    page.get_by_text("PortOne.requestPayment").first.wait_for()  # what panel.js has drawn
    save(page, f"paid.{language}")
    phone = {**phone, "device_scale_factor": 1}
    phone.pop("default_browser_type")
    narrow = browser.new_context(**phone, locale=locale).new_page()
    narrow.goto(f"http://127.0.0.1:{PORT}/")
    save(narrow, f"phone.{language}")


def save(page, name):
    page.screenshot(
        path=PICTURES / f"{name}.jpg", type="jpeg", quality=70, animations="disabled", caret="hide"
    )


if __name__ == "__main__":
    main()
