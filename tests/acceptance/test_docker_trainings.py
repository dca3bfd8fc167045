"""Trainings in containers: what a bundle or an image learns becomes a version that runs in one."""

import io

import pytest

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(600)]

CONFIG = """\
build:
  python_version: "3.11"
predict: "predict.py:Predictor"
train: "predict.py:train"
"""
LEARNER = """\
import os
import tempfile
import time

from cog import BasePredictor, Input, Path


class Predictor(BasePredictor):
    def setup(self, weights: Path | None = None) -> None:
        self.learnt = Path(weights).read_text() if weights else "nothing"

    def predict(self) -> str:
        return f"learnt {self.learnt}"


def train(text: Path, how: str = Input(default="")) -> Path:
    print("learning", text.read_text(), flush=True)
    if how == "fail":
        raise ValueError("no luck")
    if how == "sleep":
        time.sleep(600)
    weights = Path(tempfile.mkdtemp()) / "weights of words.txt"
    weights.write_text(text.read_text().upper())
    return weights
"""


class Learning:
    """A hub, a version that trains, and a model for what comes out."""

    def __init__(self, there, client, *flags):
        self.there, self.client = there, client
        owner = there.hub.administrator
        (there.cog.folder / "cog.yaml").write_text(CONFIG)
        (there.cog.folder / "predict.py").write_text(LEARNER)
        self.trainer = f"{owner}/learner:{there.push('learner', *flags)}"
        self.destination = f"{owner}/learnt"
        client.models.create(owner, "learnt", visibility="private", hardware="cpu")

    def begin(self, **given):
        return self.client.trainings.create(
            version=self.trainer,
            input={"text": io.BytesIO(b"words"), **given},
            destination=self.destination,
        )

    def finish(self, training):
        self.client.predictions.get(training.id).wait()
        training.reload()
        return training


@pytest.fixture
def learning(started, client_of):
    """Start a hub with some settings, and push with some flags."""

    def begin(*flags, **settings):
        there = started(**settings)
        return Learning(there, client_of(there.hub), *flags)

    return begin


@pytest.mark.parametrize("flags", [(), ("--image",)], ids=["bundle", "image"])
def test_what_is_learnt_in_a_container_becomes_a_version(learning, flags):
    here = learning(*flags)

    training = here.finish(here.begin())

    assert (training.status, training.error) == ("succeeded", None)
    assert "learning words" in training.logs
    assert here.client.run(training.output["version"], input={}) == "learnt WORDS"
    assert here.client.run(here.trainer, input={}) == "learnt nothing"
    name = f"{here.there.hub.address.removeprefix('http://')}/{here.destination}"
    pulled = here.there.cog("predict", name)
    assert pulled.stdout == "learnt WORDS\n", pulled.stderr


def test_a_training_ends_with_its_container(learning):
    here = learning()
    failing = here.finish(here.begin(how="fail"))
    sleeping = here.begin(how="sleep")
    while "learning words" not in (sleeping.logs or ""):
        sleeping.reload()
    assert len(here.there.containers()) == 1

    sleeping.cancel()

    sleeping.reload()
    assert (sleeping.status, failing.status, failing.output) == ("canceled", "failed", None)
    assert "no luck" in failing.error
    while here.there.containers():
        sleeping.reload()
    assert here.client.models.get(here.destination).latest_version is None


def test_without_a_network_a_model_is_trained_all_the_same(learning):
    here = learning(docker_network="none")

    training = here.finish(here.begin())

    assert (training.status, training.error) == ("succeeded", None)
    assert here.client.run(training.output["version"], input={}) == "learnt WORDS"
