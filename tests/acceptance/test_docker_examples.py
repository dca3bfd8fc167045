"""Each example as an image: pushed to a hub, which runs it in a container."""

import hashlib
import hmac
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.acceptance.conftest import Person, data_uri
from tests.acceptance.docker_hub import DockerHub

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class Pushed:
    """A version on a hub, and the project that it was made of."""

    there: DockerHub
    name: str
    version: str

    @property
    def folder(self) -> Path:
        return self.there.cog.folder

    def predict(self, **given):
        done = self.there.predict(self.version, **given)
        assert done["status"] == "succeeded", done
        return done

    def content_of(self, url: str) -> bytes:
        """Fetch an output file, as a client of the API does."""
        headers = {"Authorization": f"Bearer {self.there.hub.token}"}
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            return answer.read()


@pytest.fixture
def push(started, example):
    """Push an example as an image, after some other commands in its folder."""

    def pushed(name, *before):
        there = started()
        there.cog = Person(example(name).folder, there.cog.environ)
        for command in before:
            done = there.cog(*command)
            assert done.returncode == 0, done.stderr
        version = there.push(name, "--image")
        return Pushed(there, f"{there.hub.administrator}/{name}", version)

    return pushed


def test_hello_world(push):
    assert push("hello-world").predict(text="hub")["output"] == "hello hub"


def test_resize(push):
    model = push("resize")

    done = model.predict(image=data_uri(model.folder / "input.jpg", "image/jpeg"), scale=2)

    assert model.content_of(done["output"]).startswith(b"\x89PNG")
    assert "Resizing 451x300 to 902x600" in done["logs"]


def test_ocr(push):
    model = push("ocr")

    output = model.predict(image=data_uri(model.folder / "scan.png", "image/png"))["output"]

    assert "Region-based segmentation" in output["text"]
    assert model.content_of(output["image"]).startswith(b"\x89PNG")


def test_stream_text(push):
    done = push("stream-text").predict(seed=7, max_words=14, delay=0)

    assert len("".join(done["output"]).split()) == 14


def test_concurrent(push):
    done = push("concurrent").predict(text="one", seconds=0)

    assert done["output"] == {"text": "ONE", "running": 1}


def test_secret_and_context(push):
    done = push("secret-and-context").predict(message="pay 10", key="hunter2")

    expected = hmac.new(b"hunter2", b"pay 10", hashlib.sha256).hexdigest()
    assert done["output"] == {"signature": expected, "signed_for": "nobody"}
    assert "hunter2" not in str(done)


def test_train(push):
    """A training in a container makes its weights; a variable of the model chooses them."""
    model = push("train", ["train", "-i", "messages=@messages.csv"])
    model.there.hub.run("env", "set", model.name, "COG_WEIGHTS", stdin="weights.json")

    done = model.predict(text="Where is my parcel?")

    assert done["output"]["label"] == "delivery"
