"""Writes the code into docs/walkthrough.md and its Korean page, from the files themselves.

    python docs/walkthrough.py

A page names its code by file, function and two texts: the first and the last line to show.

    <!-- code: merchant/checkout.py open_order "with write_transaction" "storage.insert_events" -->
    <!-- end -->
"""

import ast
import re
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "docs" / name for name in ("walkthrough.md", "walkthrough.ko.md")]
MARK = re.compile(
    r'(?P<mark><!-- code: (?P<file>\S+) (?P<name>\S+) "(?P<first>[^"]+)" "(?P<last>[^"]+)" -->\n)'
    r".*?(?P<end><!-- end -->)",
    re.DOTALL,
)
EXERCISE = re.compile(
    r"^\| [^|`]*`(?P<file>[^`]+)` · `(?P<name>[^`]+)`[^|`]* \| (?P<lines>.+) \|\n"
    r"\| [^|]+ \| `(?P<test>tests/[^`]+)` \|$",
    re.MULTILINE,
)


class Exercise(NamedTuple):
    """What to delete, and the test that then fails."""

    file: str
    name: str  # of the function, or of the constant
    lines: list[str]
    test: str


def span(file: str, name: str) -> tuple[int, int]:
    """Returns the first and the last line (from 0, the last left out) of a function or constant."""
    source = (ROOT / file).read_text()
    if file.endswith(".js"):
        lines = source.splitlines()
        first = next(
            i for i, line in enumerate(lines) if re.match(rf"(async )?function {name}\b", line)
        )
        return first, lines.index("}", first) + 1
    for node in ast.walk(ast.parse(source)):
        names = {getattr(node, "name", None)}
        if isinstance(node, ast.Assign):
            names = {getattr(target, "id", None) for target in node.targets}
        if name in names and isinstance(node, ast.stmt) and node.end_lineno:
            return node.lineno - 1, node.end_lineno
    raise LookupError(f"{file} has no {name}")


def snippet(file: str, name: str, first: str, last: str) -> str:
    """Returns the lines of a function from the one with `first` to the next one with `last`."""
    start, end = span(file, name)
    lines = (ROOT / file).read_text().splitlines()[start:end]
    begin = next((i for i, line in enumerate(lines) if first in line), None)
    if begin is None:
        raise LookupError(f"{file}, {name}: no line has {first!r}")
    until = next((i for i, line in enumerate(lines[begin:], begin) if last in line), None)
    if until is None:
        raise LookupError(f"{file}, {name}: no line has {last!r}")
    return dedent("\n".join(lines[begin : until + 1]))


def filled(page: str) -> str:
    """Returns the page with its code as the files have it now."""

    def fill(match: re.Match[str]) -> str:
        file, name = match["file"], match["name"]
        language = "js" if file.endswith(".js") else "python"
        code = snippet(file, name, match["first"], match["last"])
        link = f"[`{file}`](../{file}) · `{name}`"
        return f"{match['mark']}{link}\n\n```{language}\n{code}\n```\n\n{match['end']}"

    return MARK.sub(fill, page)


def exercises(page: str) -> list[Exercise]:
    """Returns the exercises of a page, in its order."""
    return [
        Exercise(each["file"], each["name"], re.findall("`([^`]+)`", each["lines"]), each["test"])
        for each in EXERCISE.finditer(page)
    ]


def broken(exercise: Exercise) -> str:
    """Returns the exercise's file without what is to be deleted."""
    start, end = span(exercise.file, exercise.name)
    lines = (ROOT / exercise.file).read_text().splitlines()
    for text in exercise.lines:
        found = [i for i in range(start, end) if lines[i] is not None and text in lines[i]]
        if len(found) != 1:
            raise LookupError(
                f"{exercise.file}, {exercise.name}: {text!r} is there {len(found)} times"
            )
        rest = lines[found[0]].replace(text, "", 1)
        lines[found[0]] = rest if rest.strip() else ""
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(filled(page.read_text()))
