"""PortOne's OpenAPI document as the judge of every answer of the sandbox's REST API in a test.

The document is in PyPI's portone-mcp-server, as resources/docs/schema/v2.openapi.json;
PORTONE_OPENAPI says where that file is. Without it there is no judge, and portone-server-sdk alone
reads the answers. `.ci/run` has it.
"""

import json
import os
import re
from functools import cache

from flask import g, request

PATH = os.environ.get("PORTONE_OPENAPI")
# The document of portone-mcp-server 0.12.1 is older than these; portone-server-sdk reads them.
NEWER_PATHS = ("/payments/{paymentId}/confirm",)
NEWER_PGS = ("HECTO_GLOBAL", "KICC_V2", "TRIPLE_A")
# Not PortOne's words alone: its guide of Idempotency-Key, the IETF draft that this refers to, and
# HTTP's own; and what only the sandbox says.
ELSEWHERE = ("NOT_IN_SANDBOX", "IDEMPOTENCY_OUTSTANDING_REQUEST", 413, 422, 500)


@cache
def document():
    with open(PATH, encoding="utf-8") as file:
        document = _without_discriminators(json.load(file))
    document["components"]["schemas"]["PgProvider"]["enum"] += NEWER_PGS
    return document


def _without_discriminators(schema):
    """As JSON Schema says it: the one schema that the property names, instead of any that fits."""
    if isinstance(schema, list):
        return [_without_discriminators(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {name: _without_discriminators(each) for name, each in schema.items()}
    if "discriminator" not in schema:
        return schema
    name, mapping = schema["discriminator"]["propertyName"], schema["discriminator"]["mapping"]
    each = [
        {"if": {"properties": {name: {"const": key}}}, "then": {"$ref": ref}}
        for key, ref in mapping.items()
    ]
    return {
        "type": "object",
        "required": [name],
        "properties": {name: {"enum": list(mapping)}},
        "allOf": each,
    }


def mistakes(method, path, status, answer):
    """What the document says against this answer, one message each. path: as in the document."""
    from jsonschema import Draft7Validator, FormatChecker  # slow, and only needed with a document

    documented = document()["paths"][path][method.lower()]["responses"]
    if str(status) not in documented:
        return [f"{method} {path} is not documented to answer {status}: {answer}"]
    schema = documented[str(status)]["content"]["application/json"]["schema"]
    validator = Draft7Validator(
        {**schema, "components": document()["components"]}, format_checker=FormatChecker()
    )
    return [
        f"{method} {path} {status} {error.json_path}: {error.message}"
        for error in validator.iter_errors(answer)
    ]


class Judge:
    """Listens to apps from their first answer on; `verdict` is what was wrong with the answers."""

    def __init__(self):
        self.begin()

    def begin(self):
        self.verdict, self.answers = [], 0

    def listen_to(self, app):
        app.after_request(self.listen)

    def listen(self, response):
        if request.blueprint == "rest" and not g.get("fault"):
            answer = json.loads(response.get_data())
            path = re.sub(r"<[^>]*>", "{paymentId}", request.url_rule.rule)
            words = {response.status_code, answer.get("type")}
            if path not in NEWER_PATHS and not words.intersection(ELSEWHERE):
                self.answers += 1
                self.verdict += mistakes(request.method, path, response.status_code, answer)
        return response
