"""The beta of the official Python client's second version, as its users write it."""

import json
import secrets
import shutil
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from tests.acceptance.client_models import MODELS, client_hub

pytestmark = [pytest.mark.acceptance, pytest.mark.slow, pytest.mark.timeout(300)]

VERSION = "2.0.0b4"
NAMES = [*MODELS, "learn"]
PRELUDE = """\
import io, json, os
import replicate
from replicate import Replicate
given = json.loads(os.environ["GIVEN"])
owner = os.environ["OWNER"]
client = Replicate()
def tell(value):
    print(json.dumps(value), flush=True)
def path_of(it):
    return open(it).read()
"""


@pytest.fixture(scope="session")
def beta_folder(request, tmp_path_factory):
    """A folder with the client and what it needs; kept in pytest's cache."""
    folder = request.config.cache.mkdir("replicate-beta") / VERSION
    if not folder.exists():
        made = folder.with_name(secrets.token_hex(8))
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", made]
        done = subprocess.run(
            [*command, f"replicate=={VERSION}"],
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"pip could not install the client: {done.stderr[-300:]}")
        with suppress(OSError):  # another process of the tests was first
            made.rename(folder)
        shutil.rmtree(made, ignore_errors=True)
    return folder


@pytest.fixture(scope="module")
def hub(environ, tmp_path_factory, beta_folder):
    with client_hub(tmp_path_factory.mktemp("beta"), environ, names=NAMES) as running:
        yield running


@pytest.fixture
def beta(hub, beta_folder):
    """Run a script with the client, and return what it told."""

    def run(script, **given):
        environ = {
            "PATH": hub.process.environ["PATH"],
            "PYTHONPATH": str(beta_folder),
            "REPLICATE_BASE_URL": f"{hub.address}/v1",
            "REPLICATE_API_TOKEN": hub.token,
            "OWNER": hub.owner,
            "GIVEN": json.dumps(given),
        }
        done = subprocess.run(
            [sys.executable, "-c", PRELUDE + script],
            env=environ,
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def test_a_model_is_run_by_version_and_by_name(beta, hub):
    script = """
tell(client.run(given["version"], input={"text": "two"}))
tell(client.run(f"{owner}/greet", input={"text": "name"}))
tell(replicate.run(f"{owner}/greet", input={"text": "module"}))
tell(client.run(f"{owner}/words", input={"text": "a b"}))
"""
    assert beta(script, version=hub.versions["greet"]) == [
        "hello two",
        "hello name",
        "hello module",
        ["a ", "b "],
    ]


def test_a_file_goes_in_and_comes_out(beta):
    script = """
output = client.run(f"{owner}/turn", input={"image": io.BytesIO(b"abc")})
tell([type(output).__name__, output.read().decode()])
"""
    assert beta(script) == [["FileOutput", "cba"]]


def test_a_model_is_used_as_a_function(beta, hub):
    script = """
greet = replicate.use(f"{owner}/greet")
tell(greet(text="use"))
made = replicate.use(given["version"]).create(text="made")
tell(str(made.output()))
turn = replicate.use(f"{owner}/turn")
tell(path_of(turn(image=io.BytesIO(b"abc"))))
tell(replicate.use(f"{owner}/words")(text="a b") and "words")
"""
    assert beta(script, version=hub.versions["greet"]) == [
        "hello use",
        "hello made",
        "cba",
        "words",
    ]


def test_words_are_streamed_by_asking_again(beta):
    script = """
tell(list(replicate.use(f"{owner}/words", streaming=True)(text="one two")))
tell([str(it) for it in replicate.stream(f"{owner}/words", input={"text": "one two"})])
"""
    assert beta(script) == [["one ", "two "], ["one ", "two "]]


def test_code_that_is_async_runs_models_too(beta):
    script = """
import asyncio
from replicate import AsyncReplicate
async def main():
    async with AsyncReplicate() as client:
        tell(await client.run(f"{owner}/greet", input={"text": "async"}))
        tell(await replicate.use(f"{owner}/greet", use_async=True)(text="used"))
        tell((await client.account.get()).username == owner)
asyncio.run(main())
"""
    assert beta(script) == ["hello async", "hello used", True]


def test_predictions_are_made_found_and_canceled(beta, hub):
    script = """
made = client.predictions.create(version=given["version"], input={"text": "p"}, prefer="wait")
tell([made.status, made.output])
tell(client.predictions.wait(made.id).status)
tell(client.predictions.get(prediction_id=made.id).id == made.id)
tell(made.id in {it.id for it in client.predictions.list()})
late = client.predictions.list(created_after="2999-01-01T00:00:00Z")
tell(len(late.results))
by_model = client.models.predictions.create(
    model_owner=owner, model_name="slow", input={"seconds": 600}, cancel_after="1h")
tell(client.predictions.cancel(prediction_id=by_model.id).status)
"""
    told = beta(script, version=hub.version_id("greet"))

    assert told == [["succeeded", "hello p"], "succeeded", True, True, 0, "canceled"]


def test_a_hold_that_is_too_short_makes_no_second_prediction(beta, hub):
    """The client gives up after 60 s and would ask again: the hub answers before."""
    script = """
tell(client.run(f"{owner}/slow", input={"seconds": 62}))
tell([it.status for it in client.predictions.list() if it.input == {"seconds": 62}])
"""
    assert beta(script) == ["slept", ["succeeded"]]


def test_a_time_out_and_another_try_make_no_second_prediction(beta, hub):
    script = """
hasty = Replicate(timeout=3, max_retries=20)
made = hasty.predictions.create(
    version=given["version"], input={"seconds": 4.5}, prefer="wait")
tell([made.status, made.output])
tell([it.id == made.id for it in client.predictions.list() if it.input == {"seconds": 4.5}])
"""
    told = beta(script, version=hub.version_id("slow"))

    assert told == [["succeeded", "slept"], [True]]


def test_an_answer_that_is_lost_makes_no_second_prediction_or_training(beta, hub):
    script = """
def through(port):
    return Replicate(base_url=f"http://127.0.0.1:{port}/v1")
made = through(given["ports"][0]).predictions.create(
    version=given["version"], input={"text": "lost"})
tell([it.id == made.id for it in client.predictions.list() if it.input == {"text": "lost"}])
client.models.create(owner=owner, name="lost", visibility="private", hardware="cpu")
trained = through(given["ports"][1]).trainings.create(
    model_owner=owner, model_name="learn", version_id=given["trainer"],
    destination=f"{owner}/lost", input={"text": "lost"})
tell([it.id == trained.id for it in client.trainings.list() if it.input == {"text": "lost"}])
"""
    with losing_answer(hub.process.port) as first, losing_answer(hub.process.port) as second:
        told = beta(
            script,
            version=hub.version_id("greet"),
            trainer=hub.version_id("learn"),
            ports=[first.port, second.port],
        )
        assert (first.lost, second.lost) == (1, 1)

    assert told == [[True], [True]]


class losing_answer:  # noqa: N801 - reads as a context manager
    """A port that leads to another, and ends its first connection where the answer begins."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.lost = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _accept(self):
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=[source, sink], daemon=True).start()

    def _pass(self, source, sink):
        with suppress(OSError):
            while content := source.recv(65536):
                if source.getpeername()[1] == self.target and not self.lost:
                    self.lost += 1
                    break
                sink.sendall(content)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def test_models_are_managed(beta, hub):
    hub.process.run("model", "visibility", hub.model("words"), "public")
    script = """
models, names = client.models, {"model_owner": owner, "model_name": "beta"}
sku = client.hardware.list()[0].sku
made = models.create(owner=owner, name="beta", visibility="private", hardware=sku)
tell([made.name, made.latest_version])
tell(models.update(**names, description="New", readme="# Beta").description)
tell(models.readme.get(**names))
tell(len(models.examples.list(**names).results))
tell(models.get(**names).description)
tell("words" in {it.name for it in models.list(sort_by="model_created_at")})
tell("words" in {it.name for it in models.search(body="words").results})
tell([it.model.name for it in client.search(query="words").models])
models.delete(**names)
try:
    models.get(**names)
except replicate.NotFoundError as error:
    tell(error.status_code)
"""
    assert beta(script) == [
        ["beta", None],
        "New",
        "# Beta",
        0,
        "New",
        True,
        True,
        ["words"],
        404,
    ]


def test_versions_are_read_and_removed(beta, hub):
    script = """
versions, names = client.models.versions, {"model_owner": owner, "model_name": "turn-all"}
tell([it.id for it in versions.list(**names).results] == [given["version"]])
tell(versions.get(**names, version_id=given["version"]).cog_version is not None)
versions.delete(**names, version_id=given["version"])
tell(len(versions.list(**names).results))
"""
    assert beta(script, version=hub.version_id("turn-all")) == [True, True, 0]


def test_files_collections_and_the_account_are_read(beta, hub):
    hub.process.run("collection", "create", "texts", "--name", "Texts")
    hub.process.run("collection", "add", "texts", hub.model("greet"))
    script = """
import base64, hashlib, hmac
file = client.files.create(content=b"abc", metadata={"a": "b"})
tell([file.size, file.metadata])
tell(client.files.get(file_id=file.id).id == file.id)
tell(file.id in {it.id for it in client.files.list()})
key = client.webhooks.default.secret.get().key
expiry = 4102444800
signed = f"{owner} {file.id} {expiry}".encode()
made = hmac.new(base64.b64decode(key.removeprefix("whsec_")), signed, hashlib.sha256).digest()
signature = base64.b64encode(made).decode()
got = client.files.download(file_id=file.id, owner=owner, expiry=expiry, signature=signature)
tell(got.read().decode())
client.files.delete(file_id=file.id)
tell([it.slug for it in client.collections.list()])
tell([it.name for it in client.collections.get(collection_slug="texts").models])
tell(client.account.get().username)
"""
    told = beta(script)

    assert told == [[3, {"a": "b"}], True, True, "abc", ["texts"], ["greet"], hub.owner]


def test_a_failure_and_a_refusal_are_raised(beta):
    script = """
from replicate.lib._predictions_run import ModelError
try:
    client.run(f"{owner}/greet", input={"text": "fail"})
except ModelError as error:
    tell("no greeting" in str(error))
try:
    client.run(f"{owner}/greet", input={"count": 10})
except replicate.UnprocessableEntityError as error:
    tell(error.body["title"])
"""
    assert beta(script) == [True, "Input validation failed"]


def test_a_training_is_made_read_listed_and_makes_a_version(beta, hub):
    script = """
models, trainings = client.models, client.trainings
models.create(owner=owner, name="learnt", visibility="private", hardware="cpu")
made = trainings.create(
    model_owner=owner, model_name="learn", version_id=given["version"],
    destination=f"{owner}/learnt", input={"text": "by beta"})
tell([made.status, made.output, made.model == f"{owner}/learn", made.version])
tell(client.predictions.wait(made.id).status)
got = trainings.get(training_id=made.id)
tell([got.status, got.logs.endswith("learning by beta\\n"), got.error])
tell(got.output.version.partition(":")[0] == f"{owner}/learnt")
tell(client.run(got.output.version, input={}))
tell(client.run(f"{owner}/learnt", input={}))
tell(made.id in {it.id for it in trainings.list()})
tell(made.id in {it.id for it in client.predictions.list()})
as_prediction = client.predictions.get(prediction_id=made.id)
tell(as_prediction.output["version"] == got.output.version)
"""

    told = beta(script, version=hub.version_id("learn"))

    assert told == [
        ["starting", None, True, hub.version_id("learn")],
        "succeeded",
        ["succeeded", True, None],
        True,
        "learnt by beta",
        "learnt by beta",
        True,
        False,
        True,
    ]


def test_trainings_are_canceled_as_trainings_and_as_predictions(beta, hub):
    script = """
client.models.create(owner=owner, name="gone", visibility="private", hardware="cpu")
def make(**input):
    return client.trainings.create(
        model_owner=owner, model_name="learn", version_id=given["version"],
        destination=f"{owner}/gone", input=input)
first, second = make(text="x", seconds=600), make(text="x", seconds=600)
tell(client.trainings.cancel(training_id=first.id).status)
tell(client.predictions.cancel(prediction_id=second.id).status)
tell(client.trainings.get(training_id=second.id).status)
try:
    make()
except replicate.UnprocessableEntityError as error:
    tell(error.body["detail"])
tell(client.models.get(model_owner=owner, model_name="gone").latest_version)
"""
    told = beta(script, version=hub.version_id("learn"))

    assert told == ["canceled"] * 3 + ["- input: text is required\n", None]


def test_a_deployment_is_made_run_changed_and_deleted(beta, hub):
    script = """
deployments, names = client.deployments, {"deployment_owner": owner, "deployment_name": "beta"}
limits = {"hardware": "cpu", "min_instances": 0, "max_instances": 1}
made = deployments.create(name="beta", **given, **limits)
tell([made.owner == owner, made.current_release.number])
prediction = deployments.predictions.create(
    **names, input={"text": "deployed"}, prefer="wait")
tell(prediction.output)
changed = deployments.update(**names, max_instances=2)
tell([changed.current_release.number, changed.current_release.configuration.max_instances])
tell([it.name for it in deployments.list()])
tell(deployments.get(**names).current_release.model == given["model"])
deployments.create(name="unused", **given, **limits)
deployments.delete(deployment_owner=owner, deployment_name="unused")
tell([it.name for it in deployments.list()])
"""
    told = beta(script, model=hub.model("greet"), version=hub.version_id("greet"))

    assert told == [[True, 1], "hello deployed", [2, 2], ["beta"], True, ["beta"]]


def test_no_method_of_the_client_is_left_out(beta):
    script = """
from replicate._resource import SyncAPIResource
def methods(at, value):
    for name in sorted(dir(type(value))):
        if name.startswith(("_", "with_")):
            continue
        it = getattr(value, name)
        if isinstance(it, SyncAPIResource):
            yield from methods(f"{at}{name}.", it)
        elif isinstance(value, SyncAPIResource) and callable(it):
            yield at + name
tell(sorted(methods("", client)))
"""
    tried = Path(__file__).read_text()

    [methods] = beta(script)

    short = {it.removeprefix("models.versions.").removeprefix("models.") for it in methods}
    assert len(methods) > 20
    assert {it for it in short if f"{it}(" not in tried} == set()
