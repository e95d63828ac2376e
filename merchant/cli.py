"""The shop's commands: `flask reconcile` for cron, `flask orders`, `order` and `refund` for people."""

import time
from collections import Counter
from datetime import timedelta

import click
from flask import current_app
from sqlalchemy import and_, or_, select

from . import settlement
from .models import Order, Payment, now, session
from .portone import PortOneRejected, PortOneUnavailable
from .views import ERRORS, bp, when

LOOKUPS_PER_SECOND = 10
OUTAGE = (
    3  # look-ups failing one after another: PortOne is down, and the rest is left to the next run
)
NOT_ASKED = "could not be asked about: PortOne is not to be reached, or refused (see the log)"
OTHER_STORE = "of another store than PORTONE_STORE_ID, not asked about"
REFUNDS = {
    "SUCCEEDED": "Refunded.",
    "MADE_BEFORE": "Money was given back since this refund was first asked for; nothing more was asked for now.",
    "REQUESTED": "The PG has taken the request and refunds later; flask reconcile follows it.",
    "FAILED": "PortOne says that the refund failed.",
}


@bp.cli.command()
@click.option(
    "--older-than",
    metavar="MINUTES",
    type=click.IntRange(0),
    default=10,
    show_default=True,
    help="Leave younger attempts alone: their buyers may still be at it.",
)
@click.option(
    "--since",
    metavar="DAYS",
    type=click.IntRange(0),
    default=7,
    show_default=True,
    help="How far to look back.",
)
@click.pass_context
def reconcile(context, older_than, since):
    """Ask PortOne about every payment that may have changed.

    For cron: it ends with 1 when PortOne could not be asked or something needs a person, else with 0.
    """
    started, outcomes, failing = now(), Counter(), 0
    payments = _due(started - timedelta(minutes=older_than), started - timedelta(days=since))
    with click.progressbar(payments, label=f"Asking PortOne about {len(payments)} payments") as bar:
        for payment in bar:
            outcome = _ask(payment, started)
            outcomes[outcome] += 1
            failing = failing + 1 if outcome == NOT_ASKED else 0
            if failing == OUTAGE:
                outcomes[NOT_ASKED] += len(payments) - sum(outcomes.values())
                break
    outcomes["fulfilled again"], outcomes["failed to be fulfilled again"] = (
        settlement.fulfil_again()
    )
    outcomes["need a person: see flask orders --attention"] = needing = len(list(_need_a_person()))
    for outcome, count in outcomes.items():
        if count:
            click.echo(f"{count:>7}  {outcome}")
    context.exit(1 if needing or outcomes[NOT_ASKED] or outcomes[OTHER_STORE] else 0)


def _due(before, since):
    """The payments to ask about, those that nobody has asked about for longest first: so a run resumes after a kill.

    Every attempt opened between `since` and `before` that may still change, FAILED and PAID included; besides these
    the virtual accounts that wait for a deposit, and what was paid since then, however old.
    """
    recent = or_(Payment.created_at >= since, Order.paid_at >= since)
    rows = session.execute(
        select(Payment.__table__, recent.label("is_recent"))
        .join(Order, Order.id == Payment.order_id)
        .where(Payment.status != "CANCELLED", Payment.created_at <= before)
        .where(or_(recent, Payment.status == "VIRTUAL_ACCOUNT_ISSUED"))
        .order_by(Payment.asked_at.nulls_first(), Payment.created_at)
    ).all()
    session.commit()
    return [row for row in rows if row.is_recent or not settlement.expired(row)]


def _ask(payment, started):
    if payment.store_id != current_app.extensions["merchant"].settings.store_id:
        return OTHER_STORE
    if not settlement.take_turn(payment.id, started):
        return "asked about by somebody else meanwhile"
    time.sleep(1 / LOOKUPS_PER_SECOND)
    try:
        status = settlement.settle(payment.id, "cli").status
    except (PortOneUnavailable, PortOneRejected):
        return NOT_ASKED
    return (
        f"unchanged, {status}"
        if status == payment.status
        else f"now {status}, before {payment.status}"
    )


@bp.cli.command()
@click.argument("payment_id")
@click.option("--reason", required=True, help="Why; PortOne and the PG keep it.")
@click.option("--amount", type=int, metavar="KRW", help="How much; all that is left by default.")
@click.option(
    "--refund-bank",
    metavar="BANK",
    help="For a virtual account: the buyer's bank, as PortOne names it.",
)
@click.option("--refund-account", metavar="NUMBER", help="The number of the buyer's account.")
@click.option("--refund-holder", metavar="NAME", help="Whose account it is.")
@click.option(
    "--refund-phone", metavar="NUMBER", help="The holder's phone number, which Smartro asks for."
)
def refund(payment_id, reason, amount, refund_bank, refund_account, refund_holder, refund_phone):
    """Give a payment back, wholly or in part.

    After a time-out or a crash repeat the same command: it refunds nothing twice.
    """
    account = {
        "bank": refund_bank,
        "number": refund_account,
        "holderName": refund_holder,
        "holderPhoneNumber": refund_phone,
    }
    account = {name: value for name, value in account.items() if value}
    if account and not (refund_bank and refund_account and refund_holder):
        raise click.UsageError("--refund-bank, --refund-account and --refund-holder go together.")
    try:
        status = settlement.refund(payment_id, reason, amount, account)
    except settlement.Refused as problem:
        raise click.UsageError(
            f"{problem.field or payment_id}: {problem.message or ERRORS[problem.code][1]}"
        ) from None
    except PortOneRejected as problem:
        raise click.ClickException(f"Not refunded. {problem}: {problem.message}") from None
    except PortOneUnavailable as problem:
        message = f"It is not known whether this was refunded ({problem}). Repeat the same command."
        raise click.ClickException(message) from None
    payment = settlement.find(payment_id)
    click.echo(REFUNDS.get(status, REFUNDS["REQUESTED"]))
    click.echo(
        f"{payment.status}: {payment.cancelled_amount} KRW of {payment.portone_amount} given back."
    )
    if status in {"SUCCEEDED", "MADE_BEFORE"}:
        settlement.end_refund(payment_id)
    if status == "FAILED":
        click.get_current_context().exit(1)


@bp.cli.command()
@click.option("--attention", is_flag=True, help="Only those that need a person, and why.")
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="How many, the newest first.",
)
def orders(attention, limit):
    """List the newest orders, or those that need a person."""
    if attention:
        for payment, why in _need_a_person():
            click.echo(f"order {payment.order_id} payment {payment.id}: {why}")
        return
    for order in session.scalars(select(Order).order_by(Order.created_at.desc()).limit(limit)):
        click.echo(
            f"{when(order.created_at)}  {order.id}  {order.status:<22}  {order.amount:>9} KRW  {order.name}"
        )


def _need_a_person():
    """What nobody but a person can end, as (payment, why)."""
    unfulfilled = and_(
        Order.payment_id == Payment.id,
        Order.fulfilled_at.is_(None),
        Order.status.in_(settlement.TAKEN),
    )
    refused = and_(Payment.status == "MISMATCH", Payment.portone_status.in_(settlement.TAKEN))
    rows = session.execute(
        select(Payment, refused, unfulfilled)
        .join(Order, Order.id == Payment.order_id)
        .where(or_(refused, unfulfilled, Payment.refund.is_not(None)))
        .order_by(Payment.created_at)
    )
    for payment, is_refused, is_unfulfilled in rows:
        taken = payment.portone_amount - payment.cancelled_amount
        if payment.refund and "made" not in payment.refund:
            yield (
                payment,
                f"a refund of {payment.refund['amount']} KRW has no known end: repeat its flask refund",
            )
        elif is_refused:
            yield (
                payment,
                f"{', '.join(payment.reasons)}: {taken} KRW taken, not this order's: flask refund it",
            )
        elif is_unfulfilled:
            yield payment, "paid, but its fulfilment failed: see the log, then flask reconcile"


@bp.cli.command()
@click.argument("order_id")
def order(order_id):
    """Show one order, its payments and its trail."""
    order = settlement.find_order(order_id)
    if order is None:
        raise click.UsageError("ORDER_ID: there is no such order.")
    click.echo(f"order {order.id}  {order.status}  {order.amount} KRW  {order.name}")
    for payment in settlement.attempts(order_id):
        reasons = f"  ({', '.join(payment.reasons)})" if payment.reasons else ""
        click.echo(
            f"payment {payment.id}  {payment.status}{reasons}  at PortOne: {payment.portone_status or '-'}"
        )
    for event in settlement.events(order_id):
        duration = f"  {event.duration_ms} ms" if event.duration_ms is not None else ""
        said = f"{event.event:<24} {event.source:<8} {event.portone_status or ''}{duration}"
        click.echo(f"{when(event.at)}  {event.payment_id[:8]}  {said}")
