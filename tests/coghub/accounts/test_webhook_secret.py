"""Webhooks are signed as receivers check them."""

from datetime import UTC, datetime

import anyio
import pytest
from replicate.webhook import InvalidSignatureError, Webhooks, WebhookSigningSecret
from tests.coghub.all_rows import all_rows

from coghub.accounts.webhook_secret import WebhookSecrets, signed_headers


@pytest.fixture
def secrets(hub):
    return WebhookSecrets(hub.database, hub.box)


def test_the_signature_is_that_of_the_clients_own_tests():
    headers = signed_headers(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        now=datetime.fromtimestamp(1614265330, UTC),
        body=b'{"test": 2432232314}',
    )

    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


async def test_the_official_client_accepts_what_is_signed_and_nothing_else(secrets, alice):
    """It raises where it does not."""
    secret = WebhookSigningSecret(key=await secrets.get(alice.id))
    body = '{"id": "p", "output": "café"}'

    headers = signed_headers(secret.key, "msg_1", now=datetime.now(UTC), body=body.encode())

    Webhooks.validate(headers=headers, body=body, secret=secret, tolerance=60)
    with pytest.raises(InvalidSignatureError):
        Webhooks.validate(headers=headers, body=body + " ", secret=secret)


async def test_a_secret_is_made_once(secrets, alice):
    found = []

    async def ask():
        found.append(await secrets.get(alice.id))

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(ask)

    assert len(found) == 20
    assert len(set(found)) == 1


async def test_each_account_has_its_own_without_characters_that_clients_split_at(
    secrets, alice, bob
):
    both = {await secrets.get(alice.id), await secrets.get(bob.id)}

    assert len(both) == 2
    assert all(secret.count("_") == 1 and "-" not in secret for secret in both)


async def test_rows_hold_no_secret_in_clear(hub, secrets, alice):
    text = (await secrets.get(alice.id)).removeprefix("whsec_")

    assert text not in str(await all_rows(hub))
    assert all(text.encode() not in path.read_bytes() for path in hub.settings.data.glob("hub.db*"))
