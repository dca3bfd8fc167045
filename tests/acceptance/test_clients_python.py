"""The official Python client, as its users write it, against a hub on plain http."""

import asyncio
import io
import json
import ssl
from pathlib import Path

import httpx
import pytest
import replicate
from replicate.exceptions import ModelError, ReplicateError
from replicate.helpers import FileOutput
from replicate.model import Model
from replicate.prediction import Prediction
from replicate.resource import Namespace
from replicate.version import Versions
from replicate.webhook import Webhooks
from tests.acceptance.client_models import ClientHub, Receiver, certificate, client_hub

pytestmark = [pytest.mark.acceptance, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def hub(environ, tmp_path_factory):
    with client_hub(tmp_path_factory.mktemp("python"), environ) as running:
        yield running


@pytest.fixture
def client(hub: ClientHub):
    made = replicate.Client(api_token=hub.token, base_url=hub.address)
    yield made
    made._client.close()


def test_text_by_version_and_by_model(client, hub):
    assert client.run(hub.versions["greet"], input={"text": "python"}) == "hello python"
    assert client.run(hub.model("greet"), input={"text": "model"}) == "hello model"


def test_many_at_once_from_async_code(client, hub):
    async def greet(number):
        return await client.async_run(hub.versions["greet"], input={"text": str(number)})

    async def everyone():
        found = await asyncio.gather(*(greet(number) for number in range(20)))
        await client._async_client.aclose()
        return found

    assert asyncio.run(everyone()) == [f"hello {number}" for number in range(20)]


def test_the_first_start_may_take_longer_than_the_hold(client, hub):
    """The hub answers `starting` when the hold is over, and the client goes on asking."""
    assert client.run(hub.versions["slow"], input={}, wait=1) == "slept"


def test_words_come_as_they_are_made(client, hub):
    words = client.run(hub.versions["words"], input={"text": "one two three"})

    assert list(words) == ["one ", "two ", "three "]


def test_a_stream_ends_with_done(client, hub):
    version = hub.version_id("words")
    made = client.predictions.create(version=version, input={"text": "a\nb c"}, stream=True)

    events = [(event.event.value, event.data) for event in made.stream()]

    told = [event for event in events if event[0] != "logs"]  # there are some, if it had to start
    assert told == [("output", "a\nb "), ("output", "c "), ("done", "{}")]
    assert (
        "".join(str(it) for it in client.stream(hub.model("words"), input={"text": "x y"}))
        == "x y "
    )


def test_a_file_goes_in_and_comes_out(client, hub):
    output = client.run(hub.versions["turn"], input={"image": io.BytesIO(b"abc")})

    assert isinstance(output, FileOutput)
    assert output.read() == b"cba"


def test_a_file_goes_in_as_a_data_uri(client, hub):
    output = client.run(
        hub.versions["turn"],
        input={"image": io.BytesIO(b"x" * 100_000)},
        file_encoding_strategy="base64",
    )

    assert output.read() == b"x" * 100_000


def test_a_list_of_files_goes_in_and_comes_out(client, hub):
    files = [io.BytesIO(b"abc"), io.BytesIO(b"def")]

    output = client.run(hub.versions["turn-all"], input={"files": files})

    assert [file.read() for file in output] == [b"cba", b"fed"]


def test_a_file_that_is_too_large_for_the_answer_is_a_url(client, hub):
    zeros = 20 * 1024**2

    output = client.run(hub.versions["turn"], input={"image": io.BytesIO(b"abc"), "zeros": zeros})

    assert isinstance(output, str)
    assert output.startswith(f"{hub.address}/files/")
    assert FileOutput(output, client).read() == b"cba" + bytes(zeros)


def test_an_output_is_an_input(client, hub):
    version = hub.version_id("turn")
    made = client.predictions.create(version=version, input={"image": io.BytesIO(b"abc")})
    made.wait()

    again = client.run(hub.versions["turn"], input={"image": made.output})

    assert again.read() == b"abc"


def test_a_webhook_is_signed_for_the_clients_own_check(client, hub):
    version = hub.version_id("greet")
    with Receiver() as receiver:
        made = client.predictions.create(
            version=version,
            input={"text": "hook"},
            webhook=receiver.url,
            webhook_events_filter=["completed"],
        )
        headers, body = receiver.received.get(timeout=60)

    secret = client.webhooks.default.secret()
    Webhooks.validate(headers=headers, body=body.decode(), secret=secret, tolerance=300)
    told = json.loads(body)
    assert (told["id"], told["status"], told["output"]) == (made.id, "succeeded", "hello hook")
    with pytest.raises(ValueError, match="signature"):
        Webhooks.validate(headers=headers, body=body.decode() + " ", secret=secret)


def test_a_running_prediction_is_canceled_and_the_instance_serves_the_next(client, hub):
    version = hub.version_id("slow")
    made = client.predictions.create(version=version, input={"seconds": 600})
    events = made_events(client, made)
    assert "sleeping" in next(text for text in events if "sleeping" in text)

    made.cancel()
    made.reload()

    assert made.status == "canceled"
    assert client.run(hub.versions["slow"], input={}) == "slept"


def made_events(client, prediction):
    """Yield what a prediction logs, from its stream."""
    with client._client.stream("GET", prediction.urls["stream"]) as response:
        for line in response.iter_lines():
            if line.startswith("data: "):
                yield line


def test_a_failure_is_raised_with_its_reason_and_logs(client, hub):
    with pytest.raises(ModelError, match="no greeting") as failed:
        client.run(hub.versions["greet"], input={"text": "fail"})

    assert failed.value.prediction.status == "failed"
    assert "ValueError: no greeting" in failed.value.prediction.logs


@pytest.mark.parametrize(
    ("name", "given", "status", "title"),
    [
        ("greet", {"count": 10}, 422, "Input validation failed"),
        ("greet", {}, 422, "Input validation failed"),
        ("nothing", {}, 404, None),
        (f"greet:{'0' * 64}", {}, 422, "Invalid version or not permitted"),
    ],
)
def test_a_refusal_is_raised_with_status_and_title(client, hub, name, given, status, title):
    with pytest.raises(ReplicateError) as refused:
        client.run(hub.model(name), input=given)

    assert (refused.value.status, refused.value.title) == (status, title)


def test_a_wrong_token_is_told(hub):
    stranger = replicate.Client(api_token="chub_wrong", base_url=hub.address)
    with pytest.raises(ReplicateError) as refused:
        stranger.models.get(hub.model("greet"))
    stranger._client.close()

    assert refused.value.status == 401


def test_every_page_of_predictions_is_found(client, hub):
    version = hub.version_id("greet")
    made = {client.predictions.create(version=version, input={"text": "p"}).id for _ in range(101)}

    pages = list(replicate.paginate(client.predictions.list))

    assert len(pages) > 1
    assert made <= {prediction.id for page in pages for prediction in page}


def test_files_are_kept_listed_and_removed(client):
    file = client.files.create(io.BytesIO(b"abc"), filename="a.txt", metadata={"b": "c"})

    assert (file.name, file.size, file.metadata) == ("a.txt", 3, {"b": "c"})
    assert client.files.get(file.id).checksums == file.checksums
    assert file.id in {each.id for each in client.files.list()}
    client.files.delete(file.id)
    with pytest.raises(ReplicateError) as gone:
        client.files.get(file.id)
    assert gone.value.status == 404


def test_models_are_made_and_removed(client, hub):
    made = client.models.create(
        owner=hub.owner, name="new", visibility="private", hardware=client.hardware.list()[0].sku
    )

    assert (made.owner, made.name, made.run_count) == (hub.owner, "new", 0)
    assert client.models.get(hub.model("new")).latest_version is None
    assert client.models.delete(hub.model("new"))
    with pytest.raises(ReplicateError) as gone:
        client.models.get(hub.model("new"))
    assert gone.value.status == 404


def test_public_models_are_listed_and_found(client, hub):
    hub.process.run("model", "visibility", hub.model("words"), "public")

    assert "words" in {model.name for model in client.models.list()}
    assert "words" in {model.name for model in client.models.search("words")}
    assert "greet" not in {model.name for model in client.models.list()}


def test_models_are_asked_for_without_blocking(client, hub):
    async def everything():
        models = client.models
        made = await models.async_create(
            owner=hub.owner,
            name="async",
            visibility="private",
            hardware=(await client.hardware.async_list())[0].sku,
        )
        found = await models.async_get(hub.model("async"))
        listed = await models.async_list()
        searched = await models.async_search("nothing has these words")
        is_gone = await models.async_delete(hub.model("async"))
        account = await client.accounts.async_current()
        await client._async_client.aclose()
        return made.name, found.name, len(listed) >= 0, len(searched), is_gone, account.username

    assert asyncio.run(everything()) == ("async", "async", True, 0, True, hub.owner)


def test_predictions_are_made_waited_for_and_canceled_without_blocking(client, hub):
    version = hub.version_id("words")

    async def everything():
        predictions = client.predictions
        made = await predictions.async_create(version=version, input={"text": "a b"}, stream=True)
        words = [str(it) async for it in made.async_stream() if it.event.value == "output"]
        await made.async_wait()
        await made.async_reload()
        output = (await predictions.async_get(made.id)).output
        listed = await predictions.async_list()
        fresh = await predictions.async_create(version=version, input={"text": "a b"})
        items = [item async for item in fresh.async_output_iterator()]
        slow = await predictions.async_create(
            version=hub.version_id("slow"), input={"seconds": 600}
        )
        canceled = await predictions.async_cancel(slow.id)
        other = await predictions.async_create(version=hub.version_id("slow"), input={})
        await other.async_cancel()
        stream = await client.async_stream(hub.model("words"), input={"text": "c"})
        streamed = [str(event) async for event in stream]
        await client._async_client.aclose()
        is_listed = made.id in {it.id for it in listed}
        return words == output, items, is_listed, canceled.status, "".join(streamed)

    assert asyncio.run(everything()) == (True, ["a ", "b "], True, "canceled", "c ")


def test_a_model_makes_predictions_itself(client, hub):
    model = client.models.get(hub.model("greet"))

    made = client.models.predictions.create(model=hub.model("greet"), input={"text": "model"})
    made.wait()

    assert made.output == "hello model"
    assert client.predictions.get(made.id).status == "succeeded"
    assert client.predictions.cancel(made.id).status == "succeeded"
    assert client.run(model, input={"text": "object"}) == "hello object"
    assert client.run(model.latest_version, input={"text": "version"}) == "hello version"
    model.reload()
    assert model.run_count > 0


def test_items_are_read_from_a_prediction_as_they_come(client, hub):
    made = client.predictions.create(version=hub.version_id("words"), input={"text": "a b"})

    assert list(made.output_iterator()) == ["a ", "b "]
    assert made.progress is None


def test_collections_are_listed_and_read(client, hub):
    hub.process.run("collection", "create", "texts", "--description", "Models that write")
    hub.process.run("collection", "add", "texts", hub.model("greet"), hub.model("words"))

    async def without_blocking():
        [listed] = await client.collections.async_list()
        read = await client.collections.async_get("texts")
        await client._async_client.aclose()
        return listed.slug, len(read.models)

    [collection] = client.collections.list()
    assert (collection.slug, collection.description) == ("texts", "Models that write")
    models = client.collections.get("texts").models
    assert [model.name for model in models] == ["greet", "words"]
    assert asyncio.run(without_blocking()) == ("texts", 2)


def test_files_are_asked_for_without_blocking(client):
    async def everything():
        file = await client.files.async_create(io.BytesIO(b"abc"), filename="a.txt")
        read = await client.files.async_get(file.id)
        listed = await client.files.async_list()
        is_gone = await client.files.async_delete(file.id)
        await client._async_client.aclose()
        return read.size, file.id in {each.id for each in listed}, is_gone

    assert asyncio.run(everything())[:2] == (3, True)


def test_versions_of_a_model_are_listed(client, hub):
    [version] = client.models.get(hub.model("greet")).versions.list()

    assert version.id == hub.version_id("greet")
    inputs = version.openapi_schema["components"]["schemas"]["Input"]["properties"]
    assert set(inputs) == {"text", "count", "file"}


def test_a_version_is_read_and_removed(client, hub):
    versions = client.models.get(hub.model("turn-all")).versions
    [version_id] = [version.id for version in versions.list()]

    async def without_blocking():
        listed = await versions.async_list()
        read = await versions.async_get(version_id)
        await versions.async_delete(version_id)  # Replicate answers 202, and the client says False
        await client._async_client.aclose()
        return len(listed), read.id

    assert versions.get(version_id).cog_version
    assert asyncio.run(without_blocking()) == (1, version_id)
    assert len(versions.list()) == 0
    with pytest.raises(ReplicateError) as gone:
        versions.delete(version_id)
    assert gone.value.status == 404


def test_the_account_is_the_tokens_own(client, hub):
    assert client.accounts.current().username == hub.owner


def test_on_https_a_file_is_read_from_its_url(environ, tmp_path):
    certificate_path, key_path = certificate(tmp_path)
    trusting = {**environ, "SSL_CERT_FILE": str(certificate_path)}
    flags = ("--tls-cert", str(certificate_path), "--tls-key", str(key_path))
    with client_hub(tmp_path, trusting, *flags, names=["turn"]) as hub:
        client = replicate.Client(
            api_token=hub.token,
            base_url=hub.address,
            transport=httpx.HTTPTransport(
                verify=ssl.create_default_context(cafile=certificate_path)
            ),
        )

        output = client.run(hub.versions["turn"], input={"image": io.BytesIO(b"abc")})

        assert output.url.startswith(f"{hub.address}/files/")
        assert output.read() == b"cba"
        client._client.close()


ELSEWHERE = {"deployments", "trainings"}
"""Have tests of their own."""


def test_no_method_of_the_client_is_left_out(client):
    """The tests above call each; `dir` finds what a newer client brings."""
    tried = Path(__file__).read_text()
    named = {name for name in dir(client) if not name.startswith("_")} - ELSEWHERE
    methods = {
        method
        for name in named
        for kind in [type(getattr(client, name))]
        for method in (dir(kind) if isinstance(getattr(client, name), Namespace) else [name])
        if method[0].islower() and callable(getattr(kind, method, getattr(client, name)))
    }
    for kind in (Model, Prediction, Versions):
        methods |= {name for name in vars(kind) if name[0].islower() and callable(vars(kind)[name])}

    left_out = {name for name in methods if f".{name}(" not in tried}
    assert left_out == {"predict"}  # which says that it was removed, and how to do without
