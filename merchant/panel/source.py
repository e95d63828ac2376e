"""Where a function stands in a source file, and what each part of a line is. Pure: no I/O."""

import ast
import io
import keyword
import re
import tokenize
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Span = tuple[int, int, str]  # from, to (offsets in the text), and a kind: a class of panel.css

JS_PARTS = re.compile(
    r"(?P<comment>//[^\n]*|/\*.*?\*/)"
    r"|(?P<string>\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)"
    r"|(?P<keyword>\b(?:async|await|break|case|catch|class|const|continue|default|delete|else"
    r"|export|false|finally|for|function|if|import|in|let|new|null|of|return|switch|this|throw"
    r"|true|try|typeof|undefined|while)\b)",
    re.DOTALL,
)
JS_FUNCTION = r"^(?:export )?(?:async )?function %s\("


class Part(NamedTuple):
    """A piece of a line. kind: comment, string, keyword, or nothing."""

    kind: str
    text: str


class Place(NamedTuple):
    """A function's first and last line, counted from 1, and its docstring."""

    first: int
    last: int
    docstring: str


def about_file(text: str, is_python: bool) -> str:
    """Returns the docstring of a Python file, or the comment at the top of a JavaScript file."""
    if is_python:
        return ast.get_docstring(_tree(text)) or ""
    return _comment(text.splitlines(), 0, 1)


def find_function(text: str, is_python: bool, name: str) -> Place | None:
    """Returns where a function is, None if it is not in the file.

    name: a method is `Class.method`. Of JavaScript only functions at the top level are found.
    """
    return _python_function(text, name) if is_python else _js_function(text, name)


def line_of_string(text: str, place: Place, string: str) -> int | None:
    """Returns the first line of a function that has a string in double quotes."""
    lines = text.splitlines()[: place.last]
    return next(
        (i for i in range(place.first, place.last + 1) if f'"{string}"' in lines[i - 1]), None
    )


def lines_of(text: str, is_python: bool) -> list[list[Part]]:
    """Returns the parts of each line. Together they are the text."""
    parts, position = [], 0
    is_broken = is_python and not _tree(text).body  # tokenize would fail
    spans = _python_spans(text) if is_python else _js_spans(text)
    for start, end, kind in [] if is_broken else spans:
        parts += [Part("", text[position:start]), Part(kind, text[max(start, position) : end])]
        position = max(position, end)
    parts.append(Part("", text[position:]))
    lines: list[list[Part]] = [[]]
    for part in parts:
        for i, piece in enumerate(part.text.split("\n")):
            if i:
                lines.append([])
            if piece:
                lines[-1].append(Part(part.kind, piece))
    return lines[:-1] if not lines[-1] else lines


def _tree(text: str) -> ast.Module:
    """Returns an empty module for a file that is being edited and is no Python just now."""
    try:
        return ast.parse(text)
    except SyntaxError:
        return ast.Module([], [])


def _python_function(text: str, name: str) -> Place | None:
    found = _definition(_tree(text), name.split("."))
    if found is None:
        return None
    first = min([found.lineno, *(each.lineno for each in found.decorator_list)])
    return Place(first, found.end_lineno or found.lineno, ast.get_docstring(found) or "")


def _definition(scope: ast.Module | Definition, path: list[str]) -> Definition | None:
    """Returns a function or a class of a scope. path: such as ["PortOne", "get_payment"]."""
    name, *rest = path
    found = [each for each in scope.body if isinstance(each, Definition) and each.name == name]
    return _definition(found[0], rest) if found and rest else next(iter(found), None)


def _js_function(text: str, name: str) -> Place | None:
    lines = text.splitlines()
    begins = re.compile(JS_FUNCTION % re.escape(name))
    first = next((i for i, line in enumerate(lines, 1) if begins.match(line)), None)
    if first is None:
        return None
    last = next((i for i, line in enumerate(lines, 1) if i >= first and line == "}"), first)
    return Place(first, last, _comment(lines, first - 2, -1))


def _comment(lines: list[str], start: int, step: int) -> str:
    """Returns the lines of `//` from a line on, downwards (1) or upwards (-1)."""
    found: list[str] = []
    while 0 <= start < len(lines) and lines[start].startswith("//"):
        found.append(lines[start].removeprefix("//").strip())
        start += step
    return "\n".join(found[::step])


def _python_spans(text: str) -> Iterator[Span]:
    starts = [0, *accumulate(len(line) for line in text.splitlines(keepends=True))]
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        name = tokenize.tok_name[token.type]
        if name == "COMMENT":
            kind = "comment"
        elif name.startswith(
            ("STRING", "FSTRING")
        ):  # f-strings have tokens of their own since 3.12
            kind = "string"
        elif name == "NAME" and keyword.iskeyword(token.string):
            kind = "keyword"
        else:
            continue
        (row, column), (end_row, end_column) = token.start, token.end
        yield starts[row - 1] + column, starts[end_row - 1] + end_column, kind


def _js_spans(text: str) -> Iterator[Span]:
    for found in JS_PARTS.finditer(text):
        yield found.start(), found.end(), found.lastgroup or ""
