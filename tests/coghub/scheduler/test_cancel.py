"""A cancel that comes at a bad moment, and instances that do not heed it."""

import asyncio

from coghub.domain.prediction import Status
from coghub.scheduler import run


async def test_a_cancel_that_overtakes_the_start_still_ends_the_work(started, alice, hello):
    await started.run(alice, hello(text="warm"))
    [instance] = started.executor.instances
    instance.takes.clear()
    made = await started.make(alice, hello(do="wait"))
    [member] = started.fleet
    await started.until(lambda: made.id in member.running)
    await started.hub.predictions.cancel(alice, made.id)
    await started.until(lambda: made.id in instance.asked)  # which knew nothing of it
    instance.takes.set()

    await started.until(lambda: made.id in instance.canceled or not member.running)
    assert (await started.run(alice, hello(text="next"))).output == "next"
    assert (await started.hub.predictions.find(made.id)).status is Status.CANCELED


async def test_an_instance_that_does_not_heed_a_cancel_is_replaced(
    started, alice, hello, monkeypatch
):
    monkeypatch.setattr(run, "CANCEL_AGAIN_S", 0.01)
    made = await started.make(alice, hello(do="wait"))
    await started.until_status(made, Status.PROCESSING)
    [instance] = started.executor.instances
    instance.is_deaf = True

    await started.hub.predictions.cancel(alice, made.id)
    ended = await started.run(alice, hello(text="next"))

    assert ended.output == "next"
    assert len(instance.asked) == run.CANCEL_TRIES
    assert len(started.executor.instances) == 2


async def test_a_prediction_that_is_canceled_while_it_is_given_back_does_not_wait_again(
    started, alice, hello
):
    made = await started.make(alice, hello(do="wait"))
    await started.until_status(made, Status.PROCESSING)
    dying = asyncio.create_task(started.executor.instances[0].die())

    await started.hub.predictions.cancel(alice, made.id)
    await dying
    await started.until(lambda: not any(member.running for member in started.fleet))

    assert made.id not in started.background.scheduler.queue
    assert (await started.hub.predictions.find(made.id)).status is Status.CANCELED


async def test_an_instance_is_told_of_a_cancel_although_who_asked_for_it_is_gone(
    started, alice, hello, monkeypatch
):
    made = await started.make(alice, hello(do="wait"))
    await started.until_status(made, Status.PROCESSING)
    write, is_written = started.hub.database.write, asyncio.Event()

    async def slow(change):
        result = await write(change)
        is_written.set()
        await asyncio.sleep(0)
        return result

    monkeypatch.setattr(started.hub.database, "write", slow)
    asking = asyncio.create_task(started.hub.predictions.cancel(alice, made.id))
    await is_written.wait()
    asking.cancel()

    await started.until(lambda: made.id in started.executor.instances[0].canceled)
