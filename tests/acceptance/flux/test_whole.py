"""The Flux example as its users have it: by command, on a hub, when things break."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import replicate
from tests.acceptance.flux.conftest import FLUX, image_of, served
from tests.acceptance.hub_process import HubProcess

pytestmark = [pytest.mark.acceptance, pytest.mark.slow, pytest.mark.timeout(600)]

INPUT = {
    "prompt": "a lighthouse",
    "seed": 1,
    "num_inference_steps": 2,
    "width": 128,
    "height": 128,
    "output_format": "png",
    "num_outputs": 2,
}


def test_the_command_writes_the_pictures(project):
    inputs = [word for name, value in INPUT.items() for word in ("-i", f"{name}={value}")]

    done = project("predict", *inputs)

    assert done.returncode == 0, done.stderr
    assert "Memory plan cpu: there is no GPU" in done.stderr
    made = sorted(project.folder.glob("output*.png"))
    assert [image_of(it.read_bytes()).size for it in made] == [(128, 128)] * 2


def test_a_pushed_model_makes_pictures_on_a_hub_for_the_official_client(
    project, start_hub, flux, tmp_path
):
    hub: HubProcess = start_hub(tmp_path / "data")
    own = {"DOCKER_CONFIG": str(tmp_path / "docker"), "COG_DATA_DIR": str(tmp_path / "author")}
    login = project("login", "--token-stdin", hub.address, stdin=hub.token, **own)
    assert login.returncode == 0, login.stderr
    push = project("push", f"{hub.administrator}/flux", **own)
    assert push.returncode == 0, push.stderr
    with closing_client(hub) as client:
        made = client.run(f"{hub.administrator}/flux", input=INPUT)
        contents = [it.read() for it in made]
        [prediction] = list(client.predictions.list())

    assert contents == flux.pictures(**INPUT)
    assert prediction.metrics["seed"] == 1
    assert "Steps: 100%" in prediction.logs


@contextmanager
def closing_client(hub: HubProcess):
    client = replicate.Client(base_url=hub.address, api_token=hub.token)
    yield client
    client._client.close()


@pytest.mark.parametrize("name", ["cog.yaml", "cog.cpu.yaml", "cog.seed.yaml"])
def test_the_packages_of_each_config_can_be_had_together(project, name):
    shutil.copyfile(FLUX / name, project.folder / "cog.yaml")
    plan = project("debug")
    assert plan.returncode == 0, plan.stderr
    wanted = "\n".join(json.loads(plan.stdout)["requirements"])

    done = subprocess.run(
        [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--python-version", "3.11",
         "--python-platform", "x86_64-manylinux_2_28", "--only-binary", ":all:", "-"],
        input=wanted, capture_output=True, text=True, check=False, env=dict(project.environ),
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    names = {line.partition("==")[0] for line in done.stdout.splitlines() if "==" in line}
    assert {"torch", "diffusers", "transformers", "peft"} <= names
    assert ("torchvision" in names) == (name == "cog.seed.yaml")


def test_a_lora_that_was_half_there_when_the_worker_was_killed_is_fetched_whole(
    made, torch_environ, sites, tmp_path
):
    with served(made, {**torch_environ, **sites.environ}, tmp_path) as flux:
        lora = [f"{sites.address}/slow/other.safetensors"]
        asking = threading.Thread(target=lambda: flux.predict(hf_loras=lora))
        asking.start()
        assert sites.has_begun.wait(60)
        os.kill(worker_of(flux.serving.process.pid), signal.SIGKILL)
        asking.join()
        sites.may_end.set()
        flux.serving.wait_until_ready()

        again = flux.predict(hf_loras=lora)

        assert again["status"] == "succeeded", again
        assert again["output"] == flux.predict(hf_loras=["other.safetensors"])["output"]


def worker_of(pid: int) -> int:
    """Return the process that runs the model, below another."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                words = (process / "cmdline").read_bytes()
                if b"cog.worker" in words and pid in ancestors(process):
                    return int(process.name)
    raise AssertionError("no worker")


def ancestors(process: Path) -> set[int]:
    found = set[int]()
    while (pid := int(process.name)) > 1:
        found.add(pid)
        process = Path("/proc", (process / "stat").read_text().rpartition(")")[2].split()[1])
    return found


def test_a_full_disk_is_said_and_pictures_without_loras_are_still_made(
    made, torch_environ, sites, tmp_path
):
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    (tmp_path / "disk").mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1M", "tmpfs", tmp_path / "disk"], check=True
    )
    try:
        with served(made, {**torch_environ, **sites.environ}, tmp_path / "disk") as flux:
            error = flux.error(hf_loras=[f"{sites.address}/files/other.safetensors"])

            assert "No room for" in error
            assert flux.picture()
            assert flux.picture(hf_loras=["other.safetensors"])
    finally:
        subprocess.run(["umount", tmp_path / "disk"], check=True)
