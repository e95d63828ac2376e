"""The QA run sheet that the console and /control export: what was clicked, expected and seen."""

import re

import pytest
import requests
from markdown_it import MarkdownIt

from portone_sandbox import journal, qa_sheet
from portone_sandbox.events import TYPES
from tests.portone_sandbox.client import (
    OTHERS,
    SECRET,
    choose,
    control,
    make_payment,
    open_window,
    payment_request,
    switch,
)

HEADERS = {"Authorization": f"PortOne {SECRET}"}


@pytest.fixture
def sheet(base):
    """sheet(language="en", paymentId=…) -> the Markdown."""

    def sheet(language="en", **query):
        query["lang"] = language
        answer = requests.get(f"{base}/control/qa.md", params=query, timeout=10)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "text/markdown; charset=utf-8"
        return answer.text

    return sheet
