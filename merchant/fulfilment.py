"""What happens when an order is paid.   (edit this)"""

import logging

from .rows import OrderRow

logger = logging.getLogger(__name__)


def fulfil(order: OrderRow) -> None:
    """Do the database work of a paid order: reduce the stock, queue the shipment and the e-mail.

    `order` has all columns of models.Order. Write on the app's own `db.session`, and do not commit
    or roll back: your work is committed together with PAID, exactly once. If this raises, your work
    is undone, the order stays PAID, its trail says FULFILMENT_FAILED, and `flask reconcile` calls
    this again. Do not call other servers from here, since a mail or a parcel cannot be rolled back:
    queue them. A webhook or cron may call this, so there is no logged-in user here.
    """
    logger.info("order %s payment %s: fulfilled: %s", order.id, order.payment_id, order.name)
