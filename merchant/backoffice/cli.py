"""The commands of `flask`: reconcile for cron; orders, order, refund, doctor, … for people."""

from datetime import timedelta

import click
from sqlalchemy import select, update

from .. import storage
from ..database import primary, write_transaction
from ..errors import PortOneRejected, PortOneUnavailable, Refused
from ..pages.languages import when
from ..pages.responses import ERRORS
from ..rows import OrderRow, PaymentRow
from ..storage import orders as orders_table
from ..views import bp
from . import reconciliation, refunds
from .attention import needs_a_person
from .doctor import examine
from .models import UnknownPayment
from .reconciliation import LISTED, NOT_ASKED, NOT_LISTED

REFUNDS = {
    "SUCCEEDED": "Refunded.",
    "MADE_BEFORE": "Money was refunded after this refund was first sent; "
    "nothing more was asked for now.",
    "REQUESTED": "The PG has taken the request and refunds later; flask reconcile follows it.",
    "FAILED": "PortOne says that the refund failed.",
}


@bp.cli.command()
@click.option(
    "--since",
    metavar="DAYS",
    type=click.IntRange(0),
    help="How far to look back. By default to the last complete run.",
)
@click.option(
    "--older-than",
    metavar="MINUTES",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Leave younger changes to the next run: their buyers may still be paying.",
)
@click.pass_context
def reconcile(context: click.Context, since: int | None, older_than: int) -> None:
    """Update every payment that changed at PortOne since the last complete run.

    For cron: exit status 1 if PortOne did not answer or something needs a person, else 0.
    """
    days = None if since is None else timedelta(days=since)
    outcomes = reconciliation.reconcile(days, timedelta(minutes=older_than))
    click.echo(f"{outcomes.pop(LISTED, 0)} payments changed at PortOne")
    needing = list(needs_a_person(flask_of(context)))
    outcomes["need a person: see flask orders --attention"] = len(needing)
    for outcome, count in outcomes.items():
        if count:
            click.echo(f"{count:>7}  {outcome}")
    for matter in needing:
        click.echo(matter)
    context.exit(1 if needing or outcomes[NOT_ASKED] or outcomes[NOT_LISTED] else 0)


def flask_of(context: click.Context) -> str:
    """Returns how the commands start: `flask`, or `flask merchant` in a host's app."""
    names = context.command_path.split()[:-1]
    return " ".join(["flask", *names[1:]])


@bp.cli.command()
@click.argument("payment_id")
def acknowledge(payment_id: str) -> None:
    """Take a payment off the list: another system sold it, or its money is back otherwise."""
    unknown = update(UnknownPayment).where(UnknownPayment.payment_id == payment_id)
    with write_transaction() as connection:
        found = connection.execute(unknown, {"is_acknowledged": True}).rowcount
    if not found and not refunds.forget_failed(payment_id):
        message = "it is not listed as a payment without an order, or with a refund that failed."
        raise click.UsageError(f"PAYMENT_ID: {message}")
    click.echo("Acknowledged.")


@bp.cli.command()
@click.argument("payment_id")
@click.option("--reason", required=True, help="Why; PortOne and the PG store it.")
@click.option("--amount", type=int, metavar="KRW", help="How much; all that is left by default.")
@click.option("--again", is_flag=True, help="The REQUESTED refund failed in PortOne's console.")
@click.option("--refund-bank", metavar="BANK", help="The buyer's bank, as PortOne names it.")
@click.option("--refund-account", metavar="NUMBER", help="The number of the buyer's account.")
@click.option("--refund-holder", metavar="NAME", help="The account's holder.")
@click.option("--refund-phone", metavar="NUMBER", help="The holder's phone number, for Smartro.")
def refund(
    payment_id: str,
    reason: str,
    amount: int | None,
    again: bool,
    refund_bank: str | None,
    refund_account: str | None,
    refund_holder: str | None,
    refund_phone: str | None,
) -> None:
    """Refund a payment, wholly or in part. A virtual account needs the buyer's account.

    After a time-out or a crash repeat the same command: it refunds nothing twice.
    """
    fields = {
        "bank": refund_bank,
        "number": refund_account,
        "holderName": refund_holder,
        "holderPhoneNumber": refund_phone,
    }
    account = {name: value for name, value in fields.items() if value}
    if account and not (refund_bank and refund_account and refund_holder):
        raise click.UsageError("--refund-bank, --refund-account and --refund-holder go together.")
    try:
        status = refunds.refund(payment_id, reason, print_refund, amount, account, again)
    except Refused as problem:
        message = problem.message or ERRORS[problem.code][1]
        raise click.UsageError(f"{problem.field or payment_id}: {message}") from None
    except PortOneRejected as problem:
        raise click.ClickException(f"Not refunded. {problem}: {problem.message}") from None
    except PortOneUnavailable as problem:
        message = f"It is not known whether this was refunded ({problem}). Repeat the same command."
        raise click.ClickException(message) from None
    if status == "FAILED":
        click.get_current_context().exit(1)


def print_refund(status: str, payment: PaymentRow) -> None:
    click.echo(REFUNDS.get(status, REFUNDS["REQUESTED"]))
    returned = f"{payment.cancelled_amount} KRW of {payment.portone_amount} refunded"
    click.echo(f"{payment.status}: {returned}.")


@bp.cli.command()
@click.option("--attention", is_flag=True, help="Only those that need a person, and why.")
@click.option(
    "--limit", type=click.IntRange(1), default=20, show_default=True, help="How many orders."
)
@click.pass_context
def orders(context: click.Context, attention: bool, limit: int) -> None:
    """List the newest orders, or those that need a person."""
    if attention:
        for matter in needs_a_person(flask_of(context)):
            click.echo(matter)
        return
    newest = select(orders_table).order_by(orders_table.c.created_at.desc()).limit(limit)
    for row in primary().execute(newest):
        order = OrderRow(*row)
        amount = f"{order.status:<22}  {order.amount:>9} KRW"
        click.echo(f"{when(order.created_at)}  {order.id}  {amount}  {order.name}")


@bp.cli.command()
@click.argument("order_id")
def order(order_id: str) -> None:
    """Show one order, its payments and its trail."""
    row = storage.read_order(order_id)
    if row is None:
        raise click.UsageError("ORDER_ID: there is no such order.")
    click.echo(f"order {row.id}  {row.status}  {row.amount} KRW  {row.name}")
    for payment in storage.read_attempts(order_id):
        reasons = f"  ({', '.join(payment.reasons)})" if payment.reasons else ""
        status = f"{payment.status}{reasons}  at PortOne: {payment.portone_status or '-'}"
        click.echo(f"payment {payment.id}  {status}")
    for event in storage.read_events(order_id):
        line = f"{when(event.at)}  {event.payment_id[:8]}  {event.event:<24} {event.source:<8}"
        line += f" {event.portone_status or ''}"
        if event.duration_ms is not None:
            line += f"  {event.duration_ms} ms"
        click.echo(f"{line}  {event.detail}" if event.detail else line)


@bp.cli.command()
@click.pass_context
def doctor(context: click.Context) -> None:
    """Check the whole set-up, and say what to do.

    Settings, database, PortOne, clock, webhook, public address, and what is to be done at the PG.
    Exit status 1 if something is wrong, else 0.
    """
    is_ok = True
    for finding in examine():
        click.echo(f"{'OK' if finding.is_ok else '!!'}  {finding.text}")
        is_ok = is_ok and finding.is_ok
    context.exit(0 if is_ok else 1)
