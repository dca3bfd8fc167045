"""What ended is summed up by day, account, model and hardware, and stays."""

from datetime import UTC, date, datetime, timedelta

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import delete, text
from tests.coghub.pushed import register_version

from coghub.database import attempts
from coghub.database.attempts import Batch
from coghub.database.database import SqliteDatabase
from coghub.database.migrate import SCRIPTS, migrate
from coghub.database.models import PushedVersion
from coghub.database.schema import predictions
from coghub.database.usage import UsageQuery, usage
from coghub.domain.prediction import End, Status
from coghub.domain.signals import Waiting
from coghub.predictions.predictions import Order

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = NOON.date()
ALL = ("day", "account", "model", "hardware")
SCHEMA = {"components": {"schemas": {"Input": {"type": "object"}, "Output": {}}}}


@pytest.fixture
async def order(hub, alice):
    model = await hub.models.create(alice, "alice", "paint")
    version = PushedVersion("a" * 64, "0.23.1", SCHEMA, {}, is_bundle=True)
    version = await register_version(hub, model, version)
    return Order(model, version, {}, "http://hub.example")


@pytest.fixture
def run(hub, order):
    """Run a prediction for so long, up to a moment."""

    async def done(account, *, seconds=2, until=NOON, status=Status.SUCCEEDED):
        made = await hub.predictions.create(account, order)
        began = until - timedelta(seconds=seconds)
        await hub.database.write(
            lambda c: c.execute(
                predictions.update().where(predictions.c.id == made.id).values(created_at=began)
            )
        )
        waiting = Waiting(made.id, account.id, order.version.key, made.created_at)
        await hub.database.write(lambda c: attempts.assign(c, waiting, "gpu-h100"))
        batch = Batch(started_at=began, end=End(status))
        await hub.database.write(lambda c: attempts.record(c, made.id, 1, batch, until))

    return done


@pytest.fixture
def sums(hub):
    async def read(*group, account_id=None, first=DAY, last=DAY):
        wanted = UsageQuery(first, last, group, account_id)
        rows = await hub.database.read(lambda c: usage(c, wanted, limit=100))
        return [tuple(row.values()) for row in rows]

    return read


async def test_ends_are_summed_up(run, sums, alice, bob):
    await run(alice)
    await run(alice, seconds=3, status=Status.FAILED)
    await run(bob, until=NOON + timedelta(days=1))
    day = (NOON.date() - date(1970, 1, 1)).days

    assert await sums(*ALL) == [(day, "alice", "alice/paint", "gpu-h100", 2, 1, 0, 5_000_000)]
    later = NOON.date() + timedelta(days=1)
    assert await sums("account", last=later) == [
        ("alice", 2, 1, 0, 5_000_000),
        ("bob", 1, 0, 0, 2_000_000),
    ]
    assert await sums(last=later, account_id=bob.id) == [(1, 0, 0, 2_000_000)]


async def test_without_ends_there_are_no_sums(sums):
    assert await sums() == []
    assert await sums("model") == []


async def test_what_is_canceled_while_it_waits_has_no_hardware(hub, order, sums, alice):
    prediction = await hub.predictions.create(alice, order)
    await hub.predictions.cancel(alice, prediction.id)
    today = hub.now().date()

    assert await sums("hardware", first=today, last=today) == [("", 1, 0, 1, 0)]


async def test_sums_outlive_predictions_and_their_model(hub, run, sums, alice):
    await run(alice)
    await hub.deletion.delete_version(alice, "alice", "paint", "a" * 64)
    await hub.deletion.purge()
    await hub.deletion.delete_model(alice, "alice", "paint")

    assert await sums("model") == [("alice/paint", 1, 0, 0, 2_000_000)]


BEFORE = (
    "INSERT INTO accounts (id, name, is_admin, created_at) VALUES (1, 'alice', false, 0)",
    """INSERT INTO models (id, owner_id, name, visibility, run_count, created_at)
       VALUES (1, 1, 'paint', 'private', 3, 0)""",
    """INSERT INTO versions
           (key, id, model_id, cog_version, openapi_schema, config, is_bundle, created_at)
       VALUES (1, 'a', 1, '0.23.1', '{}', '{}', true, 0)""",
)
PREDICTION = """
    INSERT INTO predictions
        (id, account_id, model_id, version_key, status, source, input, logs, base_url, stream_key,
         attempt, failed_attempts, is_data_removed, is_inline, created_at, started_at, completed_at)
    VALUES (:id, 1, 1, 1, :status, 'api', '{}', '', '', :id, 1, 0, false, false, 0, :began, :ended)
"""
DAY_US = 24 * 3600 * 1_000_000


async def test_what_ended_before_there_were_sums_is_counted(tmp_path):
    """A database of an older version gets its sums when it is migrated."""
    ends = [("a", "succeeded", 1, 5), ("b", "canceled", None, 9), ("c", "processing", 1, None)]
    ends.append(("d", "failed", DAY_US, DAY_US + 7))

    def older(connection):
        connection.execute(text("SELECT 1"))  # else alembic ends the transaction itself
        config = Config()
        config.set_main_option("script_location", str(SCRIPTS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")

    def fill(connection):
        for statement in BEFORE:
            connection.execute(text(statement))
        for name, status, began, ended in ends:
            given = {"id": name, "status": status, "began": began, "ended": ended}
            connection.execute(text(PREDICTION), given)

    wanted = UsageQuery(date(1970, 1, 1), date(1970, 1, 2), ALL)
    database = SqliteDatabase(tmp_path / "old.db")
    for change in (older, fill, migrate):
        await database.write(change)
    rows = await database.read(lambda c: usage(c, wanted, limit=9))
    await database.close()
    sums = [tuple(row.values()) for row in rows]

    assert sums == [
        (0, "alice", "alice/paint", "", 2, 0, 1, 4),
        (1, "alice", "alice/paint", "", 1, 1, 0, 7),
    ]


async def test_nothing_is_counted_twice(hub, run, sums, alice):
    await run(alice)
    await hub.database.write(lambda c: c.execute(delete(predictions)))
    await run(alice)

    assert await sums() == [(2, 0, 0, 4_000_000)]
