"""Two hubs on one database: whoever has room runs it, everyone hears of it, and it runs once."""

import asyncio
from contextlib import closing

import pytest
from psycopg import OperationalError
from sqlalchemy import func, select
from tests.coghub.scheduler.conftest import add_version
from tests.fakes.executor import FakeExecutor

from coghub.database import hubs as hub_rows
from coghub.database import instances as instance_rows
from coghub.database.attempts import assign
from coghub.database.postgres import connect
from coghub.database.postgres_bus import LEAD_LOCK, session_of
from coghub.domain.deployment import Configuration
from coghub.domain.errors import HubsDiffer, StorageUnusable
from coghub.domain.peers import Peer
from coghub.domain.prediction import Chunk, Status
from coghub.domain.signals import Waiting
from coghub.scheduler.left_behind import STRAY_S


def runs(*hubs):
    """Which predictions instances of some hubs were given, each as often as it was."""
    return [key for hub in hubs for it in hub.executor.instances for key, _ in it.ran]


async def running_on(two, made):
    """The hub that runs a prediction, the other one, and the instance."""
    await two[0].until_status(made, Status.PROCESSING)
    here, there = two if made.id in runs(two[0]) else reversed(two)
    [instance] = [it for it in here.executor.instances if made.id in [key for key, _ in it.ran]]
    return here, there, instance


def alive(*hubs):
    return sum(len(hub.executor.alive) for hub in hubs)


async def test_each_prediction_runs_once_wherever_it_was_made(two, person, order):
    one, other = two
    made = [await hub.make(person, order(text=str(n))) for n in range(40) for hub in two]

    ended = [await one.end_of(it) for it in made]

    assert {it.status for it in ended} == {Status.SUCCEEDED}
    assert sorted(runs(one, other)) == sorted(it.id for it in made)


async def test_a_free_instance_of_another_hub_is_used_before_a_new_one_starts(two, person, order):
    one, other = two
    await one.run(person, order())

    for hub in (other, one, other, one):
        assert (await hub.run(person, order())).status is Status.SUCCEEDED

    assert len(one.executor.instances) + len(other.executor.instances) == 1


async def test_one_instance_is_started_for_one_who_waits(two, person, order):
    one, other = two
    one.executor.may_start.clear()
    other.executor.may_start.clear()
    made = await one.make(person, order())

    await asyncio.sleep(1.5)
    one.executor.may_start.set()
    other.executor.may_start.set()

    assert (await other.end_of(made)).status is Status.SUCCEEDED
    assert len(await one.hub.database.read(lambda c: instance_rows.every(c, limit=9))) == 1


async def test_what_a_prediction_tells_is_heard_at_the_other_hub(two, person, order):
    made = await two[0].make(person, order(do="wait"))
    _, other, instance = await running_on(two, made)
    told = []

    async def follow():
        told.extend([it async for it in other.hub.predictions.follow(made)])

    following = asyncio.create_task(follow())
    instance.may_go_on.set()
    await following

    assert [it.content for it in told] == [Chunk("waited", None)]


async def test_a_cancel_at_one_hub_ends_the_work_at_the_other(two, person, order):
    made = await two[0].make(person, order(do="wait"))
    one, other, instance = await running_on(two, made)

    await other.hub.predictions.cancel(person, made.id)

    assert (await one.end_of(made)).status is Status.CANCELED
    await one.until(lambda: made.id in instance.canceled)


async def test_hardware_that_only_one_hub_has_is_offered_by_both(hubs):
    small, large = await hubs.start(places=0), await hubs.start(places=2)
    await small.until(lambda: small.hub.peers.others and large.hub.peers.others)
    person = await small.hub.accounts.create("alice")
    order = await add_version(small.hub, person, "hello")

    ended = await small.run(person, order(text="hi"))

    assert (ended.status, ended.output) == (Status.SUCCEEDED, "hi")
    assert [it.capacity for it in small.hub.hardware] == [2]


async def test_a_deployment_is_kept_warm_by_all_hubs_together(two, person, order):
    one, other = two
    root = await one.hub.accounts.create("root", is_admin=True)
    wanted = order()
    await one.hub.sharing.add(wanted.model, "root")
    await other.hub.deployments.create(
        root,
        "warm",
        model=wanted.model.full_name,
        version_id=wanted.version.id,
        configuration=Configuration("cpu", 2, 2),
    )
    await one.until(lambda: alive(one, other) == 2)

    await asyncio.sleep(1.5)

    assert [len(list(it.fleet)) for it in two] == [1, 1]


async def test_one_hub_leads_and_another_one_after_it(two, person, order):
    one, other = two
    await one.until(lambda: one.hub.peers.leads.is_set() or other.hub.peers.leads.is_set())
    first, second = (one, other) if one.hub.peers.leads.is_set() else (other, one)
    assert not second.hub.peers.leads.is_set()

    await first.background.leave()

    await second.until(second.hub.peers.leads.is_set)
    assert not first.hub.peers.leads.is_set()


async def test_a_hub_that_stands_still_and_leads_leads_no_more(hubs):
    """As one that was stopped: its session lives, and has the lock of the one that leads."""
    hub = await hubs.open()
    here = hub.peers._here
    still = Peer(
        id=0,
        place="elsewhere",
        executor="fake",
        storage=here.storage,
        hardware=here.hardware,
        beat=0,
        is_leaving=False,
        started_at=hub.now(),
    )
    still_id = await hub.database.write(lambda c: hub_rows.add(c, still))
    with closing(connect(hub.database.url)) as session:
        session.execute(f"SET application_name = '{session_of(still_id)}'")
        session.execute(f"SELECT pg_advisory_lock({LEAD_LOCK})")

        started = await hubs.start()

        async with asyncio.timeout(60):
            await started.hub.peers.leads.wait()
        with pytest.raises(OperationalError):
            session.execute("SELECT 1")


async def test_a_hub_that_leaves_ends_what_it_runs_and_hands_on_what_waits(two, person, order):
    running = await two[0].make(person, order(do="wait"))
    one, other, instance = await running_on(two, running)

    leaving = asyncio.create_task(one.background.leave())
    await one.until(lambda: one.hub.signals.is_leaving)
    later = await one.run(person, order(text="later"))
    assert (later.status, runs(other)) == (Status.SUCCEEDED, [later.id])
    assert not leaving.done()
    instance.may_go_on.set()
    await leaving

    assert (await other.end_of(running)).output == "waited"


async def test_a_hub_that_leaves_hears_of_a_cancel_still(two, person, order):
    made = await two[0].make(person, order(do="wait"))
    one, other, instance = await running_on(two, made)
    leaving = asyncio.create_task(one.background.leave())
    await other.until(lambda: not other.hub.peers.others)

    await other.hub.predictions.cancel(person, made.id)

    await one.until(lambda: made.id in instance.canceled)
    await leaving


async def test_news_that_nobody_understands_keep_no_others_from_being_heard(two, person, order):
    one, other = two
    text = '["another hub",[["of a later version","key"]]]'
    await one.hub.database.write(lambda c: c.execute(select(func.pg_notify("coghub", text))))

    made = await one.make(person, order(text="hi"))

    assert (await other.end_of(made)).output == "hi"


async def test_hubs_that_do_not_go_together_are_told_so(hubs, tmp_path):
    await hubs.start()
    docker = FakeExecutor()
    docker.name = "docker"

    with pytest.raises(HubsDiffer, match="runs models by `fake`"):
        await hubs.start(executor=docker)
    with pytest.raises(StorageUnusable, match="objects of this hub are in"):
        await hubs.start(storage=str(tmp_path / "elsewhere"))


async def test_what_a_hub_gave_to_an_instance_and_does_not_know_of_is_run(two, person, order):
    """As where the database applied a change, and the connection broke before it said so."""
    one, _ = two
    await one.run(person, order(text="warm"))
    one.hub.signals.on_making = one.hub.signals.on_queued = lambda _: None
    made = await one.make(person, order(text="lost"))
    waiting = Waiting(made.id, person.id, made.version.key, made.created_at)
    await one.hub.database.write(lambda c: assign(c, waiting, "cpu", hub_id=one.hub.peers.me))
    scheduler = one.background.scheduler

    scheduler.hear_of_end()  # it looks, and once more when that may be no mistake any more
    await asyncio.sleep(STRAY_S)
    scheduler.hear_of_end()
    ended = await one.end_of(made)

    assert (ended.status, ended.output) == (Status.SUCCEEDED, "lost")
    assert runs(*two).count(made.id) == 1
