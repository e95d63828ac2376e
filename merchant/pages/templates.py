"""Renders our templates as they are written, whatever a host has made of Jinja for its own."""

from typing import Any

from flask import current_app, render_template

AS_WRITTEN: dict[str, Any] = {  # a host with Vue or Angular may have other signs
    "variable_start_string": "{{",
    "variable_end_string": "}}",
    "block_start_string": "{%",
    "block_end_string": "%}",
    "comment_start_string": "{#",
    "comment_end_string": "#}",
    "line_statement_prefix": None,
    "line_comment_prefix": None,
    "trim_blocks": False,
    "lstrip_blocks": False,
    "autoescape": True,
}
ENVIRONMENT = "merchant_templates"  # in app.extensions; made once, since it keeps what it compiled


def render(name: str, **names: Any) -> str:
    """Returns a page, as flask.render_template does."""
    if ENVIRONMENT not in current_app.extensions:
        overlay = current_app.jinja_env.overlay(**AS_WRITTEN)
        current_app.extensions[ENVIRONMENT] = overlay
    return render_template(current_app.extensions[ENVIRONMENT].get_template(name), **names)
