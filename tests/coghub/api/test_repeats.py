"""A request that a client repeats makes what it asks for once; two equal requests make two."""

import asyncio
import json

import anyio
import pytest
from tests.coghub.api.test_trainings import TRAINER

from coghub.api.repeats import ANSWERED_S, LOST, MEMORY_S, MOST, REPEATED, Attempt, Repeats
from coghub.database.predictions import Filter

VERSION = "a" * 64
PREDICT = ("/v1/predictions", {"version": VERSION, "input": {"text": "a"}})
TRAIN = (
    f"/v1/models/alice/open/versions/{VERSION}/trainings",
    {"destination": "alice/tuned", "input": {"steps": 1}},
)


class Asking:
    """Sends requests of one account, with a say in what becomes of their connections."""

    def __init__(self, app, token):
        self.app = app
        self.token = token

    async def __call__(self, call, count=0, *, prefer="", leaves=False, lost=None, **other):
        """Return the id that is answered; None where the client left, or where it was refused."""
        path, body = call
        headers = {"authorization": self.token, "host": "hub.test", "prefer": prefer}
        headers |= {} if count is None else {REPEATED: str(count)}
        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "query_string": b"",
            "scheme": "http",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "extensions": {LOST: lost or asyncio.Event()},
        }
        content = json.dumps({**body, **other}).encode()
        messages = [{"type": "http.request", "body": content, "more_body": False}]
        sent = []

        async def receive():
            if messages:
                return messages.pop()
            if not leaves:
                await asyncio.sleep(60)
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)

        with anyio.fail_after(20):
            await self.app(scope, receive, send)
        answer = json.loads(b"".join(it.get("body", b"") for it in sent))
        return None if leaves else answer.get("id")


@pytest.fixture
async def ask(app, as_alice, hub, alice, public_model, push):
    await push(public_model, schema=TRAINER)
    await hub.models.create(alice, "alice", "tuned")
    return Asking(app, as_alice.http.headers["authorization"])


@pytest.fixture
def made(hub, alice):
    """Return the ids of all that was made."""

    async def ids():
        pages = [
            await hub.predictions.page(alice, Filter(is_training=it), None) for it in (True, False)
        ]
        return [prediction.id for page in pages for prediction in page.items]

    return ids


@pytest.fixture(params=[PREDICT, TRAIN], ids=["prediction", "training"])
def call(request):
    return request.param


@pytest.mark.parametrize("prefer", ["", "wait"])
async def test_who_left_before_the_answer_and_asks_again_gets_the_same(ask, made, call, prefer):
    await ask(call, prefer=prefer, leaves=True)
    await ask(call, 1, prefer=prefer, leaves=True)
    answered = await ask(call, 2)

    assert await made() == [answered]


async def test_an_answer_that_was_lost_with_its_connection_is_given_again(ask, made, call):
    lost = asyncio.Event()
    first = await ask(call, lost=lost)
    lost.set()

    assert await ask(call, 1) == first
    assert await made() == [first]


async def test_who_was_answered_and_asks_again_gets_another(ask, made, call):
    answered = [await ask(call), await ask(call), await ask(call, 1)]

    assert sorted(await made()) == sorted(answered)
    assert len(set(answered)) == 3


async def test_each_of_two_that_were_left_is_given_once(ask, made, call):
    for _ in range(2):
        await ask(call, leaves=True)

    answered = {await ask(call, 1), await ask(call, 1)}

    assert set(await made()) == answered
    assert len(answered) == 2
    assert await ask(call, 1) not in answered


@pytest.mark.parametrize(
    "other", [{"input": {"text": "b", "steps": 2}}, {"webhook": "https://a.example/"}]
)
async def test_another_request_is_no_repeated_one(ask, made, call, other):
    await ask(call, leaves=True)
    await ask(call, 1, **other)

    assert len(await made()) == 2


@pytest.mark.parametrize("count", [None, 0])
async def test_clients_that_do_not_say_that_they_repeat_get_another(ask, made, call, count):
    await ask(call, count, leaves=True)
    await ask(call, count)

    assert len(await made()) == 2


async def test_others_do_not_get_it(ask, app, as_bob, hub, alice, made):
    await ask(PREDICT, leaves=True)
    [first] = await made()

    by_bob = await Asking(app, as_bob.http.headers["authorization"])(PREDICT, 1)

    assert by_bob not in {None, first}


async def test_what_was_refused_is_tried_again(ask, made, call):
    assert await ask(call, input={"count": "x"}, leaves=True) is None
    assert await ask(call, 1) is not None

    assert len(await made()) == 1


class FakeRequest:
    """As much of a request as is looked at."""

    def __init__(self, count):
        self.headers = {REPEATED: str(count)}
        self.scope = {"extensions": {LOST: asyncio.Event()}}
        self.url = self
        self.path = "/"

    async def receive(self):
        await asyncio.sleep(60)


@pytest.fixture
def now():
    return [1000.0]


@pytest.fixture
def repeats(now):
    return Repeats(lambda: now[0])


async def attempted(repeats, alice, count, *, tells=None, body=None):
    """Return what an attempt is told, and its connection."""
    request = FakeRequest(count)
    async with repeats.attempt(request) as attempt:
        found = await repeats.earlier(attempt, alice, body)
        if tells:
            attempt.tell(tells)
    return found, request.scope["extensions"][LOST]


@pytest.mark.parametrize(("passed_s", "found"), [(ANSWERED_S - 1, "one"), (ANSWERED_S + 1, None)])
async def test_a_lost_answer_is_given_again_soon_only(repeats, now, alice, passed_s, found):
    _, lost = await attempted(repeats, alice, 0, tells="one")
    lost.set()
    now[0] += passed_s

    assert (await attempted(repeats, alice, 1))[0] == found


async def test_a_repeated_request_waits_for_one_that_is_still_being_made(repeats, alice):
    """As while the database is away: the client has long asked again when it is back."""
    request = FakeRequest(0)
    async with repeats.attempt(request) as attempt:
        request.receive = lambda: asyncio.sleep(0, {"type": "http.disconnect"})
        await repeats.earlier(attempt, alice, None)
        await attempt.gone()
        again = asyncio.create_task(attempted(repeats, alice, 1))
        await asyncio.sleep(0.05)
        assert not again.done()
        attempt.tell("one")

    assert (await again)[0] == "one"


async def test_an_error_after_the_making_makes_nothing_twice(repeats, alice):

    async def failing():
        async with repeats.attempt(FakeRequest(0)) as attempt:
            await repeats.earlier(attempt, alice, None)
            attempt.tell("one")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await failing()

    assert (await attempted(repeats, alice, 1))[0] == "one"


async def test_memory_is_bounded_in_number_and_time(repeats, now, alice):
    for number in range(MOST + 9):
        await attempted(repeats, alice, 0, tells="one", body=number)
    assert len(repeats._attempts) == MOST
    assert len(repeats._by_key) == MOST

    now[0] += MEMORY_S + 1
    await attempted(repeats, alice, 0, tells="one")

    assert len(repeats._attempts) == len(repeats._by_key) == 1
    assert isinstance(next(iter(repeats._attempts)), Attempt)
