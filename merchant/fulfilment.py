"""What happens once an order is paid.   (edit this)"""

import logging
from typing import Any

logger = logging.getLogger(__name__)


def fulfil(order: Any) -> None:
    """Do the database work that a paid order asks for: take it out of stock, queue its shipment and its e-mail.

    `order` is the order's row as plain values: order.product_id, order.buyer_email, all columns of models.Order.
    Runs in a savepoint of the transaction that marks the order paid, on the app's own `db.session`: what you write
    here is stored together with PAID or not at all, and exactly once. Don't commit, and don't call other servers
    from here: a mail or a parcel can't be rolled back, so queue them. If this raises, its work is rolled back, the
    order stays PAID, and its trail says FULFILMENT_FAILED.
    """
    logger.info("order %s payment %s: fulfilled: %s", order.id, order.payment_id, order.name)
