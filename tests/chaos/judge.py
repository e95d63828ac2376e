"""What must hold of an order at the end, by PortOne's records alone: no code of the shop decides."""

HELD = {"PAID", "PARTIAL_CANCELLED"}
WAITING = {"READY": "PENDING", "PAY_PENDING": "PENDING", "FAILED": "FAILED"}


ACCOUNT = "PaymentMethodVirtualAccount"


def is_as_ordered(order, attempt, record, offers_accounts):
    """Whether the record is the payment that the attempt asked for.

    A shop without virtual accounts takes none that a buyer has asked for instead.
    """
    if record.get("method", {}).get("type") == ACCOUNT and not offers_accounts:
        return False
    wanted = (order.amount, order.tax_free, attempt.order_name, attempt.currency)
    amount = record["amount"]
    found = (amount["total"], amount["taxFree"], record["orderName"], record["currency"])
    return wanted == found and record["channel"]["key"] == attempt.channel_key


def problems(order, attempts, records, fulfilled, attention, offers_accounts):
    """What is wrong with an order: sentences, none if all is well.

    order, attempts: its rows. records: {paymentId: PortOne's record or None}. fulfilled: how often
    its fulfilment was committed. attention: what `flask orders --attention` prints.
    """
    found = []
    good = {
        each.id: records[each.id]
        for each in attempts
        if records[each.id] and is_as_ordered(order, each, records[each.id], offers_accounts)
    }
    paid = {id: record for id, record in good.items() if "paidAt" in record}
    if paid:
        found += _problems_of_paid(order, paid, fulfilled)
    else:
        found += _problems_of_unpaid(order, attempts, records, good, fulfilled)
    for attempt in attempts:
        record = records[attempt.id]
        if record is None or "paidAt" not in record:
            continue
        if attempt.cancelled_amount != record["amount"]["cancelled"]:
            returned = record["amount"]["cancelled"]
            found.append(f"{attempt.id}: {attempt.cancelled_amount} cancelled, not {returned}")
        is_surplus = attempt.id not in paid or attempt.id != order.payment_id
        if is_surplus and record["status"] in HELD and attempt.id not in attention:
            found.append(f"{attempt.id}: money that is not the order's, and nobody is told")
    return found


def _problems_of_paid(order, paid, fulfilled):
    record = paid.get(order.payment_id)
    if record is None:
        yield f"paid by {', '.join(paid)}, but follows {order.payment_id} ({order.status})"
        return
    if order.status != record["status"]:
        yield f"{order.status}, but PortOne has {record['status']}"
    if not order.paid_at:
        yield "paid at PortOne, but not in the shop"
    # Paid and wholly refunded before the first look-up: nothing is left to fulfil.
    allowed = {1} if record["status"] in HELD else {0, 1}
    if fulfilled not in allowed:
        yield f"fulfilled {fulfilled} times"
    if fulfilled == 1 and not order.fulfilled_at:
        yield "fulfilled, but fulfilled_at is empty"


def _problems_of_unpaid(order, attempts, records, good, fulfilled):
    if order.paid_at or order.fulfilled_at or fulfilled:
        yield f"{order.status}, fulfilled {fulfilled} times, but never paid"
    record = records[order.payment_id]
    status = record["status"] if record else "READY"
    expected = WAITING.get(status)
    if expected is None and order.payment_id not in good:
        expected = "CANCELLED" if status == "CANCELLED" else "MISMATCH"
    row = next(each for each in attempts if each.id == order.payment_id)
    if row.status == "MISMATCH" and status in ("READY", "FAILED") and row.reasons:
        expected = "MISMATCH"  # manual approval: other terms were refused before money moved
    if order.status != (expected or status):
        yield f"{order.status}, but PortOne has {status} (expected {expected or status})"
