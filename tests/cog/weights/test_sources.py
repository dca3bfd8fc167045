"""`hf://` and `s3://` go by way of their own libraries, to a stand-in for the sites."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.cog.weights.file_server import serving

SDK = Path(__file__).parents[3] / "sdk"
CONTENT = b"weights" * 1_000_000
FETCH = """
import sys
for name in sys.argv[2:]:
    sys.modules[name] = None
from cog.errors import FetchError
from cog.weights import fetch
try:
    fetch(sys.argv[1], "it")
except FetchError as error:
    sys.exit(str(error))
"""


@pytest.fixture
def server():
    names = [
        "/owner/name/resolve/main/deep/model.safetensors",
        "/owner/name/resolve/v1.0/model.safetensors",
        "/owner/name/resolve/refs%2Fpr%2F1/model.safetensors",
        "/datasets/owner/name/resolve/main/a.bin",
        "/bucket/deep/a%20key",
    ]
    with serving(dict.fromkeys(names, CONTENT)) as running:
        yield running


@pytest.fixture
def fetched(server, tmp_path):
    def run(url, *missing, **environ):
        sites = {"HF_ENDPOINT": server.address, "AWS_ENDPOINT_URL_S3": server.address}
        environ = {**sites, "HOME": str(tmp_path), "PYTHONPATH": str(SDK), **environ}
        done = subprocess.run(
            [sys.executable, "-c", FETCH, url, *missing], cwd=tmp_path, env=environ,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        if done.returncode:
            return done.stderr.strip()
        return (tmp_path / "it").read_bytes()

    return run


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("hf://owner/name/deep/model.safetensors", "/owner/name/resolve/main/deep/"),
        ("huggingface://owner/name@v1.0/model.safetensors", "/owner/name/resolve/v1.0/"),
        ("hf://owner/name@refs%2Fpr%2F1/model.safetensors", "/owner/name/resolve/refs%2Fpr%2F1/"),
        ("hf://datasets/owner/name/a.bin", "/datasets/owner/name/resolve/main/"),
    ],
)
def test_a_file_of_hugging_face(server, fetched, url, path):
    assert fetched(url, HF_TOKEN="hf_secret") == CONTENT

    assert all(it.startswith(path) for it in server.asked)
    assert {it["Authorization"] for it in server.seen} == {"Bearer hf_secret"}


def test_without_a_token_none_is_said(server, fetched):
    assert fetched("hf://owner/name@v1.0/model.safetensors") == CONTENT

    assert not any("Authorization" in it for it in server.seen)


def test_a_file_of_s3(server, fetched):
    keys = {"AWS_ACCESS_KEY_ID": "key-id", "AWS_SECRET_ACCESS_KEY": "secret"}

    assert fetched("s3://bucket/deep/a key", **keys, AWS_DEFAULT_REGION="eu-west-1") == CONTENT

    assert all("Signature=" in it["query"] for it in server.seen)


def test_a_public_bucket_needs_no_keys(server, fetched):
    off = {"AWS_EC2_METADATA_DISABLED": "true"}

    assert fetched("s3://bucket/deep/a key", **off) == CONTENT

    assert not any("Signature" in it["query"] for it in server.seen)


@pytest.mark.parametrize(
    ("url", "missing", "said"),
    [
        ("hf://owner/name", [], "Not hf://OWNER/NAME[@REVISION]/PATH: hf://owner/name"),
        ("s3://bucket", [], "Not s3://BUCKET/KEY: s3://bucket"),
        ("s3://bucket/none", [], "404 Not Found: s3://bucket/none"),
        ("s3://UPPER bucket/x", [], ": s3://UPPER bucket/x"),
        ("hf://a/b/c", ["huggingface_hub"], "Needs the package `huggingface_hub` in the model's"),
        ("s3://a/b", ["boto3"], "Needs the package `boto3` in the model's environment: s3://a/b"),
    ],
)
def test_what_cannot_be_had_is_one_error_without_secrets(fetched, url, missing, said):
    keys = {"AWS_ACCESS_KEY_ID": "key-id", "AWS_SECRET_ACCESS_KEY": "secret"}

    error = fetched(url, *missing, **keys)

    assert said in error
    assert "key-id" not in error
    assert "Signature" not in error
