"""What clients do with predictions, and what the rows say at each step."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from coghub.database import attempts
from coghub.database.attempts import Batch
from coghub.database.predictions import Filter
from coghub.domain.errors import PredictionNotFound, QueueFull
from coghub.domain.prediction import Chunk, End, EventKind, Status
from coghub.domain.signals import Waiting
from coghub.predictions.predictions import Predictions

SUCCEEDED = End(Status.SUCCEEDED)


def waiting(prediction):
    return Waiting(
        prediction.id,
        prediction.account_id,
        prediction.version.key,
        prediction.created_at,
        prediction.attempt,
    )


async def assign(hub, prediction):
    return await hub.database.write(lambda c: attempts.assign(c, waiting(prediction)))


async def record(hub, prediction, attempt, **told):
    batch = Batch(**told)
    return await hub.database.write(
        lambda c: attempts.record(c, prediction.id, attempt, batch, hub.now())
    )


def text(content):
    return (EventKind.LOGS, content)


def chunk(value, index=None):
    return (EventKind.OUTPUT, Chunk(value, index))


async def test_a_prediction_grows_until_its_end_folds_it(hub, alice, order):
    made = await hub.predictions.create(alice, order)
    await assign(hub, made)
    await record(hub, made, 1, started_at=hub.now(), told=[text("a"), chunk("x", 0)])

    grown = await hub.predictions.get(alice, made.id)
    await record(hub, made, 1, told=[chunk("y", 1), text("b")], end=End(Status.SUCCEEDED))
    ended = await hub.predictions.get(alice, made.id)

    assert (made.status, made.output, made.logs) == (Status.STARTING, None, "")
    assert (grown.status, grown.output, grown.logs) == (Status.PROCESSING, ["x"], "a")
    assert (ended.status, ended.output, ended.logs) == (Status.SUCCEEDED, ["x", "y"], "ab")
    assert ended.metrics["total_time"] >= ended.metrics["predict_time"] >= 0
    assert (await hub.models.get(alice, "alice", "hello")).run_count == 1


async def test_what_comes_after_the_end_changes_nothing(hub, alice, order):
    made = await hub.predictions.create(alice, order)
    await assign(hub, made)
    canceled = await hub.predictions.cancel(alice, made.id)

    assert not await record(hub, made, 1, told=[chunk("late")], end=SUCCEEDED)
    assert await hub.predictions.get(alice, made.id) == canceled
    assert canceled.status is Status.CANCELED
    assert canceled.completed_at is not None


async def test_what_an_older_attempt_tells_changes_nothing(hub, alice, order):
    made = await hub.predictions.create(alice, order)
    await assign(hub, made)
    back = await hub.database.write(lambda c: attempts.give_back(c, made.id, 1, counts=True))
    await hub.database.write(lambda c: attempts.assign(c, back))

    assert not await record(hub, made, 1, told=[chunk("old")], end=SUCCEEDED)
    assert await record(hub, made, 2, told=[chunk("new")], end=SUCCEEDED)
    assert (await hub.predictions.get(alice, made.id)).output == "new"


async def test_a_prediction_is_given_to_one_instance_at_a_time(hub, alice, order):
    made = await hub.predictions.create(alice, order)

    assigned = await asyncio.gather(*(assign(hub, made) for _ in range(5)))

    assert [it is not None for it in assigned].count(True) == 1


async def test_an_attempt_that_died_is_given_back_once(hub, alice, order):
    made = await hub.predictions.create(alice, order)
    await assign(hub, made)
    back = await hub.database.write(lambda c: attempts.give_back(c, made.id, 1, counts=True))
    await hub.database.write(lambda c: attempts.assign(c, back))

    again = await hub.database.write(lambda c: attempts.give_back(c, made.id, 2, counts=True))

    assert again is None


async def test_an_attempt_that_told_output_is_not_given_back(hub, alice, order):
    made = await hub.predictions.create(alice, order)
    await assign(hub, made)
    await record(hub, made, 1, started_at=hub.now(), told=[chunk("x", 0)])

    back = await hub.database.write(lambda c: attempts.give_back(c, made.id, 1, counts=False))

    assert back is None


async def test_a_prediction_of_another_account_does_not_exist(hub, alice, bob, order):
    made = await hub.predictions.create(alice, order)

    for attempt in (hub.predictions.get, hub.predictions.cancel):
        with pytest.raises(PredictionNotFound):
            await attempt(bob, made.id)
    assert (await hub.predictions.get(alice, made.id)).status is Status.STARTING


async def test_canceling_what_has_ended_changes_nothing(hub, alice, order):
    made = await hub.predictions.create(alice, order)
    await assign(hub, made)
    await record(hub, made, 1, started_at=hub.now(), told=[chunk("x")], end=SUCCEEDED)

    assert (await hub.predictions.cancel(alice, made.id)).status is Status.SUCCEEDED


async def test_waiting_ends_with_the_prediction_or_the_time(hub, alice, order):
    made = await hub.predictions.create(alice, order)

    assert (await hub.predictions.wait(made, 0.01)).status is Status.STARTING

    hold = asyncio.ensure_future(hub.predictions.wait(made, 60))
    await hub.predictions.cancel(alice, made.id)
    assert (await hold).status is Status.CANCELED


async def test_an_end_before_anybody_waits_is_heard(hub, alice, order):
    with hub.signals.holding() as hold:
        made = await hub.predictions.create(alice, order, hold)
        await hub.predictions.cancel(alice, made.id)

        assert (await hub.predictions.held(made, hold, 60)).status is Status.CANCELED


async def test_who_waits_is_told_what_the_row_holds(hub, alice, order):
    with hub.signals.holding() as hold:
        made = await hub.predictions.create(alice, order, hold)
        await assign(hub, made)
        await record(hub, made, 1, started_at=hub.now(), told=[text("a"), chunk({"x": [1.5]}, 0)])
        end = End(Status.FAILED, "no", {"tokens": 3})
        recorded = await record(hub, made, 1, told=[chunk("y", 1), text("b")], end=end)
        hub.signals.ended(made.id, recorded.ended)

        held = await hub.predictions.held(made, hold, 60)

    assert held == await hub.predictions.find(made.id)
    assert (held.output, held.logs, held.error) == ([{"x": [1.5]}, "y"], "ab", "no")


async def test_following_tells_each_event_once_and_resumes(hub, alice, order):
    made = await hub.predictions.create(alice, order)
    await assign(hub, made)

    async def follow():
        return [(it.sequence, it.content) async for it in hub.predictions.follow(made)]

    following = asyncio.ensure_future(follow())
    for number in range(30):
        await record(hub, made, 1, told=[text(str(number))])
        hub.signals.changed(made.id)
    await record(hub, made, 1, end=SUCCEEDED)
    hub.signals.changed(made.id)

    assert await following == [(number + 1, str(number)) for number in range(30)]
    resumed = [event.sequence async for event in hub.predictions.follow(made, after=28)]
    assert resumed == [29, 30]


async def test_a_silent_prediction_gives_signs_of_life(hub, alice, order):
    made = await hub.predictions.create(alice, order)

    following = hub.predictions.follow(made, alive_s=0.001)

    assert await anext(following) is None
    await following.aclose()


async def test_pages_hold_each_prediction_once(hub, alice, bob, order):
    made = [(await hub.predictions.create(alice, order)).id for _ in range(7)]
    await hub.predictions.create(bob, order)
    pages = [await hub.predictions.page(alice, limit=3)]
    while pages[-1].next:
        pages.append(await hub.predictions.page(alice, cursor=pages[-1].next, limit=3))
    listed = [it.id for page in pages for it in page.items]

    assert sorted(listed) == sorted(made)


async def test_lists_are_cut_by_time(hub, alice, order):
    first = await hub.predictions.create(alice, order)
    second = await hub.predictions.create(alice, order)
    moment = second.created_at
    if first.created_at == moment:
        moment += timedelta(microseconds=1)

    since = (await hub.predictions.page(alice, Filter(created_after=moment))).items
    before = (await hub.predictions.page(alice, Filter(created_before=moment))).items

    assert {it.id for it in (*since, *before)} == {first.id, second.id}
    assert first.id in {it.id for it in before}


async def test_a_full_queue_refuses(hub, alice, bob, order):
    settings = replace(hub.settings, account_queue_limit=2, queue_limit=3)
    predictions = Predictions(
        hub.database,
        hub.catalog,
        hub.signals,
        hub.box,
        settings,
        hub.now,
        files=hub.prediction_files,
    )
    for account in (alice, alice, bob):
        await predictions.create(account, order)

    for account in (alice, bob):
        with pytest.raises(QueueFull, match="throttled"):
            await predictions.create(account, order)
