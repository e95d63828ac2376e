"""The console's pages: the payments, their records and actions, and the switches."""

import json
import re
from datetime import datetime, timezone
from functools import partial

from flask import Blueprint, Response, abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from . import actions, channels, clock, guard, journal, qa_sheet, switches
from .cancellations import left_to_cancel
from .database import Database
from .demand_texts import sentence
from .documents import Json
from .events import TYPES
from .language import language
from .sandbox import current_sandbox
from .search import search
from .shop_links import shop_link
from .virtual_accounts import awaits_deposit

bp = Blueprint("console", __name__)
guard.protect(bp)

PAGE_SIZE = 50
JOURNAL_SIZE = 100
FROM_THE_BEGINNING = "2000-01-01T00:00:00Z"


@bp.get("/")
def index() -> ResponseReturnValue:
    """Query: `q`, a text to search for, or a paymentId to go to; `status`; `page`, from 0."""
    text = request.args.get("q")
    with current_sandbox().store.reading() as db:
        if has_tag(db):
            return "", 304
        if text and db.find_payment(text):
            return redirect(url_for(".payment", payment_id=text))
        payments, page = search(db, _search_body(text))
        settings = switches.list_settings(db)
        outcomes = {each["id"]: _last_outcome(db, each["id"]) for each in payments}
    return render_template(
        "payments.html",
        payments=payments,
        outcomes=outcomes,
        page=page,
        statuses=TYPES,
        switches=switches.SWITCHES,
        switch_settings=settings,
        channels=channels.list_channels(),
    )


def _last_outcome(db: Database, payment_id: str) -> str | None:
    """How the newest window that has ended did so, or None."""
    ended = [each["outcome"] for each in db.list_checkouts(payment_id) if each["outcome"]]
    return ended[-1] if ended else None


@bp.get("/console/channels")
def show_channels() -> ResponseReturnValue:
    """What each channel demands. It is long, so the list of payments has only the keys."""
    return render_template("channels.html", channels=channels.list_channels(), demands=demand_list)


@bp.get("/console/qa.md")
def download_qa_sheet() -> ResponseReturnValue:
    """The run sheet as a file. Query: `paymentId`, for one payment."""
    with current_sandbox().store.reading() as db:
        sheet = qa_sheet.sheet(db, request.args.get("paymentId") or None)
    response = Response(sheet, mimetype="text/markdown")
    response.headers["Content-Disposition"] = 'attachment; filename="qa.md"'
    return response


def current_switches() -> dict[str, Json | None]:
    """The switches' settings, for a page that has no transaction open."""
    with current_sandbox().store.reading() as db:
        return switches.list_settings(db)


def demand_list(key: str) -> list[Json]:
    """What the channel demands, for people: `[{text, page}]` in the page's language."""
    pg = channels.pg_of(channels.CHANNELS[key])
    return [
        {"text": sentence(check, language()), "page": channels.page_of(pg, check)}
        for check in pg["checks"]
    ]


def _search_body(text: str | None) -> Json:
    filter: Json = {"from": FROM_THE_BEGINNING}
    if text:
        filter["textSearch"] = [{"field": "ALL", "value": text}]
    if status := request.args.get("status"):
        filter["status"] = [status]
    number = request.args.get("page", 0, int)
    return {"filter": filter, "page": {"number": number, "size": PAGE_SIZE}}


@bp.after_request
def add_tag(response: Response) -> Response:
    """The page has a tag, by which a browser that has it asks for another one only."""
    if "tag" in g and response.status_code in (200, 304):
        response.set_etag(g.tag)
        response.headers["Cache-Control"] = "no-cache"
        response.headers["Vary"] = "Accept-Language, Cookie"
    return response


def has_tag(db: Database, *more: object) -> bool:
    """Whether the browser has the page as it is now.

    more: what the page shows besides what is stored.
    """
    state, hidden = db.state(), db.count_hidden_payments(clock.now())
    values = (state.identity, state.changes, hidden, language(), *more)
    g.tag = "-".join(map(str, values))
    return request.if_none_match.contains(g.tag)


@bp.get("/console/journal")
def show_journal() -> ResponseReturnValue:
    """The newest calls and webhooks. Query: `paymentId`; `kind`, one of journal.KINDS."""
    payment_id, kind = request.args.get("paymentId") or None, request.args.get("kind")
    kind = kind if kind in journal.KINDS else None
    with current_sandbox().store.reading() as db:
        if has_tag(db):
            return "", 304
        entries = journal.entries(db, payment_id, kind=kind, limit=JOURNAL_SIZE, newest_first=True)
    return render_template(
        "journal.html", entries=entries, payment_id=payment_id, kind=kind, kinds=journal.KINDS
    )


@bp.get("/console/payments/<payment_id:payment_id>")
def payment(payment_id: str) -> ResponseReturnValue:
    """Query: `ask`, cancel to ask whether all of it is to be cancelled."""
    sandbox = current_sandbox()
    with sandbox.store.reading() as db:
        record = db.find_payment(payment_id) or abort(404)
        is_waiting = awaits_deposit(record)
        if has_tag(db, is_waiting):
            return "", 304
        webhooks = db.list_webhooks(payment_id)
        attempts = db.list_checkouts(payment_id)
        return render_template(
            "payment.html",
            payment=record,
            shown=sandbox.payments.show(db, record),
            is_waiting=is_waiting,
            awaits_confirmation=any(
                each["paymentToken"] and not each["isConfirmed"] for each in attempts
            ),
            left=left_to_cancel(record, switches.balance(db)),
            asks_to_cancel=request.args.get("ask") == "cancel",
            shop_link=shop_link(record, attempts),
            attempts=attempts,
            webhooks=[(webhook, _timestamp(due_at)) for webhook, due_at in webhooks],
            pretty=partial(json.dumps, ensure_ascii=False, indent=2),
        )


def _timestamp(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return clock.timestamp(datetime.fromtimestamp(seconds, timezone.utc))


@bp.post("/console/payments/<payment_id:payment_id>/<action>")
def act(payment_id: str, action: str) -> ResponseReturnValue:
    """A button. Form: `amount`, for a deposit and a cancel; `webhookId`; `confirmed`, for a cancel
    of all that is left: without it the payment's page asks.
    """
    form = _form("amount")
    is_confirmed = form.pop("confirmed", None) == "1"
    if action == "cancel" and not is_confirmed and _cancels_all(payment_id, form):
        question = url_for(".payment", payment_id=payment_id, ask="cancel", _anchor="ask")
        return redirect(question, 303)
    actions.run(payment_id, action, form)
    return redirect(url_for(".payment", payment_id=payment_id), 303)


def _cancels_all(payment_id: str, form: Json) -> bool:
    with current_sandbox().store.reading() as db:
        record = db.find_payment(payment_id)
        if record is None or record["status"] not in ("PAID", "PARTIAL_CANCELLED"):
            return False  # the action says what is wrong
        return form.get("amount") in (None, left_to_cancel(record, switches.balance(db)))


@bp.post("/console/switches/<name>")
def set_switch(name: str) -> ResponseReturnValue:
    """A button. Form: as `POST /control/switches/<name>` takes it; `end` ends the chaos."""
    if name not in switches.NAMES:
        abort(404)
    with current_sandbox().store.writing() as db:
        body = {"seed": None} if "end" in request.form else _form("calls", "seconds", "seed")
        switches.save_setting(db, name, body)
    return redirect(url_for(".index"), 303)


def _form(*number_fields: str) -> Json:
    """The fields that are filled in. number_fields: those that become numbers."""
    form: Json = {name: value for name, value in request.form.items() if value}
    for field in number_fields:
        if re.fullmatch("[0-9]{1,16}", form.get(field, "")):
            form[field] = int(form[field])
    return form
