"""Instances of deployments: kept warm, never too many, and changed with their release."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.coghub.scheduler.conftest import add_version, running

from coghub.deployments.deployments import Deployments
from coghub.deployments.room import KeptRoom
from coghub.domain.deployment import Configuration
from coghub.domain.errors import InputRejected, VersionNotPermitted
from coghub.domain.prediction import Status
from coghub.scheduler import deployed, scaling


@pytest.fixture
def places(hub, clock, greeter):
    """Return the hub with room for so many instances; the deployment is one of it."""

    def with_places(count):
        cpu = replace(hub.hardware[0], capacity=count)
        deployments = Deployments(
            hub.database, hub.models, KeptRoom(lambda: (cpu,)), hub.signals, clock
        )
        greeter.hub = replace(hub, own_hardware=(cpu,), now=clock, deployments=deployments)
        return greeter.hub

    return with_places


class Greeter:
    """A deployment under test."""

    def __init__(self, hub, account, order):
        self.hub = hub
        self.account = account
        self.order = order

    async def create(self, least, most):
        order = self.order()
        return await self.hub.deployments.create(
            self.account,
            "greeter",
            model=order.model.full_name,
            version_id=order.version.id,
            configuration=Configuration("cpu", least, most),
        )

    async def change(self, **fields):
        return await self.hub.deployments.change(self.account, self.account.name, "greeter", fields)

    async def __call__(self, **given):
        """Return what orders a prediction by it."""
        target = await self.hub.deployments.target(self.account, self.account.name, "greeter")
        order = replace(self.order(**given), deployment=target.deployment)
        return replace(order, model=target.model, version=target.version)


@pytest.fixture
async def greeter(hub, admin, hello_of_admin):
    return Greeter(hub, admin, hello_of_admin)


@pytest.fixture
async def admin(hub):
    await hub.accounts.create("root", is_admin=True)
    return await hub.accounts.get("root")


@pytest.fixture
async def hello_of_admin(hub, admin):
    return await add_version(hub, admin, "hello")


@pytest.fixture
async def other(hub, alice):
    return await add_version(hub, alice, "other")


@asynccontextmanager
async def ticking(hub, executor):
    async with running(hub, executor) as it:
        it.tick = it.background.scheduler.tick
        yield it


def ready(it):
    return [member for member in it.fleet if member.is_ready]


async def test_instances_are_kept_though_nobody_asks(places, executor, greeter, clock):
    async with ticking(places(3), executor) as it:
        await greeter.create(2, 3)
        await it.until(lambda: len(ready(it)) == 2)

        clock.advance(timedelta(days=1))
        await it.tick()

        assert len(ready(it)) == 2
        assert len(executor.instances) == 2


async def test_more_than_are_kept_leave_when_they_are_idle(places, executor, greeter, clock):
    async with ticking(places(3), executor) as it:
        await greeter.create(1, 2)
        await it.until(lambda: len(ready(it)) == 1)
        blocker = await it.make(greeter.account, await greeter(do="wait"))
        await it.until_status(blocker, Status.PROCESSING)
        second = await it.make(greeter.account, await greeter(text="b"))
        clock.advance(2 * scaling.SCALE_UP_AFTER)
        await it.end_of(second)
        executor.instances[0].may_go_on.set()
        await it.end_of(blocker)
        await it.until(lambda: all(member.is_idle for member in it.fleet))

        clock.advance(timedelta(days=1))
        await it.tick()
        await it.until(lambda: len(list(it.fleet)) == 1)
        await it.tick()
        assert len(ready(it)) == 1


async def test_there_are_never_more_than_the_limit(places, executor, greeter, clock):
    async with ticking(places(9), executor) as it:
        await greeter.create(0, 2)
        made = [await it.make(greeter.account, await greeter(do="wait")) for _ in range(6)]
        for _ in range(10):
            clock.advance(2 * scaling.SCALE_UP_AFTER)
            await it.tick()
            await asyncio.sleep(0)
            assert len(list(it.fleet)) <= 2
        await it.until(lambda: len(ready(it)) == 2)

        for instance in executor.instances:
            instance.may_go_on.set()
        ended = [await it.end_of(each) for each in made]
        assert {each.status for each in ended} == {Status.SUCCEEDED}
        assert len(executor.instances) == 2


async def test_others_of_the_version_do_not_take_its_slots(places, executor, greeter):
    async with ticking(places(2), executor) as it:
        await greeter.create(1, 1)
        await it.until(lambda: len(ready(it)) == 1)

        await it.run(greeter.account, greeter.order(text="a"))

        assert len(executor.instances) == 2
        assert executor.instances[0].ran == []


async def test_a_kept_instance_makes_no_room_for_others(
    places, executor, greeter, alice, other, clock
):
    async with ticking(places(1), executor) as it:
        await greeter.create(1, 1)
        await it.until(lambda: len(ready(it)) == 1)
        waiting = await it.make(alice, other(text="b"))
        clock.advance(timedelta(minutes=1))
        await it.tick()
        await it.tick()

        assert [member.is_draining for member in it.fleet] == [False]

        await greeter.change(min_instances=0)
        assert (await it.end_of(waiting)).output == "b"


async def test_a_kept_instance_takes_the_place_of_one_that_is_idle(
    places, executor, greeter, alice, other
):
    async with ticking(places(1), executor) as it:
        await it.run(alice, other(text="b"))
        await greeter.create(1, 1)

        await it.until(lambda: [each.deployment_id for each in ready(it)] == [1])


async def test_a_release_of_another_version_takes_over(places, executor, greeter, hub):
    newer = await add_version(hub, greeter.account, "newer")
    order = newer()
    async with ticking(places(3), executor) as it:
        await greeter.create(1, 1)
        await it.until(lambda: len(ready(it)) == 1)
        old = await it.make(greeter.account, await greeter(do="wait"))
        await it.until_status(old, Status.PROCESSING)

        await greeter.change(model=order.model.full_name, version=order.version.id)
        new = await it.make(greeter.account, await greeter(text="new"))
        assert (await it.hub.predictions.find(old.id)).status is Status.PROCESSING
        executor.instances[0].may_go_on.set()

        assert (await it.end_of(old)).output == "waited"
        assert (await it.end_of(new)).version.id == order.version.id
        assert len(executor.instances) == 2


async def test_who_waits_for_an_older_release_is_served(places, executor, greeter, hub, clock):
    """Though instances of the newer one fill the limit."""
    newer = await add_version(hub, greeter.account, "newer")
    order = newer()
    async with ticking(places(3), executor) as it:
        await greeter.create(0, 1)
        earlier = await greeter(text="old")
        await greeter.change(model=order.model.full_name, version=order.version.id)
        await it.run(greeter.account, await greeter(text="new"))

        assert (await it.run(greeter.account, earlier)).output == "old"


async def test_one_that_is_switched_off_fails_who_waits(places, executor, greeter):
    executor.may_start.clear()
    async with ticking(places(3), executor) as it:
        await greeter.create(0, 1)
        made = await it.make(greeter.account, await greeter(text="a"))
        await it.until(lambda: list(it.fleet))
        await greeter.change(max_instances=0)

        ended = await it.end_of(made)
        assert (ended.status, ended.error) == (Status.FAILED, "The deployment is switched off")
        await it.until(lambda: not list(it.fleet))


async def test_what_is_deleted_leaves_no_instance(places, executor, greeter):
    async with ticking(places(3), executor) as it:
        await greeter.create(1, 1)
        await it.until(lambda: len(ready(it)) == 1)
        await greeter.change(min_instances=0)
        await it.hub.deployments.delete(greeter.account, "root", "greeter")

        await it.until(lambda: not list(it.fleet))


async def test_one_that_cannot_start_is_not_tried_for_ever(places, executor, greeter, clock):
    executor.fails_to_start = True
    starts = []
    start = executor.start

    async def counted(spec, tell):
        starts.append(spec.id)
        return await start(spec, tell)

    executor.start = counted
    async with ticking(places(3), executor) as it:
        await greeter.create(1, 1)
        await it.until(lambda: starts and not list(it.fleet))
        for _ in range(5):
            await it.tick()

        assert len(starts) == 1

        clock.advance(2 * deployed.KEEP_AGAIN_AFTER)
        await it.tick()
        await it.until(lambda: len(starts) == 2)


async def test_after_a_restart_kept_instances_are_there_again(places, executor, greeter):
    hub = places(3)
    async with ticking(hub, executor) as it:
        await greeter.create(1, 1)
        await it.until(lambda: len(ready(it)) == 1)
        blocked = await it.make(greeter.account, await greeter(do="wait"))
        await it.until_status(blocked, Status.PROCESSING)
    async with ticking(hub, executor) as it:
        await it.until(lambda: len(ready(it)) == 1)
        executor.instances[-1].may_go_on.set()

        ended = await it.end_of(blocked)
        assert (ended.output, ended.deployment) == ("waited", "greeter")
        assert len(executor.instances) == 2


async def test_nothing_is_kept_of_a_model_that_is_not_shared_any_more(
    places, executor, alice, bob, hello, clock
):
    model = hello().model
    guest = Greeter(places(3), bob, hello)
    async with ticking(guest.hub, executor) as it:
        await it.hub.sharing.add(model, "bob")
        await guest.create(1, 1)
        await it.until(lambda: len(ready(it)) == 1)

        await it.hub.sharing.remove(model, "bob")
        with pytest.raises(VersionNotPermitted):
            await guest()
        clock.advance(timedelta(days=1))
        it.background.scheduler.wake()
        await it.until(lambda: not list(it.fleet))
        await it.tick()

        assert len(executor.instances) == 1


async def test_administrators_alone_keep_the_last_place(places, alice, hello, greeter):
    modest = Greeter(places(3), alice, hello)

    with pytest.raises(InputRejected, match="This hub has room to keep 2 on `cpu`"):
        await modest.create(3, 3)
    await modest.create(2, 3)
    with pytest.raises(InputRejected, match="This hub has room to keep 1 on `cpu`"):
        await greeter.create(2, 3)
    await greeter.create(1, 3)
