"""How many requests a token may make."""

import pytest
from hub_client import Client

from coghub.api.rate_limits import MAX_BUCKETS, RateLimits
from coghub.app import asgi
from coghub.hub_settings import HubSettings
from coghub.opening import open_hub


class Clock:
    now_s = 1000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def limits(tmp_path, clock):
    settings = HubSettings(data=tmp_path, predictions_per_minute=6, requests_per_minute=60)
    return RateLimits(settings, clock)


def asked(method="GET", path="/account", token="one"):
    headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
    return {"method": method, "path": path, "headers": headers}


CREATE = asked("POST", "/predictions")


def test_a_burst_of_what_is_allowed_in_a_minute_passes_and_no_more(limits):
    allowances = [limits.take(CREATE) for _ in range(7)]

    assert [it.remaining for it in allowances] == [5, 4, 3, 2, 1, 0, 0]
    assert [it.retry_after_s for it in allowances] == [0, 0, 0, 0, 0, 0, 10]
    assert allowances[5].reset_s == 60


def test_a_refused_request_does_not_make_the_next_wait_longer(limits, clock):
    for _ in range(20):
        limits.take(CREATE)
    clock.now_s += 10

    assert limits.take(CREATE).retry_after_s == 0
    assert limits.take(CREATE).retry_after_s == 10


def test_after_a_minute_all_of_it_is_there_again(limits, clock):
    for _ in range(6):
        limits.take(CREATE)
    clock.now_s += 60

    assert limits.take(CREATE).remaining == 5


def test_predictions_and_the_rest_are_counted_apart_and_so_are_tokens(limits):
    for _ in range(6):
        limits.take(CREATE)

    assert limits.take(asked()).remaining == 59
    assert limits.take(asked("POST", "/models/a/b/predictions")).retry_after_s == 10
    assert limits.take(asked("POST", "/predictions", token="two")).remaining == 5


def test_what_needs_no_token_is_not_counted(limits):
    for _ in range(100):
        assert limits.take(asked(token=None)).retry_after_s == 0


def test_unless_a_setting_says_so_nothing_is_limited(tmp_path):
    limits = RateLimits(HubSettings(data=tmp_path))

    assert limits.take(CREATE).remaining == 600
    assert limits.take(asked()).remaining == 3000
    assert all(not limits.take(asked()).retry_after_s for _ in range(5000))


def test_tokens_that_are_made_up_take_no_more_than_so_much_memory(limits):
    for number in range(MAX_BUCKETS + 10):
        limits.take(asked(token=str(number)))

    assert len(limits._full_at) == MAX_BUCKETS


async def test_the_answer_says_when_to_try_again(settings_of, tmp_path):
    settings = settings_of(tmp_path / "hub", requests_per_minute=2)
    async with open_hub(settings) as hub:
        await hub.accounts.create("alice")
        ask = Client(asgi(hub), await hub.accounts.create_token("alice"))

        answers = [await ask("GET", "/v1/account") for _ in range(3)]

    assert [it.status_code for it in answers] == [200, 200, 429]
    assert [it.headers["ratelimit-remaining"] for it in answers] == ["1", "0", "0"]
    refused = answers[2]
    assert refused.headers["retry-after"] == "30"
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json() == {
        "detail": "Request was throttled. Expected available in 30 seconds.",
        "status": 429,
        "code": "throttled",
        "retry_after": 30,
    }
