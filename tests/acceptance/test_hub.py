"""A hub as its operator runs it, models as their authors push them, and the official client."""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from replicate.exceptions import ReplicateError
from tests.acceptance.hub_process import HubProcess

pytestmark = [pytest.mark.acceptance, pytest.mark.slow, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]


@pytest.fixture
def hub(start_hub, tmp_path) -> HubProcess:
    return start_hub(tmp_path / "data")


def pushed(person, hub: HubProcess, name: str, *, token: str, home: Path) -> str:
    """Log in and push a project as its author does, and return what the client calls it."""
    own = {"DOCKER_CONFIG": str(home / "docker"), "COG_DATA_DIR": str(home / "author")}
    login = person("login", "--token-stdin", hub.address, stdin=token, **own)
    assert login.returncode == 0, login.stderr
    push = person("push", name, **own)
    assert push.returncode == 0, push.stderr
    [version] = re.findall(r"sha256:([0-9a-f]{64})", push.stdout)
    return f"{name}:{version}"


def test_a_pushed_model_survives_a_crash_and_a_move(hub, start_hub, client_of, example, tmp_path):
    """It runs by the official client; after `kill -9`; and from a backup, in another folder."""
    hub.run("user", "create", "alice")
    token = hub.run("token", "create", "alice").strip()
    hello = pushed(example("hello-world"), hub, "alice/hello-world", token=token, home=tmp_path)

    assert client_of(hub, token).run(hello, input={"text": "python"}) == "hello python"
    [instance] = hub.run("instances").splitlines()
    assert " ready " in instance
    assert hello[:20] in instance

    hub.kill()
    hub.restart()

    assert client_of(hub, token).run(hello, input={"text": "again"}) == "hello again"
    hub.run("backup", str(tmp_path / "backup"))
    hub.run("user", "create", "too-late")
    hub.stop()
    new = tmp_path / "new"
    hub.run("restore", str(tmp_path / "backup"), "--data", str(new), **HubProcess.rows_of(new))
    restored = start_hub(new)

    assert client_of(restored, token).run(hello, input={"text": "there"}) == "hello there"
    assert "too-late" not in restored.run("user", "list")


def test_what_an_operator_sets_holds_at_once_in_a_running_hub(hub, client_of, example, tmp_path):
    for name in ("alice", "bob"):
        hub.run("user", "create", name)
    tokens = {name: hub.run("token", "create", name).strip() for name in ("alice", "bob")}
    hello = pushed(
        example("hello-world"), hub, "alice/hello-world", token=tokens["alice"], home=tmp_path
    )
    bob = client_of(hub, tokens["bob"])

    with pytest.raises(ReplicateError) as private:
        bob.run(hello, input={"text": "bob"})
    hub.run("model", "visibility", "alice/hello-world", "public")
    assert bob.run(hello, input={"text": "bob"}) == "hello bob"
    [ran] = bob.predictions.list().results
    assert json.loads(hub.run("logs", ran.id, "--json"))["kind"] == "prediction"
    hub.run("token", "revoke", stdin=tokens["bob"])
    with pytest.raises(ReplicateError) as revoked:
        bob.run(hello, input={"text": "bob"})

    assert private.value.status in {404, 422}
    assert revoked.value.status == 401


def test_a_prediction_that_a_stop_interrupts_runs_after_the_next_start(
    hub, client_of, example, tmp_path
):
    person = example("hello-world")
    (person.folder / "predict.py").write_text(WAITING)
    waiting = pushed(person, hub, f"{hub.administrator}/waiting", token=hub.token, home=tmp_path)
    begun, gate = tmp_path / "begun", tmp_path / "gate"
    os.mkfifo(begun)
    client = client_of(hub)

    with ThreadPoolExecutor() as threads:
        held = threads.submit(
            client.predictions.create,
            version=waiting.partition(":")[2],
            input={"begun": str(begun), "gate": str(gate)},
            wait=60,
        )
        assert begun.read_text() == "begun"  # it is there when the model has opened it
        assert hub.stop() == 0
    assert held.result().status == "starting"  # an answer: who gets none asks again
    gate.touch()
    hub.restart()

    ended = client.predictions.get(held.result().id)
    ended.wait()
    assert (ended.status, ended.output) == ("succeeded", "opened")


WAITING = """
import os
import time

from cog import BasePredictor


class Predictor(BasePredictor):
    def predict(self, begun: str, gate: str) -> str:
        try:
            pipe = os.open(begun, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads it: this is the second attempt
            pass
        else:
            os.write(pipe, b"begun")
            os.close(pipe)
        while not os.path.exists(gate):
            time.sleep(0.01)
        return "opened"
"""


def test_the_quickstart_walks_the_whole_road(start_hub, environ, tmp_path):
    """On a folder that has been used before, as when it is run again."""
    hub = start_hub(tmp_path / "hub")
    hub.run("user", "create", "alice")
    hub.stop()
    command = [sys.executable, "examples/quickstart.py", "--once", "--data", str(hub.folder)]

    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**environ, **HubProcess.rows_of(hub.folder)},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "'hello python'" in done.stdout
    assert "Let us first determine markers of the coins" in done.stdout
    assert (ROOT / "examples" / "output.png").read_bytes().startswith(b"\x89PNG")
