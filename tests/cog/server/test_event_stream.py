"""Streams to clients who read slowly, late, or not to the end."""

import json

import pytest

from cog.server.prediction import Prediction
from cog.server.streams import NDJSON, SSE, EventStream
from cog.worker.messages import Completed


class SlowReply:
    """A client that reads when it is told to."""

    def __init__(self) -> None:
        self.is_writable = True
        self.is_ended = False
        self.written: list[bytes] = []
        self.on_gone = self.on_writable = None

    def start(self, content_type: bytes) -> None:
        self.content_type = content_type

    def write(self, chunk: bytes) -> None:
        self.written.append(chunk)

    def end(self) -> None:
        self.is_ended = True

    @property
    def sequences(self) -> list[int]:
        return [json.loads(line)["sequence"] for line in self.written]


@pytest.fixture
def prediction() -> Prediction:
    prediction = Prediction("p", {}, {})
    prediction.start()
    return prediction


@pytest.fixture
def reply() -> SlowReply:
    return SlowReply()


async def test_a_slow_client_gets_everything_once_it_reads_again(prediction, reply):
    EventStream(prediction, reply, content_type=NDJSON).open()
    reply.is_writable = False
    for _ in range(3):
        prediction.add_log("stdout", "x")
    prediction.end(Completed(1, "succeeded", 0.1))
    assert reply.sequences == [1]

    reply.is_writable = True
    reply.on_writable()

    assert reply.sequences == [1, 2, 3, 4, 5]
    assert reply.is_ended


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("Prediction failed: Prediction failed: ValueError: x", "Prediction failed: ValueError: x"),
        ("Prediction failed: Generator iteration error: ValueError: x", None),
    ],
)
async def test_a_line_says_once_that_a_prediction_failed(prediction, reply, error, told):
    """Other answers say it as often as Cog's own."""
    EventStream(prediction, reply, content_type=NDJSON).open()

    prediction.end(Completed(1, "failed", 0.1, error))

    assert json.loads(reply.written[-1])["data"]["error"] == (told or error)
    assert json.loads(prediction.reply())["error"] == error


async def test_a_late_client_gets_what_it_lacks(prediction, reply):
    prediction.add_log("stdout", "x")

    EventStream(prediction, reply, content_type=NDJSON, after=1).open()
    prediction.add_log("stdout", "y")

    assert reply.sequences == [2, 3]


async def test_a_number_from_the_future_waits_for_the_end(prediction, reply):
    """Such as that of an earlier run of the same id."""
    EventStream(prediction, reply, content_type=NDJSON, after=99).open()

    prediction.end(Completed(1, "succeeded", 0.1))

    assert reply.sequences == [1, 2]


async def test_a_client_that_left_is_told_nothing(prediction, reply):
    EventStream(prediction, reply, content_type=NDJSON).open()
    assert prediction.followers == 1

    reply.on_gone()
    prediction.add_log("stdout", "x")

    assert reply.sequences == [1]
    assert prediction.followers == 0


async def test_no_history_means_from_now_on(prediction, reply):
    EventStream(prediction, reply, content_type=SSE).open(history=0)

    prediction.add_log("stdout", "x")

    assert reply.written == [b'event: log\nid: 2\ndata: {"data":"x","source":"stdout"}\n\n']


def test_too_many_followers_are_refused(start_server):
    server = start_server("streaming.py:Predictor", tweaks={"max_followers": 1})
    server.wait_until_ready()
    inputs = {"text": "a b", "gate": "gate"}
    stream = server.follow("/predictions/popular", inputs)
    stream.wait_for("output")

    late = server.ask("PUT", "/predictions/popular", {}, accept="text/event-stream")
    (server.folder / "gate").touch()

    assert (late.status, late.json["error"]) == (429, "Too many clients follow this prediction")
    assert stream.end()["status"] == "succeeded"
    again = server.events("PUT", "/predictions/popular", {"input": inputs})
    assert again[-1]["data"]["status"] == "succeeded"
