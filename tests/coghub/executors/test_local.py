"""Real bundles as real processes of this machine."""

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from tests.coghub.scheduler.projects import register, settings_in

from coghub.database import instances as instance_rows
from coghub.domain.errors import BundleInvalid
from coghub.domain.instance import Stage
from coghub.domain.instance_event import Completed, Output
from coghub.executors.base import InstanceSpec
from coghub.executors.local import LocalExecutor
from coghub.instances.client import InstanceClient

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
CONFIG = f"""
build:
  python_version: "{PYTHON}"
predict: "predict.py:Predictor"
environment:
  - "FROM_CONFIG=config"
  - "LEVEL=config"
"""
MODEL = """
import os
import subprocess

from cog import BasePredictor


class Predictor(BasePredictor):
    def predict(self, what: str) -> dict:
        if what == "child":
            return {"pid": str(subprocess.Popen(["sleep", "600"], start_new_session=False).pid)}
        return dict(os.environ)
"""


@pytest.fixture
async def bundle(hub, alice, tmp_path, request):
    """A version in the hub, and what starts it."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "cog.yaml").write_text(CONFIG)
    (project / "predict.py").write_text(MODEL)
    settings = settings_in(tmp_path, request.config.cache.mkdir("coghub"))
    settings = replace(settings, environ={**settings.environ, "HUB_SECRET": "of the hub"})
    model, version = await register(hub, alice, "environ", project, settings)
    manifest = await hub.database.read(
        lambda c: instance_rows.manifest_of(c, model.full_name, version.id)
    )
    spec = InstanceSpec("i" * 26, version, msgspec.json.decode(manifest), "http://127.0.0.1:1/")
    return LocalExecutor(settings, hub.storage, tmp_path / "hub"), spec


@pytest.fixture
async def start(bundle):
    """Start instances that are stopped with the test."""
    started = []

    async def begin(**changes):
        executor, spec = bundle
        stages = []
        instance = await executor.start(
            replace(spec, **changes), lambda stage, text: stages.append(stage)
        )
        started.append((instance, InstanceClient(instance.address)))
        return *started[-1], stages

    yield begin
    for instance, client in started:
        await instance.stop(grace_s=1)
        await client.close()


def runs(pid):
    """Tell whether a process does anything; one that nobody has waited for does not."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


async def output_of(client, what):
    async with asyncio.timeout(60):
        while True:
            try:
                if (await client.health())["status"] == "READY":
                    break
            except Exception:  # noqa: BLE001 - it does not listen yet
                await asyncio.sleep(0.02)
    told = [event async for _, event in client.predict("p1", {"input": {"what": what}})]
    assert told[-1].status == "succeeded", told
    assert isinstance(told[-1], Completed)
    return next(event.chunk for event in told if isinstance(event, Output))


async def test_an_instance_has_what_it_was_given_and_nothing_of_the_hub(start, tmp_path):
    variables = {"LEVEL": "owner", "TOKEN": "of the model"}

    _, client, stages = await start(variables=variables, gpu_ids=("1",))
    environ = await output_of(client, "environ")

    assert stages == [Stage.FETCHING, Stage.BUILDING, Stage.BOOTING]
    assert (environ["FROM_CONFIG"], environ["LEVEL"]) == ("config", "owner")
    assert (environ["TOKEN"], environ["CUDA_VISIBLE_DEVICES"]) == ("of the model", "1")
    assert environ["HOME"].startswith(str(tmp_path / "hub"))
    assert environ["TMPDIR"].startswith(str(tmp_path / "hub"))
    assert "HUB_SECRET" not in environ
    assert not {name for name in environ if name.startswith(("PYTEST", "COGHUB"))}


@pytest.mark.skipif(sys.platform != "linux", reason="looks processes up in /proc")
async def test_a_stop_ends_what_the_model_started_and_leaves_no_folder(start, tmp_path):
    instance, client, _ = await start()
    child = int((await output_of(client, "child"))["pid"])

    await instance.stop(grace_s=5)

    assert await instance.ended() == "stopped"
    assert not runs(child)
    assert list((tmp_path / "hub" / "run").iterdir()) == []


async def test_a_bundle_is_unpacked_once(start, tmp_path):
    await start()
    project = tmp_path / "hub" / "projects"
    before = next(project.glob("*/src/predict.py")).stat()
    await start(id="j" * 26)

    assert os.path.samestat(before, next(project.glob("*/src/predict.py")).stat())


async def test_a_forged_layer_starts_nothing(bundle, hub):
    executor, spec = bundle
    layer = spec.manifest["layers"][0]["digest"].removeprefix("sha256:")
    path = hub.storage.path_of(f"blobs/sha256/{layer}")
    path.write_bytes(b"x" + path.read_bytes()[1:])

    with pytest.raises(BundleInvalid):
        await executor.start(spec, lambda stage, text: None)


async def test_what_is_left_of_other_versions_and_killed_hubs_is_removed(bundle, tmp_path):
    executor, spec = bundle
    data = tmp_path / "hub"
    for left in ("run/abc/tmp", f"projects/{spec.version.id}", "projects/gone"):
        (data / left).mkdir(parents=True)
    (data / "projects" / "gone.lock").touch()

    await executor.tidy([spec.version.id])

    assert not (data / "run").exists()
    assert [path.name for path in (data / "projects").iterdir()] == [spec.version.id]
