"""What happens on the way is told as it is by then, not too often, and once."""

import json
from datetime import UTC, datetime

import anyio
import pytest

from coghub.accounts.webhook_secret import WebhookSecrets
from coghub.database.attempts import Batch
from coghub.database.webhooks import Attempt
from coghub.domain.prediction import Chunk, End, EventKind, Status, WebhookEvent
from coghub.scheduler.progress import Progress, Receiver, receiver
from coghub.scheduler.webhooks import PER_RECEIVER, Caller, Shown

PATIENCE_S = 30.0
START = Batch(started_at=datetime.now(UTC))
LOGS = Batch(told=[(EventKind.LOGS, "text")])
OUTPUT = Batch(told=[(EventKind.OUTPUT, Chunk("text", 0))])
END = Batch(end=End(Status.SUCCEEDED))
EVERYTHING = ["start", "output", "logs", "completed"]


class Poster:
    """Keeps what is posted; answers once its gate is open."""

    def __init__(self):
        self.bodies = []
        self.ids = []
        self.gate = anyio.Event()
        self.gate.set()

    async def post(self, url, body, headers):
        self.bodies.append(json.loads(body))
        self.ids.append(headers["webhook-id"])
        await self.gate.wait()
        return Attempt(None, "nobody there")


class World:
    """One prediction that goes on while it is being told of."""

    def __init__(self, hub):
        self.poster = Poster()
        self.shown = Shown(b'{"n":1}', is_ended=False)
        secrets = WebhookSecrets(hub.database, hub.box)
        caller = Caller(secrets, self.show, self.poster, lambda: datetime.now(UTC))
        self.progress = Progress(caller, throttle_s=0)
        self.account_id = 1

    async def show(self, prediction_id):
        if isinstance(self.shown, Exception):
            raise self.shown
        return self.shown

    def now_is(self, number, *, is_ended=False):
        self.shown = Shown(b'{"n":%d}' % number, is_ended)

    def tell(self, batch, events=EVERYTHING, prediction_id="p"):
        found = receiver(prediction_id, self.account_id, "http://site.example/hook", events)
        if found is not None:
            self.progress.on_batch(found, batch)

    async def told(self):
        with anyio.fail_after(PATIENCE_S):
            await self.progress.idle()
        return [body["n"] for body in self.poster.bodies]


@pytest.fixture
async def world(hub, alice):
    world = World(hub)
    world.account_id = alice.id
    yield world
    await world.progress.stop()


@pytest.mark.parametrize(("batch", "event"), [(START, "start"), (OUTPUT, "output"), (LOGS, "logs")])
async def test_each_event_is_told_to_those_who_asked_for_it(world, batch, event):
    world.tell(batch, [it for it in EVERYTHING if it != event])
    assert await world.told() == []

    world.tell(batch, [event])
    assert await world.told() == [1]


async def test_outputs_are_told_where_nothing_was_asked_for(world):
    for batch in (START, LOGS, OUTPUT):
        world.tell(batch, None)
        await world.told()

    assert await world.told() == [1]


def test_nobody_hears_without_url_or_of_the_end():
    assert receiver("p", 1, None, None) is None
    assert receiver("p", 1, "", ["output"]) is None
    assert receiver("p", 1, "http://site.example", ["completed"]) is None
    assert receiver("p", 1, "http://site.example", None) == Receiver(
        "p", 1, "http://site.example", frozenset({WebhookEvent.OUTPUT})
    )


async def test_what_happens_during_a_call_is_told_once_afterwards(world):
    world.poster.gate = anyio.Event()
    world.tell(OUTPUT)
    with anyio.fail_after(PATIENCE_S):
        while not world.poster.bodies:
            await anyio.lowlevel.checkpoint()
    for number in range(2, 50):
        world.now_is(number)
        world.tell(OUTPUT)
        world.tell(LOGS)
    world.poster.gate.set()

    assert await world.told() == [1, 49]
    assert len(set(world.poster.ids)) == 2


async def test_what_is_not_taken_is_not_sent_again(world):
    world.tell(OUTPUT)

    assert await world.told() == [1]
    assert await world.told() == [1]


async def test_what_comes_with_the_end_is_left_to_the_call_about_the_end(world):
    world.tell(Batch(told=OUTPUT.told + LOGS.told, end=END.end))

    assert await world.told() == []


async def test_a_start_is_told_even_of_what_has_ended(world):
    world.now_is(1, is_ended=True)
    world.tell(Batch(started_at=START.started_at, told=OUTPUT.told, end=END.end))

    assert await world.told() == [1]


async def test_an_output_is_not_told_of_what_has_ended_meanwhile(world):
    world.now_is(2, is_ended=True)
    world.tell(OUTPUT)

    assert await world.told() == []


async def test_nothing_is_told_of_what_is_gone(world):
    world.shown = None
    world.tell(START)

    assert await world.told() == []


async def test_a_receiver_is_called_for_few_predictions_at_once(world):
    world.poster.gate = anyio.Event()
    for number in range(PER_RECEIVER * 3):
        world.tell(START, prediction_id=f"p{number}")
    with anyio.fail_after(PATIENCE_S):
        while len(world.poster.bodies) < PER_RECEIVER:
            await anyio.lowlevel.checkpoint()
        await anyio.wait_all_tasks_blocked()
    assert len(world.poster.bodies) == PER_RECEIVER
    world.poster.gate.set()

    assert len(await world.told()) == PER_RECEIVER * 3
    assert world.progress._telling == {}


async def test_a_failure_to_show_it_does_not_end_the_telling(world):
    shown, world.shown = world.shown, OSError("disk")
    world.tell(OUTPUT)
    assert await world.told() == []

    world.shown = shown
    world.tell(OUTPUT)

    assert await world.told() == [1]
