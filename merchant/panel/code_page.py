"""The page that shows a source file with a function marked, and the other files to read."""

from pathlib import Path

from flask import Response, make_response, request

from ..current import merchant
from ..pages.responses import error_page
from ..pages.templates import render
from ..views import bp
from . import source

# In this order the files tell the whole flow: {file: what it does}.
READING_PATH = {
    "static/merchant/checkout.js": "In the browser: create the order, open the payment window, "
    "ask the server for the result.",
    "merchant/views.py": "The routes, in the order in which a payment passes through them.",
    "merchant/checkout.py": "Store the order and its amount before the payment window opens.",
    "merchant/settlement.py": "Look the payment up at PortOne, and store what follows from it.",
    "merchant/verification.py": "Compare PortOne's record with the stored payment, "
    "the amount included.",
    "merchant/transitions.py": "Decide which state the payment and its order get.",
}


@bp.get("/panel/code/<path:file>")
def code_page(file: str) -> Response | tuple[str, int]:
    """Show a file of merchant/ or static/merchant/; 404 if the panel is off.

    `?function=`: the function to mark. `&check=`: the line in it that has this string.
    """
    path = sources().get(file) if merchant().settings.panel else None
    if path is None:
        return error_page(404, "There is no such page.")
    text, is_python = path.read_text(encoding="utf-8"), path.suffix == ".py"
    name, check = request.args.get("function", ""), request.args.get("check", "")
    place = source.find_function(text, is_python, name)
    page = render(
        "merchant/code.html",
        file=file,
        about=READING_PATH.get(file, ""),
        docstring=source.about_file(text, is_python),
        lines=source.lines_of(text, is_python),
        function=name,
        place=place,
        check=check,
        line=source.line_of_string(text, place, check) if place and check else None,
        reading_path=list(READING_PATH),
    )
    response = make_response(page)
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def sources() -> dict[str, Path]:
    """Returns every file that a page may show: {its name in the address: its path}.

    Only the files that this search finds can be shown, whatever the address says. Links and hidden
    files are left out.
    """
    found = {}
    for name, folder, ending in [
        ("merchant", bp.root_path, "py"),
        ("static/merchant", bp.static_folder, "js"),
    ]:
        root = Path(folder or bp.root_path).resolve()
        for path in root.rglob(f"*.{ending}"):
            inner = path.relative_to(root)
            is_hidden = any(part.startswith(".") for part in inner.parts)
            if path.is_file() and path.resolve() == path and not is_hidden:
                found[f"{name}/{inner.as_posix()}"] = path
    return found
