"""What has been kept long enough is removed, and nothing else."""

from datetime import timedelta

import pytest
from played_prediction import Play
from sqlalchemy import event
from tests.coghub.pushed import register_version

from coghub.database import retention as rows
from coghub.database.models import PushedVersion
from coghub.database.predictions import Filter
from coghub.domain.clock import utc_now
from coghub.domain.errors import FileNotFound
from coghub.domain.prediction import Status
from coghub.files.inline import InlineFiles
from coghub.opening import open_hub
from coghub.predictions.predictions import Order
from coghub.scheduler.retention import Retention

LARGE = "data:text/plain," + "x" * 100_000


class Clock:
    def __init__(self):
        self.moment = utc_now()

    def __call__(self):
        return self.moment


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def hub(settings_of, tmp_path, clock):
    async with open_hub(settings_of(tmp_path / "kept"), now=clock) as opened:
        yield opened


@pytest.fixture
def retention(hub, clock):
    return Retention(
        hub.database,
        hub.files,
        hub.prediction_files,
        hub.removal,
        hub.deletion,
        clock,
        retention_s=3600,
    )


@pytest.fixture
async def model(hub, alice):
    await hub.models.create(alice, "alice", "hello")
    model = await hub.models.get(alice, "alice", "hello")
    await register_version(hub, model, PushedVersion("a" * 64, "0.23", {}, {}, is_bundle=True))
    return await hub.models.get(alice, "alice", "hello")


@pytest.fixture
def play(hub, alice, model):
    """Make a prediction with a file as input, a file as output, and logs."""

    async def played(*, is_ended=True):
        order = Order(model, model.latest_version, {"file": LARGE}, "http://hub.test")
        made = await hub.predictions.create(alice, order)
        play = await Play(hub, made.id).start()
        await play.log("said")
        await play.output(await play.file())
        if is_ended:
            await play.end()
        return made

    return played


async def test_data_is_removed_an_hour_after_the_end(hub, clock, retention, play, tmp_path):
    made = await play()
    clock.moment += timedelta(minutes=59)
    assert await retention.tick() == 0
    assert (await hub.predictions.find(made.id)).logs == "said"
    clock.moment += timedelta(minutes=2)

    assert await retention.tick() == 1

    left = await hub.predictions.find(made.id)
    assert (left.input, left.output, left.logs) == ({}, None, "")
    assert left.is_data_removed
    assert left.status is Status.SUCCEEDED
    assert left.metrics
    assert list((tmp_path / "kept/storage/objects/prediction-files").iterdir()) == []
    assert [event async for event in hub.predictions.follow(left)] == []
    assert await retention.tick() == 0


@pytest.mark.sqlite_only
async def test_old_predictions_without_data_are_not_looked_at(hub):
    """A hub may have a million of them, and asks every half a minute."""
    statements = []

    def plan(connection):
        event.listen(connection, "before_cursor_execute", remember, retval=False)
        rows.outdated(connection, utc_now(), limit=100)
        event.remove(connection, "before_cursor_execute", remember)
        statement, parameters = statements[0]
        return connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()

    def remember(_connection, _cursor, statement, parameters, _context, _many):
        statements.append((statement, parameters))

    steps = [step for *_, step in await hub.database.read(plan)]

    assert "USING INDEX ix_predictions_kept" in steps[0]
    assert not any(step.startswith("SCAN predictions") for step in steps)


async def test_what_has_not_ended_keeps_its_data(hub, clock, retention, play):
    made = await play(is_ended=False)
    clock.moment += timedelta(days=3)

    assert await retention.tick() == 0
    assert (await hub.predictions.find(made.id)).logs == "said"


async def test_many_are_removed_in_one_tick(hub, alice, model, clock, retention):
    order = Order(model, model.latest_version, {}, "http://hub.test")
    for _ in range(205):
        made = await hub.predictions.create(alice, order)
        await hub.predictions.cancel(alice, made.id)
    clock.moment += timedelta(hours=2)

    assert await retention.tick() == 205
    page = await hub.predictions.page(alice, Filter(), None)
    assert all(prediction.is_data_removed for prediction in page.items)


async def test_a_file_whose_prediction_never_was_is_removed(hub, clock, retention):
    inline = InlineFiles(hub.prediction_files)
    await inline.taken_out(LARGE)
    clock.moment += timedelta(minutes=30)
    await retention.tick()
    assert await hub.prediction_files.find(inline.keys[0])
    clock.moment += timedelta(hours=1)

    await retention.tick()

    with pytest.raises(FileNotFound):
        await hub.prediction_files.find(inline.keys[0])


async def test_a_deleted_version_is_purged(hub, alice, clock, retention, play, tmp_path):
    made = await play()
    await hub.deletion.delete_version(alice, "alice", "hello", "a" * 64)

    await retention.tick()

    page = await hub.predictions.page(alice, Filter(), None)
    assert made.id not in {prediction.id for prediction in page.items}
    assert list((tmp_path / "kept/storage/objects/prediction-files").iterdir()) == []
