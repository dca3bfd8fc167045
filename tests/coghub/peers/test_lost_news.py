"""Two hubs on one database where news get lost, or a hub with something rare comes and goes."""

import asyncio
from dataclasses import replace

import pytest
from tests.coghub.scheduler.conftest import add_version

from coghub.domain.deployment import Configuration
from coghub.domain.prediction import Status


def is_deaf(hub):
    """Keep from a hub what others tell."""
    hub.hub.peers.listeners.on_news = lambda _: None


async def test_a_cancel_that_a_hub_does_not_hear_of_ends_its_work(two, person, order):
    made = await two[0].make(person, order(do="wait"))
    await two[0].until_status(made, Status.PROCESSING)
    here, there = two if list(two[0].fleet) else reversed(two)
    [instance] = here.executor.instances
    is_deaf(here)

    await there.hub.predictions.cancel(person, made.id)
    assert instance.canceled == set()
    here.background.scheduler.hear_of_gap()  # as every few seconds

    await here.until(lambda: made.id in instance.canceled)
    await here.until(lambda: here.background.scheduler.running == 0)


async def test_a_deployment_that_a_hub_does_not_know_of_yet_is_no_deleted_one(two, person, order):
    one, other = two
    root = await one.hub.accounts.create("root", is_admin=True)
    wanted = order(text="x")
    await one.hub.sharing.add(wanted.model, "root")
    for hub in two:
        hub.hub.signals.on_deployments_changed = lambda: None
    await one.hub.deployments.create(
        root,
        "new",
        model=wanted.model.full_name,
        version_id=wanted.version.id,
        configuration=Configuration("cpu", 0, 1),
    )
    deployment = await one.hub.deployments.get(root, "root", "new")

    ended = await other.run(root, replace(wanted, deployment=deployment))

    assert (ended.status, ended.error) == (Status.SUCCEEDED, None)


@pytest.mark.parametrize("has_gpu", [False, True])
async def test_what_needs_the_hardware_of_a_hub_that_starts_again_waits_for_it(hubs, has_gpu):
    """A model that would use a GPU is run by no CPU meanwhile."""
    small = await hubs.start(places=int(has_gpu))
    large = await hubs.start(places=1, gpus="7")
    await small.until(lambda: small.hub.peers.others and large.hub.peers.others)
    person = await small.hub.accounts.create("alice")
    order = await add_version(small.hub, person, "hello", has_gpu=has_gpu)
    await large.background.leave()
    await small.until(lambda: not small.hub.peers.others)
    made = await small.make(person, order(text="hi"))
    await asyncio.sleep(1.5)  # longer than the scheduler leaves anything unseen
    assert (await small.hub.predictions.find(made.id)).status is Status.STARTING

    again = await hubs.start(places=1, gpus="7")

    assert (await small.end_of(made)).output == "hi"
    assert [it.hardware for it in again.fleet] == ["gpu" if has_gpu else "cpu"]


async def test_a_start_that_fails_here_ends_nothing_that_another_hub_is_about_to_serve(
    two, person, order
):
    for hub in two:
        hub.executor.may_start.clear()
    made = [await two[0].make(person, order(text=str(n))) for n in range(2)]
    for hub in two:
        await hub.until(lambda hub=hub: list(hub.fleet))
        await hub.until(lambda hub=hub: len(hub.hub.peers.instances) == 1)
    one, other = two

    one.executor.fails_to_start = True
    one.executor.may_start.set()
    await one.until(lambda: not list(one.fleet))
    other.executor.may_start.set()

    ended = [await other.end_of(it) for it in made]
    assert [(it.status, it.output) for it in ended] == [
        (Status.SUCCEEDED, "0"),
        (Status.SUCCEEDED, "1"),
    ]
