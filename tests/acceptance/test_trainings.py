"""Trainings with the official Python client: what `examples/train` learns becomes a version."""

import json
import shutil
import sys
from pathlib import Path

import pytest
import replicate
from replicate.exceptions import ReplicateError
from tests.acceptance.client_models import Receiver, client_hub, cog, push

from coghub.trainings.outcome import NO_WEIGHTS

pytestmark = [pytest.mark.acceptance, pytest.mark.slow, pytest.mark.timeout(300)]

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
EXAMPLE = Path(__file__).parents[2] / "examples" / "train"
SLOW = """\
import time
from cog import BasePredictor, Input

class Predictor(BasePredictor):
    def predict(self) -> str:
        return "nothing"

def train(how: str = Input(default="sleep")) -> str:
    print("training begins", flush=True)
    if how == "fail":
        raise ValueError("no luck")
    if how == "sleep":
        time.sleep(60)
    return how
"""
SLOW_YAML = """\
build:
  python_version: "{version}"
predict: "predict.py:Predictor"
train: "predict.py:train"
"""


@pytest.fixture(scope="module")
def hub(environ, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trainings")
    with client_hub(folder, environ, names=()) as running:
        yield running


@pytest.fixture(scope="module")
def trainer(hub, tmp_path_factory):
    """The example, pushed."""
    project = tmp_path_factory.mktemp("projects") / "train"
    shutil.copytree(EXAMPLE, project)
    config = project / "cog.yaml"
    config.write_text(config.read_text().replace("3.12", PYTHON))
    return push(hub.process, project, hub.model("sorter"))


@pytest.fixture(scope="module")
def sleeper(hub, tmp_path_factory):
    project = tmp_path_factory.mktemp("sleeper")
    (project / "cog.yaml").write_text(SLOW_YAML.format(version=PYTHON))
    (project / "predict.py").write_text(SLOW)
    return push(hub.process, project, hub.model("sleeper"))


@pytest.fixture
def client(hub):
    made = replicate.Client(api_token=hub.token, base_url=hub.address)
    yield made
    made._client.close()


@pytest.fixture(scope="module")
def destination(hub):
    client = replicate.Client(api_token=hub.token, base_url=hub.address)
    client.models.create(hub.owner, "sorted", visibility="private", hardware="cpu")
    client._client.close()
    return hub.model("sorted")


def wait(client, training):
    """Wait as for a prediction, as which a training can be fetched too."""
    client.predictions.get(training.id).wait()
    training.reload()


def test_what_was_learnt_becomes_a_version(client, hub, trainer, destination):
    with (EXAMPLE / "messages.csv").open("rb") as messages:
        training = client.trainings.create(
            version=trainer, input={"messages": messages}, destination=destination
        )
    assert training.status == "starting"

    wait(client, training)

    assert (training.status, training.error) == ("succeeded", None)
    assert training.logs is not None
    assert "billing: 71 words" in training.logs
    version = training.output["version"]
    assert version == f"{destination}:{client.models.get(destination).latest_version.id}"
    assert client.run(version, input={"text": "Where is my parcel?"})["label"] == "delivery"
    assert client.predictions.get(training.id).status == "succeeded"
    assert training.id in [it.id for it in client.trainings.list()]
    assert training.id not in [it.id for it in client.predictions.list()]


def test_what_was_learnt_is_pulled_and_run_elsewhere(client, hub, trainer, tmp_path):
    """Names without a tag mean the model's latest version, as at the API."""
    client.models.create(hub.owner, "taught", visibility="private", hardware="cpu")
    name = f"{hub.address.removeprefix('http://')}/{hub.model('taught')}"
    with (EXAMPLE / "messages.csv").open("rb") as messages:
        training = client.trainings.create(
            version=trainer, input={"messages": messages}, destination=hub.model("taught")
        )
    wait(client, training)
    version_id = training.output["version"].partition(":")[2]

    assert f"sha256:{version_id}" in cog(hub.process, tmp_path, "pull", name)
    said = cog(hub.process, tmp_path, "predict", name, "-i", "text=Where is my parcel?")
    assert '"label": "delivery"' in said
    hub.process.run("gc")
    assert '"label": "delivery"' in cog(
        hub.process, tmp_path, "predict", f"{name}@sha256:{version_id}", "-i", "text=My parcel"
    )


def test_a_training_is_canceled(client, sleeper, destination):
    training = client.trainings.create(version=sleeper, input={}, destination=destination)

    training.cancel()

    training.reload()
    assert training.status == "canceled"


def test_one_that_fails_or_returns_no_weights_makes_no_version(client, sleeper, destination):
    before = [it.id for it in client.models.get(destination).versions.list()]

    ends = []
    for how in ("fail", "return"):
        training = client.trainings.create(
            version=sleeper, input={"how": how}, destination=destination
        )
        wait(client, training)
        ends.append((training.status, training.error))

    assert [status for status, _ in ends] == ["failed", "failed"]
    assert "no luck" in ends[0][1]
    assert ends[1][1] == NO_WEIGHTS
    assert [it.id for it in client.models.get(destination).versions.list()] == before


def test_a_webhook_is_told_of_the_end(client, sleeper, destination):
    with Receiver() as receiver:
        client.trainings.create(
            version=sleeper,
            input={"how": "fail"},
            destination=destination,
            webhook=receiver.url,
            webhook_events_filter=["completed"],
        )

        _, body = receiver.received.get(timeout=60)

    told = json.loads(body)
    assert told["status"] == "failed"
    assert "/trainings/" in told["urls"]["get"]


def test_an_unknown_destination_is_refused(client, hub, sleeper):
    with pytest.raises(ReplicateError, match="destination does not exist"):
        client.trainings.create(version=sleeper, input={}, destination=hub.model("nothing"))
