"""Server-sent events and ndjson, from the start, late, and again."""

import json

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(start_server):
    return start_server("streaming.py:Predictor").wait_until_ready()


def sse(text: str) -> list[tuple[str, dict]]:
    events = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        events.append((fields["event"], json.loads(fields["data"])))
    return events


def test_sse_tells_everything_in_order(server):
    answer = server.ask(
        "PUT", "/predictions/sse", {"input": {"text": "a b"}}, accept="text/event-stream"
    )

    assert answer.headers["content-type"] == "text/event-stream"
    events = sse(answer.text)
    completed = events.pop()
    assert [it for it in events if it[0] != "log"] == [
        ("start", {"id": "sse", "status": "processing"}),
        ("output", {"chunk": "a", "index": 0}),
        ("output", {"chunk": "b", "index": 1}),
        ("metric", {"name": "words", "value": 2, "mode": "replace"}),
    ]
    logs = [fields for name, fields in events if name == "log"]
    assert {it["source"] for it in logs} == {"stdout"}
    assert "".join(it["data"] for it in logs) == "begin\n"
    assert completed[0] == "completed"
    assert completed[1]["metrics"].pop("predict_time") > 0
    assert completed[1] == {
        "id": "sse",
        "logs": "begin\n",
        "metrics": {"words": 2},
        "output": ["a", "b"],
        "status": "succeeded",
    }


def test_sse_ends_a_failed_prediction_with_its_logs_and_partial_output(server):
    answer = server.ask(
        "POST", "/predictions", {"input": {"fail": True}}, accept="text/event-stream"
    )

    name, snapshot = sse(answer.text)[-1]
    assert (name, snapshot["status"]) == ("completed", "failed")
    assert snapshot["output"] == ["a", "b", "c"]
    assert "begin" in snapshot["logs"]
    assert "Generator iteration error: ValueError: after the last word" in snapshot["error"]


def test_ndjson_tells_increments_only(server):
    events = server.events("PUT", "/predictions/lines", {"input": {"text": "a b"}})

    assert [it["sequence"] for it in events] == list(range(1, len(events) + 1))
    assert events[0]["event"] == "start"
    outputs = [it["data"] for it in events if it["event"] == "output"]
    assert outputs == [{"chunk": "a", "index": 0}, {"chunk": "b", "index": 1}]
    assert events[-1]["event"] == "completed"
    assert events[-1]["data"].pop("metrics")["words"] == 2
    assert events[-1]["data"] == {"id": "lines", "status": "succeeded", "output_is_list": True}


def test_ndjson_replays_an_ended_prediction_after_the_last_known_event(server):
    """It runs once: the second request only reads."""
    first = server.events("PUT", "/predictions/again", {"input": {"text": "a b"}})

    again = server.events(
        "PUT", "/predictions/again", {"input": {"text": "a b"}}, Last_Event_ID="2"
    )

    assert again == first[2:]


def test_a_plain_put_runs_an_ended_prediction_anew(server):
    server.events("PUT", "/predictions/anew", {"input": {"text": "old"}})

    reply = server.ask("PUT", "/predictions/anew", {"input": {"text": "new"}}).json

    assert reply["output"] == ["new"]
    assert server.events("PUT", "/predictions/anew", {"input": {"text": "x"}})[-1]["sequence"] > 0


def test_a_dropped_ndjson_stream_cancels_nothing_and_attaches_again(server):
    inputs = {"text": "a b", "gate": "ndjson-gate"}
    stream = server.follow("/predictions/dropped", inputs)
    first = stream.next()["sequence"]
    stream.close()

    again = server.follow("/predictions/dropped", inputs, Last_Event_ID=str(first))
    (server.folder / "ndjson-gate").touch()

    assert again.end()["status"] == "succeeded"
    assert again.seen[0]["sequence"] == first + 1


def test_a_dropped_sse_stream_cancels_its_prediction(server):
    body = {"input": {"text": "a b", "gate": "never"}}
    stream = server.open("PUT", "/predictions/left", body, accept="text/event-stream")
    assert stream.readline() == b"event: start\n"

    stream.connection_of_test.close()
    stream.close()

    server.wait_for_line('"Prediction cancelled","prediction_id":"left"')


def test_a_running_prediction_answers_a_put_with_a_snapshot(server):
    inputs = {"text": "a b", "gate": "snapshot-gate"}
    stream = server.follow("/predictions/shot", inputs)
    stream.wait_for("output")

    snapshot = server.ask("PUT", "/predictions/shot", {"input": inputs})
    late = server.open("PUT", "/predictions/shot", {}, accept="text/event-stream")
    busy = server.ask("POST", "/predictions", {})
    (server.folder / "snapshot-gate").touch()

    assert snapshot.status == 202
    assert snapshot.json == {
        "id": "shot",
        "input": inputs,
        "logs": "begin\n",
        "metrics": {},
        "output": ["a"],
        "status": "processing",
    }
    assert (busy.status, busy.json) == (
        409,
        {"error": "At capacity - all prediction slots busy", "status": "failed"},
    )
    assert next(name for name, _ in sse(late.read().decode())) == "start"
    late.connection_of_test.close()
    assert stream.end()["status"] == "succeeded"


def test_a_short_history_says_what_it_left_out(start_server):
    server = start_server("streaming.py:Predictor", COG_STREAM_HISTORY_CAPACITY="1")
    server.wait_until_ready()
    stream = server.follow("/predictions/short", {"text": "a b", "gate": "gate"})
    stream.wait_for("output")

    late = server.open("PUT", "/predictions/short", {}, accept="text/event-stream")
    name, fields = late.readline(), late.readline()
    (server.folder / "gate").touch()
    late.read()
    late.connection_of_test.close()
    stream.end()

    assert name == b"event: error\n"
    assert json.loads(fields.removeprefix(b"data: ")) == {
        "error": "SSE stream replay truncated; events were dropped",
        "skipped": 2,
    }
