"""The report: for people as text, for scripts as JSON."""

import json
import textwrap
from pathlib import Path

from .findings import Result, score

SIGNS = {True: "ok  ", False: "FAIL", None: "–   "}


def line(result: Result) -> str:
    """A check as it is printed when it is done."""
    situation, finding = result.situation, result.finding
    lines = [f"{SIGNS[finding.passed]} {situation.name}: {situation.title}"]
    if finding.passed is not True:
        lines += _indented("not judged: " if finding.passed is None else "seen: ", finding.seen)
    if finding.passed is False:
        lines += _indented("do: ", situation.advice)
    return "\n".join(lines)


def summary(results: list[Result]) -> str:
    skipped = sum(each.finding.passed is None for each in results)
    return f"Score: {score(results)} ({skipped} of {len(results)} not judged)"


def save(results: list[Result], file: str) -> None:
    report = {"score": score(results), "checks": [each.as_json() for each in results]}
    text = json.dumps(report, ensure_ascii=False, indent=2) + "\n"
    Path(file).write_text(text, encoding="utf-8")


def _indented(label: str, text: str) -> list[str]:
    indent = " " * 5
    return textwrap.wrap(
        label + text, 100, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )
