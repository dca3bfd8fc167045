"""A hub whose objects are in a bucket, as its operator runs it: everything goes on as before."""

import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from tests.acceptance.hub_process import COGHUB, HubProcess

pytestmark = [pytest.mark.acceptance, pytest.mark.slow, pytest.mark.timeout(300)]

COUNT = 10 * 1024**2
"""Bytes of the file that comes back: it goes into the bucket in two parts."""
PREDICT = f"""
from cog import BasePredictor, Path


class Predictor(BasePredictor):
    def predict(self, file: Path) -> Path:
        weights = open("weights.bin", "rb").read()
        output = Path("output.bin")
        output.write_bytes((file.read_bytes() + weights)[:{COUNT}])
        return output
"""


@pytest.fixture
def place(s3):
    return s3.new_place()


@pytest.fixture
def s3_environ(environ, s3, place):
    return {**environ, **s3.environ, "COGHUB_STORAGE": str(place)}


@pytest.fixture
def stored(s3, place):
    """Return the kinds of what is in the bucket."""

    def kinds():
        return {it.removeprefix(f"{place.prefix}/").partition("/")[0] for it in s3.keys(place)}

    return kinds


@pytest.fixture
def hub(s3_environ, tmp_path):
    started = HubProcess(tmp_path / "data", s3_environ)
    yield started
    started.kill()


@pytest.fixture
def project(example):
    person = example("hello-world")
    (person.folder / "cog.yaml").write_text(
        re.sub(r"(?m)^predict:.*$", 'predict: "predict.py:Predictor"', _config(person.folder))
    )
    (person.folder / "predict.py").write_text(PREDICT)
    (person.folder / "weights.bin").write_bytes(bytes(range(256)) * (COUNT // 256))
    return person


def _config(folder: Path) -> str:
    return (folder / "cog.yaml").read_text()


def part_of(url: str, part: str = "") -> tuple[int, bytes]:
    request = urllib.request.Request(url, headers={"Range": part} if part else {})
    with urllib.request.urlopen(request) as answer:
        return answer.status, answer.read()


def test_a_model_is_pushed_run_pulled_and_still_there_after_a_crash(
    hub, project, client_of, stored, tmp_path
):
    own = {"DOCKER_CONFIG": str(tmp_path / "docker"), "COG_DATA_DIR": str(tmp_path / "author")}
    login = project("login", "--token-stdin", hub.address, stdin=hub.token, **own)
    assert login.returncode == 0, login.stderr
    name = f"{hub.administrator}/joined"
    push = project("push", name, **own)
    assert push.returncode == 0, push.stderr
    [version] = re.findall(r"sha256:([0-9a-f]{64})", push.stdout)
    client = client_of(hub)
    said = tmp_path / "input.txt"
    said.write_bytes(b"begin")

    prediction = client.predictions.create(
        version=version, input={"file": client.files.create(said).urls["get"]}
    )
    prediction.wait()

    assert prediction.status == "succeeded", prediction.error
    url = hub.get(f"/v1/predictions/{prediction.id}")["output"]
    assert part_of(url)[1][:9] == b"begin\0\1\2\3"
    assert part_of(url, "bytes=3-5") == (206, b"in\0")
    assert part_of(url, f"bytes={COUNT - 5}-") == (206, b"\xf6\xf7\xf8\xf9\xfa")
    assert stored() == {"coghub-owner", "blobs", "files", "prediction-files"}
    assert not [it for it in (hub.folder / "storage").rglob("*") if it.is_file()]

    hub.kill()
    hub.restart()
    hub.run("gc")

    pulled = project(
        "pull", f"{hub.address}/{name}@sha256:{version}", **own | {"COG_DATA_DIR": str(tmp_path)}
    )
    assert pulled.returncode == 0, pulled.stderr
    backed = subprocess.run(
        [COGHUB, "backup", str(tmp_path / "backup")],
        env=hub.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "were not copied, they are in s3://" in backed.stderr


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"COGHUB_STORAGE": "s3://no-such-bucket/hub"}, "NoSuchBucket"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "error sending request"),
        ({"COGHUB_STORAGE": "/no/such/folder"}, "cannot be used: It is no folder: /no/such/folder"),
        ({"COGHUB_STORAGE": "gs://bucket"}, "is not an address such as s3://bucket/prefix"),
    ],
)
def test_a_place_that_cannot_be_used_is_one_clear_error(s3_environ, tmp_path, said, reason):
    done = subprocess.run(
        [COGHUB, "up", "--port", "0", "--data", str(tmp_path / "data")],
        env={**s3_environ, **said},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode in {1, 2}
    [error] = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert reason in error
    assert "Traceback" not in done.stderr
    assert sys.executable not in done.stderr
