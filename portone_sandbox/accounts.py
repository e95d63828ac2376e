"""The store of this sandbox: its ids and secrets. They are public, and the same everywhere."""

from .documents import Channel

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

# TOSSPAYMENTS, because failures.py has its codes.
CHANNELS: dict[str, Channel] = {
    "channel-key-5a4db0c5-0000-4000-8000-000000000001": {
        "type": "TEST",
        "id": "channel-id-5a4db0c5-0000-4000-8000-000000000001",
        "key": "channel-key-5a4db0c5-0000-4000-8000-000000000001",
        "name": "샌드박스",
        "pgProvider": "TOSSPAYMENTS",
        "pgMerchantId": "sandbox",
    },
}
