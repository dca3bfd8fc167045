"""Predictions and instances together, with a scripted model."""

import asyncio

import pytest
from tests.coghub.scheduler.conftest import add_version, running
from tests.fakes.executor import BROKEN, LOADING, READY

from coghub.database import instances as instance_rows
from coghub.domain.instance import Stage
from coghub.domain.prediction import Status


async def test_a_prediction_runs_on_an_instance_that_is_started_for_it(started, alice, hello):
    ended = await started.run(alice, hello(text="python"))

    assert (ended.status, ended.output, ended.error) == (Status.SUCCEEDED, "python", None)
    assert ended.metrics["predict_time"] == 0.1
    assert len(started.executor.instances) == 1


async def test_a_warm_instance_serves_the_next_one(started, alice, hello):
    for number in range(5):
        assert (await started.run(alice, hello(text=str(number)))).output == str(number)

    assert len(started.executor.instances) == 1


async def test_items_and_logs_come_in_order(started, alice, hello):
    ended = await started.run(alice, hello(do="items", count=50))

    assert ended.output == [str(number) for number in range(50)]
    assert ended.logs.endswith("".join(f"item {number}\n" for number in range(50)))


async def test_a_model_that_fails_fails_the_prediction_alone(started, alice, hello):
    failed = await started.run(alice, hello(do="fail"))

    assert (failed.status, failed.error) == (Status.FAILED, "ValueError: boom")
    assert (await started.run(alice, hello(text="x"))).output == "x"
    assert len(started.executor.instances) == 1


async def test_who_waits_hears_of_the_stages_and_of_setup(one_place, executor, alice, hello):
    executor.health = dict(LOADING)
    async with running(one_place, executor) as it:
        made = await it.make(alice, hello(text="x"))
        logs = ""
        async for event in one_place.predictions.follow(made):
            logs += event.content if isinstance(event.content, str) else ""
            if "loading weights" in logs:
                executor.instances[0].health.update(READY)
        ended = await it.end_of(made)

    assert ended.output == "x"
    for line in ("Making the environment", "Installing 3 packages", "Running setup", "loading"):
        assert line in ended.logs


async def test_a_failed_setup_fails_who_waits_with_the_reason(started, alice, hello):
    started.executor.health = BROKEN

    ended = await asyncio.gather(*(started.run(alice, hello()) for _ in range(3)))

    assert {it.status for it in ended} == {Status.FAILED}
    assert {it.error for it in ended} == {"Setup failed: FileNotFoundError: weights.pth"}
    for it in ended:  # also of those that had not waited for long
        assert it.logs.endswith("Running setup\nTraceback …\nFileNotFoundError: weights.pth\n")
        assert "in the queue" not in it.logs
    assert started.executor.alive == []


async def test_a_failed_setup_is_told_without_the_words_of_the_server(started, alice, hello):
    logs = "worker setup failed: setup failed: RuntimeError: no weights here"
    setup = {"status": "failed", "logs": logs}
    started.executor.health = {"status": "SETUP_FAILED", "setup": setup}

    ended = await started.run(alice, hello())

    assert ended.error == "Setup failed: RuntimeError: no weights here"
    assert ended.logs.endswith(f"{logs}\n")


async def test_an_environment_that_cannot_be_made_is_told(started, alice, hello):
    started.executor.fails_to_start = True

    ended = await started.run(alice, hello())

    assert ended.error == "Setup failed: No such package: nonsense"
    records = await started.hub.database.read(lambda c: instance_rows.every(c, limit=5))
    assert [(it.stage, it.error) for it in records] == [(Stage.FAILED, "No such package: nonsense")]


async def test_an_instance_whose_worker_is_set_up_again_is_waited_for(started, alice, hello):
    await started.run(alice, hello(text="first"))
    [instance] = started.executor.instances
    instance.health = dict(LOADING)
    made = await started.make(alice, hello(text="second"))
    [member] = started.fleet
    await started.until(lambda: member.is_in_doubt)
    instance.health.update(READY)

    assert (await started.end_of(made)).output == "second"
    assert started.executor.instances == [instance]


async def test_an_instance_that_cannot_be_set_up_again_is_replaced(started, alice, hello):
    await started.run(alice, hello(text="first"))
    started.executor.instances[0].health = BROKEN

    assert (await started.run(alice, hello(text="second"))).output == "second"
    assert len(started.executor.alive) == 1


async def test_an_instance_that_is_ready_and_refuses_all_is_replaced(started, alice, hello):
    await started.run(alice, hello(text="first"))
    started.executor.instances[0].is_full = True

    assert (await started.run(alice, hello(text="second"))).output == "second"
    assert len(started.executor.alive) == 1


@pytest.mark.parametrize(("deaths", "status"), [(1, Status.SUCCEEDED), (2, Status.FAILED)])
async def test_an_instance_that_dies_on_its_way_is_started_once_more(
    started, alice, hello, deaths, status
):
    started.executor.deaths_at_start = deaths

    ended = await started.run(alice, hello(text="x"))

    assert ended.status is status
    assert ended.error is None or "killed by signal 9" in ended.error


async def test_a_version_that_nothing_here_can_run_fails_with_the_reason(started, alice, hello):
    started.executor.refusal = "This hub runs bundles only"

    assert (await started.run(alice, hello())).error == "This hub runs bundles only"


async def test_a_model_on_hardware_that_is_not_here_fails_with_the_reason(started, alice, hello):
    await started.hub.models.change(alice, "alice", "hello", {"hardware": "gpu-h100"})

    ended = await started.run(alice, hello())

    assert ended.error == "This hub does not have the hardware `gpu-h100`"


async def test_an_instance_that_dies_gives_its_prediction_back_once(started, alice, hello):
    ended = await started.run(alice, hello(do="die"))

    assert ended.status is Status.FAILED
    assert "killed by signal 9" in ended.error
    assert [len(it.ran) for it in started.executor.instances] == [1, 1]


async def test_what_told_output_is_not_run_again(started, alice, hello):
    made = await started.make(alice, hello(do="die late"))
    async for event in started.hub.predictions.follow(made):
        if not isinstance(event.content, str):
            started.executor.instances[0].may_go_on.set()
    ended = await started.end_of(made)

    assert (ended.status, ended.output) == (Status.FAILED, ["first"])
    assert len(started.executor.instances[0].ran) == 1


async def test_others_wait_while_the_only_slot_is_taken(started, alice, hello):
    slow = await started.make(alice, hello(do="wait"))
    await started.until_status(slow, Status.PROCESSING)
    quick = await started.make(alice, hello(text="x"))

    assert (await started.hub.predictions.find(quick.id)).status is Status.STARTING

    started.executor.instances[0].may_go_on.set()
    assert (await started.end_of(slow)).output == "waited"
    assert (await started.end_of(quick)).output == "x"


async def test_as_many_run_at_once_as_the_model_has_slots(hub, started, alice):
    wide = await add_version(hub, alice, "wide", slots=3)
    made = [await started.make(alice, wide(do="wait")) for _ in range(4)]
    await started.until(lambda: started.executor.instances)
    await started.until(lambda: len(started.executor.instances[0].ran) == 3)
    states = [(await hub.predictions.find(it.id)).attempt for it in made]

    started.executor.instances[0].may_go_on.set()
    ended = [await started.end_of(it) for it in made]

    assert states == [1, 1, 1, 0]
    assert {it.status for it in ended} == {Status.SUCCEEDED}


async def test_a_model_whose_server_tells_more_slots_has_them(hub, started, alice, hello):
    """Its code says `@concurrent(max=2)`, and its cog.yaml nothing."""
    started.executor.health = {**READY, "concurrency": {"max": 2, "current": 0}}
    made = [await started.make(alice, hello(do="wait")) for _ in range(2)]
    await started.until(lambda: started.executor.instances)
    await started.until(lambda: len(started.executor.instances[0].ran) == 2)

    started.executor.instances[0].may_go_on.set()

    assert {(await started.end_of(it)).status for it in made} == {Status.SUCCEEDED}
    assert len(started.executor.instances) == 1


async def test_an_idle_instance_makes_room_for_another_version(hub, started, alice, hello):
    other = await add_version(hub, alice, "other")

    assert (await started.run(alice, hello(text="a"))).output == "a"
    assert (await started.run(alice, other(text="b"))).output == "b"
    assert (await started.run(alice, hello(text="c"))).output == "c"

    assert len(started.executor.instances) == 3
    assert len(started.executor.alive) == 1


async def test_a_deleted_version_occupies_nothing_any_more(hub, started, alice, hello):
    order = hello(text="a")
    await started.run(alice, order)

    await hub.deletion.delete_version(alice, "alice", order.model.name, order.version.id)

    await started.until(lambda: not started.executor.alive)
    await started.until(lambda: not list(started.fleet))


async def test_two_versions_run_side_by_side_where_there_is_room(hub, executor, alice, hello):
    other = await add_version(hub, alice, "other")
    async with running(hub, executor) as it:
        made = [await it.make(alice, order(do="wait")) for order in (hello, other)]
        for prediction in made:
            await it.until_status(prediction, Status.PROCESSING)
        for instance in executor.instances:
            instance.may_go_on.set()
        ended = [await it.end_of(prediction) for prediction in made]

    assert [it.output for it in ended] == ["waited", "waited"]


async def test_an_account_with_much_to_do_does_not_keep_another_waiting(started, alice, bob, hello):
    first = await started.make(alice, hello(do="wait"))
    await started.until_status(first, Status.PROCESSING)
    for number in range(10):
        await started.make(alice, hello(text=f"alice {number}"))
    bobs = await started.make(bob, hello(text="bob"))

    started.executor.instances[0].may_go_on.set()
    await started.end_of(bobs)

    order = [given.get("text") for _, given in started.executor.instances[0].ran]
    assert order.index("bob") <= 2


@pytest.mark.parametrize("stage", ["queued", "booting", "running"])
async def test_a_cancel_works_at_every_stage(one_place, executor, alice, hello, stage):
    if stage == "booting":
        executor.health = LOADING
    async with running(one_place, executor) as it:
        blocker = await it.make(alice, hello(do="wait"))
        if stage != "booting":
            await it.until_status(blocker, Status.PROCESSING)
        target = await it.make(alice, hello(do="wait")) if stage == "queued" else blocker

        canceled = await one_place.predictions.cancel(alice, target.id)

        assert canceled.status is Status.CANCELED
        assert canceled.completed_at is not None
        if stage == "running":
            instance = executor.instances[0]
            await it.until(lambda: target.id in instance.canceled)
            assert (await it.run(alice, hello(text="next"))).output == "next"
        assert await one_place.predictions.find(target.id) == canceled


async def test_a_hub_that_was_stopped_takes_up_what_was_open(one_place, executor, alice, hello):
    async with running(one_place, executor) as it:
        running_one = await it.make(alice, hello(do="wait"))
        await it.until_status(running_one, Status.PROCESSING)
        waiting_one = await it.make(alice, hello(text="x"))

    async with running(one_place, executor) as it:
        await it.until(lambda: len(executor.instances) > 1)
        await it.until(lambda: executor.instances[1].ran)
        executor.instances[1].may_go_on.set()
        ended = [await it.end_of(each) for each in (running_one, waiting_one)]

    assert [it.output for it in ended] == ["waited", "x"]
    assert executor.alive == []


async def test_a_hub_that_was_stopped_does_not_repeat_output(one_place, executor, alice, hello):
    async with running(one_place, executor) as it:
        made = await it.make(alice, hello(do="die late"))
        async for event in one_place.predictions.follow(made):
            if not isinstance(event.content, str):
                break

    async with running(one_place, executor) as it:
        ended = await it.end_of(made)

    assert (ended.status, ended.output) == (Status.FAILED, ["first"])
    assert "hub was stopped" in ended.error


async def test_every_prediction_ends_once_while_instances_die(hub, executor, alice, bob, hello):
    """Deaths at any time, two versions, two accounts: none is lost, none ends twice."""
    other = await add_version(hub, alice, "other", slots=4)
    ends = []
    async with running(hub, executor) as it:

        async def run(number):
            account = alice if number % 3 else bob
            order = hello if number % 2 else other
            do = ("echo", "items", "fail")[number % 3]
            made = await it.make(account, order(do=do, text=str(number), count=3))
            ends.append(await it.end_of(made))

        async def kill():
            for _ in range(8):
                await it.until(lambda: any(one.ran for one in executor.alive))
                victim = next(one for one in executor.alive if one.ran)
                await victim.die()

        killing = asyncio.create_task(kill())
        await asyncio.gather(*(run(number) for number in range(120)))
        killing.cancel()
        after = [await hub.predictions.find(each.id) for each in ends]

    assert len(ends) == 120
    assert all(each.status.is_final for each in ends)
    assert after == ends


async def test_a_secret_of_the_model_is_in_no_reason_and_no_setup_log(
    hub, executor, alice, bob, hello
):
    """Not even where it comes in two pieces; the model's callers are not its owner."""
    model = await hub.models.get(alice, "alice", "hello")
    await hub.variables.put(model, "HF_TOKEN", "hf_sesame", is_secret=True)
    executor.health = {"status": "STARTING", "setup": {"logs": "my token is hf_se"}}
    async with running(hub, executor) as it:
        made = await it.make(bob, hello())
        await it.until(lambda: [member for member in it.fleet if member.stage is Stage.SETUP])
        said = "my token is hf_sesame\nValueError: hf_sesame is no good\n"
        executor.instances[0].health = {"status": "SETUP_FAILED", "setup": {"logs": said}}
        ended = await it.end_of(made)
    [record] = await hub.database.read(lambda c: instance_rows.every(c, limit=9))

    assert ended.error == "Setup failed: ValueError: [REDACTED] is no good"
    assert "my token is [REDACTED]\n" in record.logs
    assert "sesame" not in ended.logs + record.logs + (record.error or "")
