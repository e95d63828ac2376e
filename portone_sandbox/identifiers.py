"""Ids and numbers that PortOne, a PG or a bank would make.

They follow from the paymentId and the number of the attempt, not from chance: a script that pays
the same payment in another new sandbox gets the same ones, so a test can expect them. After a reset
they are others: a webhook or a window of before it must not be taken for one of after it.
"""

import uuid


def stable_id(*parts: object) -> str:
    """A UUID, the same for the same parts."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(map(str, parts))))


def stable_digits(tx_id: str, count: int) -> str:
    """An approval or account number of that many digits."""
    return str(uuid.UUID(stable_id(tx_id, "number")).int)[-count:]


def payment_token(tx_id: str) -> str:
    """The paymentToken of an attempt through a channel with manual approval."""
    return "payment-token-" + stable_id(tx_id, "paymentToken")


def pg_tx_id(tx_id: str, number: int = 0) -> str:
    """The PG's own id of a transaction. number: 0 for the payment, 1 for its first cancellation."""
    return "sandbox" + stable_id(tx_id, "PG", number).replace("-", "")
