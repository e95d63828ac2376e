"""The store of this sandbox: its ids and secrets. They are public, and the same everywhere."""

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
