"""A disk that is full for a while: nothing is lost, no place is, and no model runs again for it."""

import pytest
from tests.fakes.disk import Disk
from tests.fakes.executor import BROKEN

from coghub.domain.prediction import Status
from coghub.scheduler import patience


@pytest.fixture
def disk(hub, monkeypatch):
    monkeypatch.setattr(patience, "PAUSE_S", 0.01)
    return Disk(hub, monkeypatch)


async def test_a_result_waits_until_there_is_space(started, disk, alice, hello):
    made = await started.make(alice, hello(do="wait"))
    await started.until_status(made, Status.PROCESSING)
    disk.fill()
    started.executor.instances[0].may_go_on.set()
    await started.until(lambda: disk.refused > 3)

    assert (await started.hub.predictions.find(made.id)).status is Status.PROCESSING

    disk.is_full = False
    ended = await started.end_of(made)
    assert (ended.status, ended.output) == (Status.SUCCEEDED, "waited")
    assert len(started.executor.instances[0].ran) == 1


async def test_what_begins_meanwhile_runs_when_there_is_space(started, disk, alice, hello):
    first = await started.make(alice, hello(do="wait"))
    await started.until_status(first, Status.PROCESSING)
    second = await started.make(alice, hello(text="second"))
    [instance] = started.executor.instances
    disk.fill()
    instance.may_go_on.set()
    await started.until(lambda: disk.refused > 3)
    disk.is_full = False

    assert (await started.end_of(first)).output == "waited"
    assert (await started.end_of(second)).output == "second"
    assert started.executor.instances == [instance]


async def test_an_instance_that_dies_meanwhile_gives_its_prediction_back(
    started, disk, alice, hello
):
    made = await started.make(alice, hello(do="wait"))
    await started.until_status(made, Status.PROCESSING)
    disk.fill()
    await started.executor.instances[0].die()
    await started.until(lambda: disk.refused > 3)
    disk.is_full = False
    await started.until(lambda: len(started.executor.instances) > 1)
    started.executor.instances[-1].may_go_on.set()

    assert (await started.end_of(made)).output == "waited"


async def test_an_instance_that_comes_up_meanwhile_serves_when_there_is_space(
    started, disk, alice, hello
):
    started.executor.may_start.clear()
    made = await started.make(alice, hello(text="x"))
    disk.fill()
    await started.until(lambda: len(list(started.fleet)) == 1)
    started.executor.may_start.set()
    await started.until(lambda: disk.refused > 3)
    disk.is_full = False

    assert (await started.end_of(made)).output == "x"


async def test_a_failed_setup_is_told_when_there_is_space(started, disk, alice, hello):
    started.executor.may_start.clear()
    started.executor.health = BROKEN
    made = await started.make(alice, hello())
    await started.until(lambda: len(list(started.fleet)) == 1)
    disk.fill()
    started.executor.may_start.set()
    await started.until(lambda: disk.refused > 3)
    disk.is_full = False

    assert (await started.end_of(made)).error == "Setup failed: FileNotFoundError: weights.pth"
    await started.until(lambda: not list(started.fleet))
