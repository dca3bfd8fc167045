"""Who reaches the hub decides what it reaches for them."""

from pathlib import Path

import pytest

from cog.network_guard import read_guard
from coghub.hub_settings import HubSettings
from coghub.reach import hub_guard, instance_guard, is_for_this_machine

CALLBACK = "http://127.0.0.1:4000"


def settings(**changes):
    return HubSettings(data=Path("hub"), **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"host": "localhost"},
        {"host": "::1"},
        {"host": "127.0.0.2"},
        {"public_url": "http://localhost:5100"},
        {"public_url": "https://[::1]:5100/"},
    ],
)
def test_a_hub_on_loopback_is_for_this_machine(changes):
    assert is_for_this_machine(settings(**changes))
    assert hub_guard(settings(**changes), callback_url=CALLBACK).refusal("10.0.0.1", 80) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"host": "0.0.0.0"},
        {"host": "::"},
        {"host": "192.168.1.5"},
        {"host": "hub.example"},
        {"public_url": "https://hub.example"},
        {"public_url": "https://localhost.example"},
        {"trusted_proxies": ("127.0.0.1/32",)},
    ],
)
def test_a_hub_that_others_reach_keeps_them_from_its_neighbours(changes):
    for guard in (hub_guard, instance_guard):
        made = guard(settings(**changes), callback_url=CALLBACK)
        assert made.refusal("127.0.0.1", 80) == "loopback"
        assert made.refusal("10.0.0.1", 80) == "private"
        assert made.refusal("1.1.1.1", 80) is None


def test_networks_may_be_allowed_besides_but_never_the_metadata_service():
    allowing = settings(host="0.0.0.0", allow_networks=("10.1.0.0/16", "169.254.0.0/16"))

    for guard in (hub_guard, instance_guard):
        made = guard(allowing, callback_url=CALLBACK)
        assert made.refusal("10.1.2.3", 80) is None
        assert made.refusal("10.2.2.3", 80) == "private"
        assert made.refusal("169.254.169.254", 80) == "link-local"


@pytest.mark.parametrize("changes", [{}, {"host": "0.0.0.0"}])
def test_the_callback_listener_is_for_instances_only(changes):
    webhooks = hub_guard(settings(**changes), callback_url=CALLBACK)
    instance = instance_guard(settings(**changes), callback_url=CALLBACK)

    assert webhooks.refusal("127.0.0.1", 4000) is not None
    assert webhooks.refusal("::ffff:127.0.0.1", 4000) is not None
    assert instance.refusal("127.0.0.1", 4000) is None


def test_an_instance_is_told_its_guard_as_text():
    guard = instance_guard(
        settings(host="0.0.0.0", allow_networks=("10.1.0.0/16",)), callback_url=CALLBACK
    )

    assert guard.as_text() == "public 10.1.0.0/16 127.0.0.1:4000"
    assert read_guard(guard.as_text()) == guard
