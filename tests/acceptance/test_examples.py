"""Each example gives what its README promises: by command and HTTP, with Docker and without."""

import difflib
import hashlib
import hmac
import json
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.acceptance.conftest import Person, content_of, data_uri

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(600)]

SCAN_TEXT = """\
Region-based segmentation
Let us first determine markers of the coins and the
background. These markers are pixels that we can label
unambiguously as either object or background. Here,
the markers are found at the two extreme parts of the
histogram of grey values:
markers = np.zeros_like(coins)"""


def png_size(content: bytes) -> tuple[int, int]:
    assert content.startswith(b"\x89PNG\r\n")
    return struct.unpack(">II", content[16:24])


def assert_is_the_scan(text: str) -> None:
    """Processors round differently, so a letter may be read differently."""
    assert difflib.SequenceMatcher(None, text, SCAN_TEXT).ratio() > 0.95, text


@pytest.fixture(scope="module", params=["local", "docker"])
def example(request: pytest.FixtureRequest, example: Callable[[str], Person]) -> Any:
    """Go into a fresh copy of an example, with one engine and with the other."""
    if request.param == "local":
        return example
    environ = request.getfixturevalue("docker_engine").environ

    def enter(name: str) -> Person:
        local = example(name)
        return Person(local.folder, {**local.environ, **environ})

    return enter


@pytest.fixture(scope="module")
def serving(example: Any, ending: Any) -> Callable[..., Any]:
    """Serve an example, once in this module."""
    running: dict[str, Any] = {}

    def serve(name: str, **environ: str) -> Any:
        if name not in running:
            running[name] = ending(example(name).serve(**environ))
        return running[name]

    return serve


def test_hello_world_greets(example):
    run = example("hello-world")("predict", "-i", "text=python")

    assert (run.returncode, run.stdout) == (0, "hello python\n"), run.stderr


def test_hello_world_greets_over_http(serving):
    assert serving("hello-world").predict(text="python")["output"] == "hello python"


def test_hello_world_explains_itself_over_http(serving):
    schemas = serving("hello-world").request("GET", "/openapi.json").json["components"]["schemas"]

    assert schemas["Input"]["properties"]["text"]["description"] == "Whom to greet"


def test_resize_writes_output_png(example):
    cog = example("resize")

    run = cog("predict", "-i", "image=@input.jpg", "-i", "scale=2.0")

    assert run.returncode == 0, run.stderr
    assert "Written output to: output.png" in run.stderr
    assert png_size((cog.folder / "output.png").read_bytes()) == (902, 600)


def test_resize_takes_and_gives_data_uris_over_http(serving, example):
    image = example("resize").folder / "input.jpg"

    prediction = serving("resize").predict(image=data_uri(image, "image/jpeg"))

    assert prediction["output"].startswith("data:image/png;base64,")
    assert png_size(content_of(prediction["output"])) == (676, 450)
    assert "Resizing 451x300 to 676x450" in prediction["logs"]


def test_ocr_reads_the_scan(example):
    cog = example("ocr")

    run = cog("predict", "--json", '{"image": "@scan.png"}', "-o", "result.json")

    assert run.returncode == 0, run.stderr
    result = json.loads((cog.folder / "result.json").read_text())
    assert_is_the_scan(result["output"]["text"])
    assert png_size((cog.folder / result["output"]["image"]).read_bytes()) == (384, 191)


def test_ocr_reads_the_scan_over_http(serving, example):
    scan = example("ocr").folder / "scan.png"

    output = serving("ocr").predict(image=data_uri(scan, "image/png"))["output"]

    assert_is_the_scan(output["text"])
    assert [line["text"] for line in output["lines"]] == output["text"].split("\n")
    for left, top, right, bottom in (line["box"] for line in output["lines"]):
        assert 0 <= left < right <= 384
        assert 0 <= top < bottom <= 191
    assert png_size(content_of(output["image"])) == (384, 191)


def test_stream_text_writes_equal_texts_for_equal_seeds(example):
    cog = example("stream-text")
    arguments = ("predict", "-i", "max_words=12", "-i", "seed=7", "-i", "delay=0")

    first, second = cog(*arguments), cog(*arguments)

    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout
    assert len("".join(json.loads(first.stdout)).split()) == 12


def events_of(response: Any) -> list[tuple[str, Any]]:
    """Return the server-sent events as (name, data)."""
    blocks = response.read().decode().strip().split("\n\n")
    fields = [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]
    return [(event["event"], json.loads(event["data"])) for event in fields if "event" in event]


def test_stream_text_sends_each_word_as_an_event(serving):
    server = serving("stream-text")
    body = {"input": {"max_words": 5, "delay": 0}}

    with server.open("POST", "/predictions", body, Accept="text/event-stream") as response:
        assert response.status == 200
        events = events_of(response)

    words = [event["chunk"] for name, event in events if name == "output"]
    assert [name for name, _ in events] == ["start", *["output"] * 4, "completed"]
    assert events[-1][1]["output"] == words
    assert len("".join(words).split()) == 5


def test_concurrent_runs_from_the_command(example):
    run = example("concurrent")("predict", "-i", "text=one", "-i", "seconds=0")

    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == {"text": "ONE", "running": 1}


def test_concurrent_runs_four_predictions_at_once_and_keeps_their_logs_apart(serving):
    server = serving("concurrent")
    words = ["one", "two", "three", "four"]

    with ThreadPoolExecutor(4) as pool:
        predictions = list(pool.map(lambda word: server.predict(text=word, seconds=1), words))

    assert [prediction["output"]["text"] for prediction in predictions] == [
        word.upper() for word in words
    ]
    assert max(prediction["output"]["running"] for prediction in predictions) == 4
    assert [prediction["logs"] for prediction in predictions] == [
        f"{word}: waiting\n{word}: done\n" for word in words
    ]


def test_train_writes_weights_that_predict_uses(example):
    cog = example("train")

    training = cog("train", "-i", "messages=@messages.csv")
    assert training.returncode == 0, training.stderr
    weights = cog.folder / "weights.json"
    assert set(json.loads(weights.read_text())["counts"]) == {"billing", "delivery", "account"}

    run = cog("predict", "-e", "COG_WEIGHTS=weights.json", "-i", "text=Where is my parcel?")
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["label"] == "delivery"


def test_train_serves_with_the_weights(example, ending):
    cog = example("train")
    (cog.folder / "weights.json").write_text(
        '{"smoothing": 1, "counts": {"good": {"yes": 3}, "bad": {"no": 3}}}'
    )

    server = ending(cog.serve(COG_WEIGHTS="weights.json"))

    assert server.predict(text="no no")["output"]["label"] == "bad"


def test_train_without_weights_says_what_to_do(example):
    run = example("train")("predict", "-i", "text=hello")

    assert run.returncode == 1
    assert "No weights: run `cog train` first" in run.stderr


def test_secret_and_context_signs_and_hides_the_key(example):
    run = example("secret-and-context")("predict", "-i", "message=pay 10", "-i", "key=hunter2")

    assert run.returncode == 0, run.stderr
    expected = hmac.new(b"hunter2", b"pay 10", hashlib.sha256).hexdigest()
    assert json.loads(run.stdout) == {"signature": expected, "signed_for": "nobody"}
    assert "**********" in run.stderr
    assert "hunter2" not in run.stderr


def test_secret_and_context_reads_the_context_and_records_metrics(serving):
    server = serving("secret-and-context")
    body = {
        "input": {"message": "pay 10", "key": "hunter2"},
        "context": {"customer": "ada"},
    }

    prediction = server.request("POST", "/predictions", body).json

    assert prediction["output"]["signed_for"] == "ada"
    assert prediction["metrics"]["signed_bytes"] == 6
    assert prediction["metrics"]["hash"] == {"name": "sha256"}
    assert "hunter2" not in json.dumps(prediction)
