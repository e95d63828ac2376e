"""The OpenAPI document of `/control/…`, made of the tables that the routes themselves use.

A test compares it with the routes, and the answers with its schemas.
"""

from collections.abc import Mapping

from . import actions, chaos, declines, errors, journal, language, outcomes, switches
from .documents import Json

TEXT: Json = {"type": "string"}
NUMBER: Json = {"type": "integer"}
FLAG: Json = {"type": "boolean"}
NULL_OR_TEXT: Json = {"type": ["string", "null"]}
AMOUNT: Json = {"type": "integer", "minimum": 1, "description": "In the currency's minor unit."}
TEXTS: Json = {"type": "object", "additionalProperties": TEXT}

CHANGE_ERRORS = {400: ["INVALID_REQUEST"], 404: ["PAYMENT_NOT_FOUND"]}
NOT_PENDING = {**CHANGE_ERRORS, 409: ["INVALID_REQUEST"]}
DEPOSIT_ERRORS = {**CHANGE_ERRORS, 409: ["PAYMENT_NOT_WAITING_FOR_DEPOSIT"]}
CANCEL_ERRORS = {
    400: ["INVALID_REQUEST"],
    403: ["FORBIDDEN"],
    404: ["PAYMENT_NOT_FOUND"],
    409: [
        "PAYMENT_NOT_PAID",
        "PAYMENT_ALREADY_CANCELLED",
        *sorted(each for each in errors.REFUSALS if each.startswith(("CANCEL_", "CANCELLABLE_"))),
        "SUM_OF_PARTS_EXCEEDS_CANCEL_AMOUNT",
    ],
    502: ["PG_PROVIDER"],
}
RESEND_ERRORS = {
    400: ["INVALID_REQUEST", "MAX_WEBHOOK_RETRY_COUNT_REACHED"],
    404: ["PAYMENT_NOT_FOUND", "WEBHOOK_NOT_FOUND"],
}


def _object(required: Mapping[str, Json], optional: Mapping[str, Json] | None = None) -> Json:
    properties = {**required, **(optional or {})}
    schema: Json = {"type": "object", "properties": properties}
    if required:
        schema["required"] = list(required)
    return schema


def _reference(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


# What each action takes and how it may be refused.
ACTIONS: dict[str, tuple[Json, dict[int, list[str]]]] = {
    "deposit": (_object({}, {"amount": AMOUNT}), DEPOSIT_ERRORS),
    "expire": (_object({}), DEPOSIT_ERRORS),
    "close": (_object({}), {**DEPOSIT_ERRORS, 502: ["PG_PROVIDER"]}),
    "cancel": (
        _object(
            {}, {"amount": AMOUNT, "taxFreeAmount": NUMBER, "vatAmount": NUMBER, "reason": TEXT}
        ),
        CANCEL_ERRORS,
    ),
    "approve": (_object({}), NOT_PENDING),
    "decline": (_object({}), NOT_PENDING),
    "approve-refund": (_object({}, {"cancellationId": TEXT}), NOT_PENDING),
    "decline-refund": (_object({}, {"cancellationId": TEXT}), NOT_PENDING),
    "resend-webhook": (_object({}, {"webhookId": TEXT}), RESEND_ERRORS),
}

SCHEMAS: Json = {
    "Error": _object({"type": {"enum": sorted(errors.REFUSALS)}, "message": TEXT}),
    "Channel": _object(
        {"key": TEXT, "pgProvider": TEXT, "type": {"enum": ["TEST", "LIVE"]}}
        | {"name": TEXT, "manualApproval": FLAG}
    ),
    "Payment": {
        "description": "The payment, as `GET /payments/{paymentId}` of PortOne's REST API has it.",
        **_object(
            {"id": TEXT, "status": TEXT, "transactionId": TEXT, "storeId": TEXT, "orderName": TEXT}
            | {"channel": {"type": "object"}, "amount": {"type": "object"}, "currency": TEXT}
        ),
    },
    "PaidPayment": {
        "allOf": [
            _reference("Payment"),
            _object({}, {"paymentToken": TEXT}),
        ],
        "description": "paymentToken: if the channel has manual approval.",
    },
    "Switches": _object({name: {"type": ["object", "null"]} for name in switches.NAMES}),
    "Problem": _object(dict.fromkeys(("message", "expected", "given", "how"), TEXT)),
    "JournalEntry": _object(
        {"number": NUMBER, "kind": {"enum": list(journal.KINDS)}, "at": TEXT}
        | {"paymentId": NULL_OR_TEXT, "method": TEXT, "url": TEXT, "requestHeaders": TEXTS}
        | {"requestBody": TEXT, "status": {"type": ["integer", "null"]}, "responseHeaders": TEXTS}
        | {"responseBody": TEXT, "milliseconds": {"type": "number"}, "fault": NULL_OR_TEXT}
        | {"problem": {"anyOf": [_reference("Problem"), {"type": "null"}]}}
    ),
    "Journal": _object({"entries": {"type": "array", "items": _reference("JournalEntry")}})
    | {"description": "next: the `since` of the next call."},
}
SCHEMAS["Journal"]["properties"]["next"] = NUMBER
SCHEMAS["Journal"]["required"].append("next")


def document(url: str) -> Json:
    """url: the sandbox's address, without a slash at its end."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "PortOne sandbox: control",
            "version": "1",
            "description": "What the console does, for scripts. The sandbox's README has examples.",
        },
        "servers": [{"url": url}],
        "paths": {f"/control/{path}": each for path, each in _paths().items()},
        "components": {"schemas": SCHEMAS},
    }


def _paths() -> Json:
    payment_id = {"name": "paymentId", "in": "path", "required": True, "schema": TEXT}
    paths: Json = {
        "openapi.json": {"get": _operation("This document.", {"type": "object"})},
        "channels": {
            "get": _operation("The channels.", {"type": "array", "items": _reference("Channel")})
        },
        "journal": {"get": _journal()},
        "qa.md": {"get": _qa_sheet()},
        "reset": {
            "post": _operation(
                "Delete all payments and the journal, and restore the default of every switch.",
                _object({}),
            )
        },
        "switches": {
            "get": _operation("Each switch's setting; null is the default.", _reference("Switches"))
        },
        "payments": {"post": _pay()},
        "payments/{paymentId}/warnings": {"get": _warnings(), "parameters": [payment_id]},
    }
    for name, switch in switches.SWITCHES.items():
        paths[f"switches/{name}"] = {"post": _set_switch(name, switch)}
    paths[f"switches/{switches.CHAOS}"] = {"post": _set_chaos()}
    for name, (body, refusals) in ACTIONS.items():
        text = actions.ACTIONS[name].__doc__ or ""
        operation = _operation(text, _reference("Payment"), body, refusals)
        operation["requestBody"]["required"] = False
        paths[f"payments/{{paymentId}}/{name}"] = {"post": operation, "parameters": [payment_id]}
    return paths


def _operation(
    summary: str,
    answer: Json,
    body: Json | None = None,
    refusals: Mapping[int, list[str]] | None = None,
) -> Json:
    """refusals: the types of the errors, by status."""
    operation: Json = {"summary": summary, "responses": {"200": _response("Done.", answer)}}
    if body is not None:
        operation["requestBody"] = {"required": True, **_content(body)}
    for status, types in (refusals or {}).items():
        error = {"allOf": [_reference("Error"), {"properties": {"type": {"enum": types}}}]}
        operation["responses"][str(status)] = _response(", ".join(types), error)
    operation["responses"]["default"] = _response(
        "Refused.", _object({"type": TEXT, "message": TEXT})
    )
    return operation


def _content(schema: Json) -> Json:
    return {"content": {"application/json": {"schema": schema}}}


def _response(description: str, schema: Json) -> Json:
    return {"description": description, **_content(schema)}


def _journal() -> Json:
    operation = _operation(
        "Calls of the REST API and webhooks, oldest first.",
        _reference("Journal"),
        refusals={400: ["INVALID_REQUEST"]},
    )
    limit = {"type": "integer", "minimum": 1, "maximum": journal.MAX_LISTED, "default": 100}
    query = {
        "paymentId": TEXT,
        "kind": {"enum": list(journal.KINDS)},
        "since": {"type": "integer", "minimum": 0, "default": 0},
        "limit": limit,
    }
    operation["parameters"] = [
        {"name": name, "in": "query", "schema": schema} for name, schema in query.items()
    ]
    return operation


def _qa_sheet() -> Json:
    summary = "The QA run sheet: per payment what was clicked, expected and seen, as Markdown."
    operation = _operation(summary, TEXT, refusals={404: ["PAYMENT_NOT_FOUND"]})
    operation["responses"]["200"]["content"] = {"text/markdown": {"schema": TEXT}}
    operation["parameters"] = [
        {"name": "paymentId", "in": "query", "schema": TEXT},
        {"name": "lang", "in": "query", "schema": {"enum": list(language.LANGUAGES)}},
    ]
    return operation


def _pay() -> Json:
    request = {"type": "object", "description": "What the page hands to PortOne.requestPayment."}
    code = {
        "type": "string",
        "examples": list(declines.MESSAGES),
        "description": "Why the PG declines: one of the examples, which are Toss Payments' codes."
        " On another PG's channel any code of its own, too.",
    }
    body = _object(
        {"request": request, "outcome": {"enum": list(outcomes.ALL_OUTCOMES)}}, {"code": code}
    )
    refusals = {status: ["INVALID_REQUEST"] for status in (400, 404, 409)}
    summary = "Pay, as if a buyer had ended a window for that request so."
    return _operation(summary, _reference("PaidPayment"), body, refusals)


def _warnings() -> Json:
    summary = "What the channel's PG cuts, ignores, advises or allows by contract only."
    warning = _object(dict.fromkeys(("txId", "parameter", "message", "korean", "page"), TEXT))
    answer: Json = {"type": "array", "items": warning}
    return _operation(summary, answer, refusals={404: ["PAYMENT_NOT_FOUND"]})


def _set_switch(name: str, switch: switches.Switch) -> Json:
    choices = {"enum": [*switch.choices, None]}
    optional: Json = {}
    if name == "outage":
        optional["calls"] = {"type": ["integer", "null"], "minimum": 1}
    if name == "webhooks":
        most = switches.MAX_AFTER_SECONDS
        optional["seconds"] = {"type": ["integer", "null"], "minimum": 0, "maximum": most}
    body = _object({switch.field: choices}, optional)
    summary = f"{switch.title}. null restores the default."
    return _operation(summary, _reference("Switches"), body, {400: ["INVALID_REQUEST"]})


def _set_chaos() -> Json:
    seed = {"type": ["integer", "null"], "minimum": 0, "maximum": chaos.MAX_SEED}
    summary = "A mix of faults and of webhooks by a seed; without one it is made up. null ends it."
    refusals = {400: ["INVALID_REQUEST"]}
    return _operation(summary, _reference("Switches"), _object({}, {"seed": seed}), refusals)
