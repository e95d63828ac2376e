"""What the channel's PG demands of a cancellation. channels.json has the facts."""

from . import channels
from .bodies import CancelBody
from .channels import Refund
from .documents import Payment, SdkFailure
from .errors import pg_refusal
from .failures import NO_PARTS, NO_REFUND_ACCOUNT, TOO_MANY_PARTS, refund_field
from .methods import METHOD_TYPES


def check(record: Payment, body: CancelBody, is_partial: bool) -> None:
    """Refused with PG_PROVIDER, the pgCode and the pgMessage when the PG refuses.

    is_partial: something of the payment is left, or was cancelled before.
    """
    refund = channels.pg_of(record["channel"])["refund"]
    failure = _unfit_account(record, body, refund) or _lacking_field(body, refund)
    if is_partial:
        failure = failure or _unfit_part(record, refund)
    if failure:
        raise pg_refusal(failure)


def _unfit_account(record: Payment, body: CancelBody, refund: Refund) -> SdkFailure | None:
    """A virtual account's payment is refunded to an account of the buyer.

    It is required, at Smartro with holderPhoneNumber:
    https://developers.portone.io/opi/ko/integration/cancel/v2/readme
    The error of a cancellation without it is documented nowhere. PortOne passes on the PG's answer,
    and this is the nearest error of Toss Payments.
    """
    if record["method"]["type"] != METHOD_TYPES["VIRTUAL_ACCOUNT"]:
        return None
    if "refundAccount" not in body:
        return NO_REFUND_ACCOUNT
    for field in refund.get("accountFields", {}):
        if field not in body["refundAccount"]:
            return refund_field(f"refundAccount.{field}")
    return None


def _lacking_field(body: CancelBody, refund: Refund) -> SdkFailure | None:
    lacking = [field for field in refund.get("fields", {}) if field not in body]
    return refund_field(lacking[0]) if lacking else None


def _unfit_part(record: Payment, refund: Refund) -> SdkFailure | None:
    whole_only = [METHOD_TYPES[each] for each in refund.get("wholeOnly", {})]
    if record["method"]["type"] in whole_only:
        return NO_PARTS
    earlier = [each for each in record.get("cancellations", []) if each["status"] == "SUCCEEDED"]
    if len(earlier) >= refund.get("partsAtMost", len(earlier) + 1):
        return TOO_MANY_PARTS
    return None
