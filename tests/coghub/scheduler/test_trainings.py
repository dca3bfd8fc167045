"""Trainings on instances: what they make, what it is made of, and that none is begun twice."""

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from hub_client import Client
from sqlalchemy import select
from tests.coghub.scheduler.conftest import running

from cog.network_guard import Guard
from coghub.api.callbacks import Callbacks
from coghub.database import manifests
from coghub.database.audit import Wanted, newest
from coghub.database.schema import manifest_blobs
from coghub.database.usage import UsageQuery, usage
from coghub.domain.audit import Actor, Via
from coghub.domain.errors import DatabaseUnreachable, DiskFull, StorageUnusable
from coghub.domain.prediction import Status
from coghub.scheduler import patience
from coghub.trainings.outcome import Outcomes

ANY = {"type": "object"}


class Trainer:
    """What asks for trainings of one version for one model."""

    def __init__(self, hub, account, order):
        self.hub = hub
        self.account = account
        self.order = order

    async def make(self, **given):
        return await self.hub.trainings.create(self.account, self.order(**given), "alice/tuned")

    async def returning(self, output):
        """Make a training that returns this."""
        return await self.make(text=output)

    async def learning(self, reference):
        """Make a training that returns a file of the hub."""
        return await self.make(do="train", path=reference.removeprefix("coghub:"))

    async def versions(self):
        return await self.hub.models.versions(self.account, "alice", "tuned")


def training_too(order):
    """Let what is ordered have a training with any inputs."""

    def ordered(**given):
        made = order(**given)
        schemas = {**made.version.openapi_schema["components"]["schemas"], "TrainingInput": ANY}
        document = {"components": {"schemas": schemas}}
        return replace(made, version=replace(made.version, openapi_schema=document))

    return ordered


@pytest.fixture
async def trainer(hub, alice, hello):
    await hub.models.create(alice, "alice", "tuned")
    return Trainer(hub, alice, training_too(hello))


@pytest.fixture
async def learnt(hub):
    """A file of weights, as the hub holds it."""
    async with hub.prediction_files.incoming() as incoming:
        await incoming.write(b"learnt")
        _, reference = await hub.prediction_files.keep(
            None, incoming, name="my weights.bin", said_type="text/plain"
        )
    return reference


async def test_the_audit_trail_says_who_had_a_version_made(started, hub, trainer, alice, learnt):
    training = await started.end_of(await trainer.learning(learnt))

    [version] = await trainer.versions()
    wanted = Wanted(action="version.train")
    [entry] = await hub.database.read(lambda c: newest(c, wanted, limit=9))
    assert entry.actor == Actor(alice.id, "alice", Via.API)
    assert entry.subject == "alice/tuned"
    assert entry.details == {"version": version.id, "training": training.id}


async def test_weights_become_a_version_whose_instances_are_given_them(
    started, executor, hub, trainer, alice, learnt
):
    training = await started.end_of(await trainer.learning(learnt))

    assert (training.status, training.error) == (Status.SUCCEEDED, None)
    [version] = await trainer.versions()
    assert training.output == {
        "weights": learnt, "loss": 0.5, "version": f"alice/tuned:{version.id}"
    }  # fmt: skip
    assert executor.instances[0].spec.is_training
    order = trainer.order(text="hi")
    model = await hub.models.get(alice, "alice", "tuned")
    tuned = replace(order, model=model, version=version)
    assert (await started.run(alice, tuned)).output == "hi"
    spec = executor.instances[-1].spec
    assert not spec.is_training
    url = httpx.URL(spec.variables["COG_WEIGHTS"])
    instances = Callbacks(hub, started.background.member, Guard()).app()
    assert (await Client(instances)("GET", url.path)).content == b"learnt"


async def test_weights_elsewhere_stay_there(started, executor, hub, trainer, alice):
    place = "https://weights.example/a/lora.tar?x=1"

    training = await started.end_of(await trainer.returning(place))

    assert training.status is Status.SUCCEEDED
    [version] = await trainer.versions()
    model = await hub.models.get(alice, "alice", "tuned")
    await started.run(alice, replace(trainer.order(), model=model, version=version))
    assert executor.instances[-1].spec.variables["COG_WEIGHTS"] == place


async def test_two_trainings_make_two_versions_of_the_same_weights(started, trainer, learnt):
    for _ in range(2):
        await started.end_of(await trainer.learning(learnt))

    assert len({it.id for it in await trainer.versions()}) == 2


@pytest.mark.parametrize(
    "output", [None, 3, "text", {"loss": 1}, {"weights": 1}, ["https://a.b/c"]]
)
async def test_what_is_no_weights_makes_no_version(started, trainer, output):
    training = await started.end_of(await trainer.returning(output))

    assert training.status is Status.FAILED
    assert "returned neither a file nor an object" in training.error
    assert await trainer.versions() == []


async def test_each_training_has_an_instance_of_its_own(started, executor, trainer, learnt):
    """What one leaves in memory is not there for the next, who may be somebody else."""
    for _ in range(2):
        await started.end_of(await trainer.learning(learnt))
        await started.until(lambda: not executor.alive)

    assert len(executor.instances) == 2


async def test_a_training_whose_instance_dies_is_not_begun_again(started, executor, trainer):
    training = await started.end_of(await trainer.make(do="die"))

    assert training.status is Status.FAILED
    assert "killed by signal 9" in training.error
    assert training.attempt == 1


async def test_a_training_is_not_begun_again_after_a_restart(one_place, executor, trainer):
    async with running(one_place, executor) as it:
        training = await trainer.make(do="wait")
        await it.until_status(training, Status.PROCESSING)
    async with running(one_place, executor) as it:
        ended = await it.end_of(training)

    assert (ended.status, ended.error) == (
        Status.FAILED,
        "The hub was stopped while the training ran",
    )
    assert await trainer.versions() == []


async def test_a_training_that_waited_is_begun_after_a_restart(
    one_place, executor, trainer, learnt
):
    executor.may_start.clear()
    async with running(one_place, executor):
        training = await trainer.learning(learnt)
    executor.may_start.set()
    async with running(one_place, executor) as it:
        ended = await it.end_of(training)

    assert ended.status is Status.SUCCEEDED


async def test_a_canceled_training_makes_no_version(started, trainer, alice, hub):
    training = await trainer.make(do="wait")
    await started.until_status(training, Status.PROCESSING)

    ended = await hub.trainings.cancel(alice, training.id)
    await started.until(lambda: not list(started.fleet))

    assert ended.status is Status.CANCELED
    assert await trainer.versions() == []


async def test_a_destination_that_is_gone_fails_the_training(
    started, executor, hub, trainer, alice
):
    executor.may_start.clear()
    training = await trainer.returning("https://weights.example/a.tar")
    await hub.deletion.delete_model(alice, "alice", "tuned")
    executor.may_start.set()

    ended = await started.end_of(training)

    assert ended.status is Status.FAILED
    assert ended.error == "The specified training destination does not exist"


async def test_predictions_and_trainings_of_a_version_do_not_share_an_instance(
    hub, executor, trainer, alice, hello
):
    cpu = replace(hub.hardware[0], capacity=2)
    async with running(replace(hub, own_hardware=(cpu,)), executor) as it:
        training = await trainer.make(do="wait")
        await it.until_status(training, Status.PROCESSING)

        assert (await it.run(alice, hello(text="hi"))).output == "hi"

        assert [one.spec.is_training for one in executor.instances] == [True, False]


async def test_weights_go_with_their_version(started, hub, trainer, alice, learnt):
    await started.end_of(await trainer.learning(learnt))
    [version] = await trainer.versions()

    async def pinned():
        query = select(manifest_blobs.c.digest).where(manifest_blobs.c.repository == "alice/tuned")
        return await hub.database.read(lambda c: c.execute(query).scalars().all())

    assert len(await pinned()) == 1
    await hub.deletion.delete_version(alice, "alice", "tuned", version.id)
    assert await pinned() == []


async def test_a_training_is_no_run_of_the_model_and_counts_as_usage(started, hub, trainer, learnt):
    await started.end_of(await trainer.learning(learnt))
    await started.run(trainer.account, trainer.order(text="hi"))

    name = trainer.order().model.full_name
    today = hub.now().date()
    wanted = UsageQuery(today - timedelta(days=1), today, ("model",))
    [sums] = await hub.database.read(lambda c: usage(c, wanted, limit=9))
    assert (sums["model"], sums["predictions"]) == (name, 2)
    assert (await hub.models.get(trainer.account, *name.split("/"))).run_count == 1


async def test_the_tag_latest_is_the_latest_version_also_after_that_is_deleted(
    started, hub, trainer, alice, learnt
):
    for _ in range(2):
        await started.end_of(await trainer.learning(learnt))
    newer, older = await trainer.versions()

    assert await _latest(hub) == f"sha256:{newer.id}"
    await hub.deletion.delete_version(alice, "alice", "tuned", newer.id)
    assert await _latest(hub) == f"sha256:{older.id}"
    await hub.deletion.delete_version(alice, "alice", "tuned", older.id)
    assert await _latest(hub) is None


async def _latest(hub):
    row = await hub.database.read(lambda c: manifests.by_tag(c, "alice/tuned", "latest"))
    return row and row["digest"]


@pytest.mark.parametrize(
    "error",
    [
        DatabaseUnreachable("postgresql://db", "connection refused"),
        StorageUnusable("The object store cannot be used just now"),
        DiskFull("No space is left on the hub's disk"),
    ],
    ids=["database", "storage", "disk"],
)
async def test_what_took_hours_waits_for_what_is_away(started, trainer, learnt, monkeypatch, error):
    monkeypatch.setattr(patience, "PAUSE_S", 0.01)
    tries, told_by = [], Outcomes.told_by

    async def away(self, training_id):
        tries.append(training_id)
        if len(tries) < 3:
            raise error
        return await told_by(self, training_id)

    monkeypatch.setattr(Outcomes, "told_by", away)

    training = await started.end_of(await trainer.learning(learnt))

    assert (training.status, training.error, len(tries)) == (Status.SUCCEEDED, None, 3)
    assert len(await trainer.versions()) == 1
