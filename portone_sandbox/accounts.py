"""The store of this sandbox: its ids and secrets. They are public, and the same everywhere."""

from .documents import Channel, ListedChannel

STORE_ID = "store-5a4db0c5-0000-4000-8000-000000000001"
MERCHANT_ID = "merchant-5a4db0c5-0000-4000-8000-000000000001"
API_SECRET = "SandboxApiSecretWorthNothing0000000000000000000000000000000000000000000000000000"
# Base64 of "portone-sandbox-webhook-secret-0".
WEBHOOK_SECRET = "whsec_cG9ydG9uZS1zYW5kYm94LXdlYmhvb2stc2VjcmV0LTA="

CHANNEL_GROUP = {
    "id": "channel-group-5a4db0c5-0000-4000-8000-000000000001",
    "name": "샌드박스",
    "isForTest": True,
}

DEFAULT_CHANNEL = "channel-key-5a4db0c5-0000-4000-8000-000000000001"
MANUAL_CHANNEL = "channel-key-5a4db0c5-0000-4000-8000-000000000002"

# TOSSPAYMENTS, because failures.py has its codes.
CHANNELS: dict[str, Channel] = {
    DEFAULT_CHANNEL: {
        "type": "TEST",
        "id": "channel-id-5a4db0c5-0000-4000-8000-000000000001",
        "key": DEFAULT_CHANNEL,
        "name": "샌드박스",
        "pgProvider": "TOSSPAYMENTS",
        "pgMerchantId": "sandbox",
    },
    MANUAL_CHANNEL: {
        "type": "TEST",
        "id": "channel-id-5a4db0c5-0000-4000-8000-000000000002",
        "key": MANUAL_CHANNEL,
        "name": "샌드박스 수동 승인",
        "pgProvider": "TOSSPAYMENTS",
        "pgMerchantId": "sandbox",
    },
}

# The channels whose setting "manual approval" (수동 승인) is on. A record does not show it:
# https://developers.portone.io/opi/ko/extra/manual-confirm/readme-v2
MANUAL_APPROVAL = frozenset({MANUAL_CHANNEL})


def list_channels() -> list[ListedChannel]:
    """The channels as `GET /control/channels` and the console show them."""
    return [
        {
            "key": key,
            "pgProvider": channel["pgProvider"],
            "type": channel["type"],
            "name": channel["name"],
            "manualApproval": key in MANUAL_APPROVAL,
        }
        for key, channel in CHANNELS.items()
    ]
