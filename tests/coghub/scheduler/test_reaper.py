"""The clocks."""

from datetime import timedelta

import pytest

from coghub.database import hubs as hub_rows
from coghub.domain.clock import utc_now
from coghub.domain.prediction import End, Status
from coghub.scheduler.reaper import Reaper


@pytest.fixture
def reaper(hub):
    def later():
        return utc_now() + timedelta(hours=2)

    return Reaper(
        hub.database,
        hub.predictions,
        later,
        queue_timeout_s=3600,
        run_timeout_s=60,
        training_timeout_s=7200,
    )


async def test_who_waited_for_too_long_fails(hub, alice, hello, reaper):
    made = await hub.predictions.create(alice, hello())

    assert await reaper.tick() == 1
    assert await reaper.tick() == 0

    ended = await hub.predictions.find(made.id)
    assert (ended.status, "waited for longer than 3600 s" in ended.error) == (Status.FAILED, True)


async def test_one_that_cannot_be_ended_keeps_no_other_from_its_end(
    hub, alice, hello, reaper, monkeypatch
):
    made = [await hub.predictions.create(alice, hello()) for _ in range(3)]
    end = hub.predictions.end

    async def broken(prediction_id, how):
        if prediction_id == made[0].id:
            raise ValueError("its row is damaged")
        return await end(prediction_id, how)

    monkeypatch.setattr(hub.predictions, "end", broken)

    assert await reaper.tick() == 2
    left = await hub.database.read(hub_rows.waiting)
    assert [it.id for it in left] == [made[0].id]


async def test_a_clock_that_is_set_back_makes_no_end_before_the_beginning(
    hub, alice, hello, monkeypatch
):
    made = await hub.predictions.create(alice, hello())
    monkeypatch.setattr(hub.predictions, "_now", lambda: utc_now() - timedelta(hours=1))

    await hub.predictions.end(made.id, End(Status.CANCELED))

    ended = await hub.predictions.find(made.id)
    assert ended.completed_at == made.created_at
    assert ended.metrics["total_time"] == 0
