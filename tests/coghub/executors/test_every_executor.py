"""What the scheduler may expect of every executor: the same claims, on processes and containers."""

import asyncio
from dataclasses import replace

import msgspec
import pytest
from tests.coghub.executors.test_local import output_of
from tests.coghub.scheduler.projects import register, settings_in
from tests.docker_engine import BASE

from coghub.database import instances as instance_rows
from coghub.domain.errors import CoghubError
from coghub.domain.instance import Stage
from coghub.executors.base import InstanceSpec
from coghub.executors.docker import DockerExecutor
from coghub.executors.local import LocalExecutor
from coghub.instances.client import InstanceClient

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CONFIG = """
build:
  python_version: "3.11"
predict: "predict.py:Predictor"
environment:
  - "FROM_CONFIG=config"
  - "LEVEL=config"
"""
MODEL = """
import os
import signal

from cog import BasePredictor


class Predictor(BasePredictor):
    def predict(self, what: str) -> dict:
        if what == "die":
            os.kill(os.getppid(), signal.SIGKILL)
        return dict(os.environ)
"""


def local(request, settings, hub, folder):
    return LocalExecutor(settings, hub.storage, folder)


def docker(request, settings, hub, folder):
    engine = request.getfixturevalue("docker_engine")
    environ = {**settings.environ, **engine.environ}
    folder.mkdir(exist_ok=True)
    whole = replace(settings, environ=environ, base_image=BASE)
    return DockerExecutor(whole, replace(hub.settings, data=folder), hub.storage)


@pytest.fixture(params=[local, docker], ids=lambda it: it.__name__)
async def executor(request, hub, tmp_path):
    settings = settings_in(tmp_path, request.config.cache.mkdir("coghub"))
    settings = replace(settings, environ={**settings.environ, "HUB_SECRET": "of the hub"})
    made = request.param(request, settings, hub, tmp_path / "hub")
    await made.connect()
    yield made
    await made.tidy([])
    if made.name == "docker":
        engine = request.getfixturevalue("docker_engine")
        name = f"coghub-{(tmp_path / 'hub' / 'docker-id').read_text()}"
        assert engine.containers(f"run.coghub.hub={name.removeprefix('coghub-')}") == []
        assert not engine.has(name)
        for volume in engine.run("volume", "ls", "-q", "--filter", f"name={name}").split():
            engine.run("volume", "rm", volume)
        engine.run("network", "rm", name)


@pytest.fixture
async def spec(hub, alice, tmp_path, request):
    project = tmp_path / "project"
    project.mkdir()
    (project / "cog.yaml").write_text(CONFIG)
    (project / "predict.py").write_text(MODEL)
    settings = settings_in(tmp_path, request.config.cache.mkdir("coghub"))
    model, version = await register(hub, alice, "environ", project, settings)
    content = await hub.database.read(
        lambda c: instance_rows.manifest_of(c, model.full_name, version.id)
    )
    manifest = msgspec.json.decode(content)
    return InstanceSpec("i" * 26, version, manifest, "http://127.0.0.1:1/")


@pytest.fixture
async def start(executor, spec):
    """Start instances that are stopped with the test."""
    started = []

    async def begin(**changes):
        stages = []
        instance = await executor.start(
            replace(spec, **changes), lambda stage, _: stages.append(stage)
        )
        client = InstanceClient(instance.address)
        started.append((instance, client))
        return instance, client, list(dict.fromkeys(stages))

    yield begin
    for instance, client in started:
        await instance.stop(grace_s=1)
        await client.close()


async def test_it_has_what_it_was_given_and_nothing_of_the_hub(start):
    _, client, stages = await start(variables={"LEVEL": "owner", "TOKEN": "of the model"})

    environ = await output_of(client, "environ")

    assert stages[-2:] == [Stage.BUILDING, Stage.BOOTING]
    assert (environ["FROM_CONFIG"], environ["LEVEL"]) == ("config", "owner")
    assert environ["TOKEN"] == "of the model"
    assert "HUB_SECRET" not in environ
    assert not {name for name in environ if name.startswith(("PYTEST", "COGHUB"))}


async def test_a_stop_is_told_as_such_and_may_be_done_twice(start):
    instance, client, _ = await start()
    await output_of(client, "environ")

    await instance.stop(grace_s=5)
    await instance.stop(grace_s=5)

    assert await instance.ended() == "stopped"


async def test_a_death_is_told_with_its_reason(start):
    instance, client, _ = await start()
    await output_of(client, "environ")

    with pytest.raises(CoghubError):
        async for _ in client.predict("p2", {"input": {"what": "die"}}):
            pass

    async with asyncio.timeout(30):
        reason = await instance.ended()
    assert "killed by signal 9" in reason


async def test_two_instances_of_a_version_are_apart(start):
    first, one, _ = await start()
    _, other, _ = await start(id="j" * 26)
    await output_of(one, "environ")

    await first.stop(grace_s=5)

    assert (await output_of(other, "environ"))["FROM_CONFIG"] == "config"


async def test_a_version_whose_content_is_gone_starts_nothing(start, spec):
    digest = "sha256:" + "0" * 64
    broken = {**spec.manifest, "layers": [{**spec.manifest["layers"][0], "digest": digest}]}

    with pytest.raises(CoghubError):
        await start(manifest=broken)


async def test_bundles_are_run_by_every_executor(executor, spec):
    assert executor.refusal_of(spec.version) is None
