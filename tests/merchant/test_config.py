"""The settings: read, checked, explained."""

import pytest

from merchant import config

ACCOUNT = {
    "PORTONE_STORE_ID": "store-1",
    "PORTONE_CHANNEL_KEY": "channel-key-1",
    "PORTONE_API_SECRET": "secret-1",
}


@pytest.mark.parametrize("missing", ACCOUNT)
def test_a_missing_setting_is_named_and_the_others_are_not_shown(missing):
    with pytest.raises(config.SettingsError) as error:
        config.load({**ACCOUNT, missing: ""})
    assert missing in str(error.value) and "secret-1" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORTONE_ALLOW_TEST", "perhaps"),
        ("PORTONE_PAY_METHODS", "CARD,GOLD"),
        ("PORTONE_MAX_LOOKUPS", "0"),
        ("PORTONE_WEBHOOK_SECRET", "whsec_!"),
        ("PORTONE_API_BASE", "api.portone.io"),
        ("PUBLIC_URL", "shop.example"),
    ],
)
def test_a_malformed_setting_is_named(name, value):
    with pytest.raises(config.SettingsError, match=name):
        config.load({**ACCOUNT, name: value})


def test_secrets_are_not_in_the_settings_repr():
    assert "secret-1" not in repr(config.load(ACCOUNT))
