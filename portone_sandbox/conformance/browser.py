"""Chromium, by Playwright. Neither is a dependency of the package."""

import importlib.util
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
HOW_TO_GET = """The conformance command needs Playwright and a Chromium, which are not installed:
    pip install playwright
    playwright install chromium     (or: apt install chromium)
A Chromium elsewhere is named by the variable CHROMIUM."""


class Missing(Exception):
    """There is no Playwright, or no Chromium that it can start."""


@contextmanager
def chromium() -> Iterator["Browser"]:
    """A browser that is closed at the end. Missing says how to get one."""
    if importlib.util.find_spec("playwright") is None:
        raise Missing(HOW_TO_GET)
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=_path(), args=ARGS)
        except Error as error:
            raise Missing(f"{HOW_TO_GET}\n({error.message.splitlines()[0]})") from None
        try:
            yield browser
        finally:
            browser.close()


def _path() -> str | None:
    """None: the one that Playwright has installed."""
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None)
