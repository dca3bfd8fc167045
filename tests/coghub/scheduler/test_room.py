"""Versions that want the same hardware: all of them get some of it, and none is thrown about."""

from dataclasses import replace

import pytest
from tests.coghub.scheduler.conftest import add_version, running

from coghub.domain.instance import Stage
from coghub.domain.prediction import Status
from coghub.scheduler import scaling
from coghub.scheduler.fleet import MOST_TURN, Fleet, Member


@pytest.fixture
async def timed(one_place, executor, clock):
    async with running(replace(one_place, now=clock), executor) as it:
        yield it


@pytest.fixture
async def other(hub, alice):
    return await add_version(hub, alice, "other")


def only(items):
    [item] = items
    return item


async def busy(it, account, order):
    made = await it.make(account, order)
    await it.until_status(made, Status.PROCESSING)
    return made


async def test_who_no_longer_wants_the_place_leaves_it_to_its_owner(
    timed, clock, alice, hello, other
):
    first = await busy(timed, alice, hello(do="wait"))
    member = only(timed.fleet)
    rival = await timed.make(alice, other(text="b"))
    clock.advance(2 * scaling.DRAIN_AFTER)
    timed.background.scheduler.wake()
    await timed.until(lambda: member.is_draining)

    await timed.hub.predictions.cancel(alice, rival.id)
    timed.executor.instances[0].may_go_on.set()
    await timed.end_of(first)

    assert (await timed.run(alice, hello(text="again"))).output == "again"
    assert len(timed.executor.instances) == 1


async def test_a_place_goes_to_whom_it_was_made_for(timed, clock, alice, hello, other):
    """Not back to those who wait for longer, whose instance has just left for it."""
    first = await busy(timed, alice, hello(do="wait"))
    older = [await timed.make(alice, hello(text=str(number))) for number in range(3)]
    rival = await timed.make(alice, other(text="b"))
    member = only(timed.fleet)
    clock.advance(2 * scaling.DRAIN_AFTER)
    timed.background.scheduler.wake()
    await timed.until(lambda: member.is_draining)
    timed.executor.instances[0].may_go_on.set()
    await timed.end_of(first)

    assert (await timed.end_of(rival)).output == "b"
    models = [it.spec.version.id for it in timed.executor.instances]
    assert models[1] == rival.version.id
    assert [(await timed.end_of(it)).output for it in older] == ["0", "1", "2"]


async def test_an_instance_may_serve_for_a_while_before_it_leaves(
    timed, clock, alice, hello, other
):
    """Else each start would serve one prediction."""
    timed.executor.may_start.clear()
    await timed.make(alice, other(text="first"))
    await timed.until(lambda: list(timed.fleet))
    waiting = await timed.make(alice, hello(text="x"))
    clock.advance(3 * scaling.DRAIN_AFTER)
    blocker = await timed.make(alice, other(do="wait"))
    timed.executor.may_start.set()
    await timed.until_status(blocker, Status.PROCESSING)
    await timed.background.scheduler.tick()
    member = only(it for it in timed.fleet if it.stage is Stage.READY)

    assert not member.is_draining

    clock.advance(MOST_TURN)
    await timed.background.scheduler.tick()
    assert member.is_draining
    timed.executor.instances[0].may_go_on.set()
    assert (await timed.end_of(waiting)).output == "x"


async def test_more_of_one_version_takes_no_others_only_place(
    one_place, executor, clock, alice, hello, other
):
    cpu = replace(one_place.hardware[0], capacity=2)
    two_places = replace(one_place, own_hardware=(cpu,), now=clock)
    async with running(two_places, executor) as it:
        modest = await busy(it, alice, other(do="wait"))
        await busy(it, alice, hello(do="wait"))
        for _ in range(5):
            await it.make(alice, hello(do="wait"))
        clock.advance(3 * scaling.DRAIN_AFTER)
        await it.background.scheduler.tick()

        assert [member.is_draining for member in it.fleet] == [False, False]
        assert (await it.hub.predictions.find(modest.id)).status is Status.PROCESSING


async def test_an_instance_that_nobody_wants_any_more_makes_room_on_its_way(
    timed, alice, hello, other
):
    """Its environment may take for ever to be made."""
    timed.executor.may_start.clear()
    made = await timed.make(alice, hello(text="a"))
    await timed.until(lambda: list(timed.fleet))
    await timed.hub.predictions.cancel(alice, made.id)
    rival = await timed.make(alice, other(text="b"))
    await timed.until(lambda: [it.entry.model for it in timed.fleet] == ["alice/other"])
    timed.executor.may_start.set()

    assert (await timed.end_of(rival)).output == "b"
    assert len(timed.executor.instances) == 1


async def test_a_second_instance_that_fails_is_not_started_again_and_again(
    hub, executor, clock, alice, hello
):
    async with running(replace(hub, now=clock), executor) as it:
        await busy(it, alice, hello(do="wait"))
        executor.fails_to_start = True
        await it.make(alice, hello(text="x"))
        clock.advance(2 * scaling.SCALE_UP_AFTER)
        starts = []
        start = executor.start

        async def counted(spec, tell):
            starts.append(spec.id)
            return await start(spec, tell)

        executor.start = counted
        for _ in range(5):
            await it.background.scheduler.tick()
            await it.until(lambda: len(list(it.fleet)) == 1)

        assert len(starts) == 1

        clock.advance(2 * scaling.SCALE_UP_AGAIN_AFTER)
        await it.background.scheduler.tick()
        await it.until(lambda: len(starts) == 2)


async def test_a_key_may_be_any_text(hub, alice, hello):
    made = await hub.predictions.create(alice, hello())
    entry = await hub.catalog.get(made.version.key)
    fleet = Fleet(hub.hardware)
    fleet.add(Member("i", entry, "cpu", None, 1, hub.now()))

    assert fleet.by_key("é\udcff") is None
