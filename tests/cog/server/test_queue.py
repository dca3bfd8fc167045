"""A bounded queue in place of 409, and workers that are replaced between predictions."""

import json
from contextlib import closing
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

NUMBERS = count(1)


def reply_on(connection: HTTPConnection) -> dict[str, Any]:
    """Wait for the answer and hang up."""
    with closing(connection), connection.getresponse() as response:
        return json.loads(response.read())


@pytest.fixture(scope="module")
def server(start_server):
    return start_server("queued.py:Predictor", COG_QUEUE_SIZE="2").wait_until_ready()


@pytest.fixture
def gate(server, tmp_path: Path):
    """A prediction that holds the only slot until it is let go."""

    path = tmp_path / "go on"
    running = server.begin(f"gate{next(NUMBERS)}", "begins", action="wait", text=str(path))
    yield path.touch
    path.touch()
    running.end()


def test_one_that_waits_is_told_its_position(server, gate) -> None:
    first = server.ask("POST", "/predictions", {"id": "first"}, prefer="respond-async")
    second = server.ask("POST", "/predictions", {"id": "second"}, prefer="respond-async")

    assert first.json == {"id": "first", "status": "starting", "queue_position": 1}
    assert (second.status, second.json["queue_position"]) == (202, 2)
    health = server.health()
    assert health["queue"] == {"max": 2, "current": 2, "ids": ["first", "second"]}
    assert health["concurrency"] == {"max": 1, "current": 1}
    assert health["status"] == "BUSY"


def test_who_asks_again_is_told_the_position_of_now(server, gate) -> None:
    for name in ("ahead", "behind"):
        server.ask("PUT", f"/predictions/{name}", {}, prefer="respond-async")
    server.ask("POST", "/predictions/ahead/cancel")

    again = server.ask("PUT", "/predictions/behind", {}, prefer="respond-async")

    assert again.json["queue_position"] == 1
    assert again.json["status"] == "starting"


def test_what_does_not_fit_is_refused_and_nothing_else(server, gate) -> None:
    for name in ("in1", "in2"):
        assert (
            server.ask("POST", "/predictions", {"id": name}, prefer="respond-async").status == 202
        )

    refused = server.ask("POST", "/predictions", {"id": "out"})

    assert refused.status == 409
    assert refused.json["error"] == (
        "At capacity - all prediction slots busy, and the queue of 2 is full"
    )
    assert server.health()["queue"]["ids"] == ["in1", "in2"]


def test_what_waits_is_bounded_in_bytes_too(start_server, tmp_path) -> None:
    server = start_server("queued.py:Predictor", COG_QUEUE_SIZE="100").wait_until_ready()
    path = tmp_path / "go on"
    running = server.begin("running", "begins", action="wait", text=str(path))
    body = b'{"input": {"text": "%b"}}' % (b"x" * 90 * 1024**2)

    statuses = [
        server.ask("POST", "/predictions", body, prefer="respond-async").status for _ in range(6)
    ]
    small = server.ask("POST", "/predictions", {}, prefer="respond-async").status

    assert statuses == [202] * 5 + [409]
    assert small == 202
    server.stop()
    running.close()


def test_they_run_in_the_order_in_which_they_came(server, gate) -> None:
    waiting = [server.follow(f"/predictions/turn{text}", {"text": text}) for text in "ab"]
    gate()

    events = [stream.rest() for stream in waiting]

    for events_of_one, position in zip(events, (1, 2), strict=True):
        starts = [it["data"] for it in events_of_one if it["event"] == "start"]
        assert [it["status"] for it in starts] == ["starting", "processing"]
        assert starts[0]["queue_position"] == position
        assert events_of_one[-1]["data"]["status"] == "succeeded"
    server.wait_for_line("b begins")
    assert server.log.index("a begins") < server.log.index("b begins")


def test_a_synchronous_client_just_waits(server, gate) -> None:
    connection = server.send("POST", "/predictions", {"input": {"text": "patient"}})
    server.ask("PUT", "/predictions/after", {}, prefer="respond-async")
    gate()

    answer = reply_on(connection)

    assert answer["output"].startswith("patient ")


def test_one_that_is_canceled_or_left_never_runs(server, gate) -> None:
    canceled = server.follow("/predictions/canceled", {"text": "never1"})
    left = server.send("POST", "/predictions", {"id": "left", "input": {"text": "never2"}})
    while server.health()["queue"]["ids"] != ["canceled", "left"]:
        pass
    assert server.ask("POST", "/predictions/canceled/cancel").status == 200
    left.close()
    assert canceled.end()["status"] == "canceled"
    while server.health()["queue"]["current"]:
        pass
    gate()

    assert "last begins" in server.predict(text="last")["logs"]
    assert "never" not in server.log


def test_a_webhook_hears_of_the_start_when_it_starts(server, gate, site) -> None:
    body = {"webhook": f"{site.url}/hooked", "id": "hooked"}
    server.ask("POST", "/predictions", body, prefer="respond-async")
    gate()

    first, *_ = site.wait_for_end("/hooked")

    assert first.json["status"] == "processing"


def test_what_waits_outlives_a_worker_that_dies(start_server) -> None:
    server = start_server("queued.py:Predictor", COG_QUEUE_SIZE="3").wait_until_ready()
    dying = server.send("POST", "/predictions", {"input": {"action": "die"}})
    waiting = [server.send("POST", "/predictions", {"input": {"text": text}}) for text in "ab"]

    answers = [reply_on(it) for it in (dying, *waiting)]

    statuses = {it["status"] for it in answers if "exited with code 7" not in it.get("error", "")}
    assert statuses == {"succeeded"}
    assert [it["status"] for it in answers].count("failed") == 1


def test_without_a_queue_all_is_as_ever(start_server, tmp_path) -> None:
    server = start_server("queued.py:Predictor").wait_until_ready()
    path = tmp_path / "go on"
    running = server.begin("one", "begins", action="wait", text=str(path))

    refused = server.ask("POST", "/predictions", {})

    assert refused.json == {
        "error": "At capacity - all prediction slots busy",
        "status": "failed",
    }
    assert "queue" not in server.health()
    path.touch()
    running.end()


def test_a_worker_is_replaced_after_so_many_predictions(start_server) -> None:
    server = start_server("queued.py:Predictor", COG_MAX_PREDICTIONS="2", COG_QUEUE_SIZE="9")
    server.wait_until_ready()

    pids = [server.predict(text="x")["output"] for _ in range(5)]

    assert pids[0] == pids[1]
    assert pids[2] == pids[3]
    assert len(set(pids)) == 3
    assert "Replacing the worker" in server.log
    assert "Worker died" not in server.log


def test_a_worker_is_replaced_when_it_holds_too_much(start_server) -> None:
    server = start_server("queued.py:Predictor", COG_MAX_WORKER_MB="150", COG_QUEUE_SIZE="9")
    server.wait_until_ready()

    before = [server.predict(text="x")["output"] for _ in range(2)]
    server.predict(text="y", action="grow")
    after = server.predict(text="x")["output"]

    assert len(set(before)) == 1
    assert after not in before


def test_without_a_queue_a_client_of_the_moment_between_is_told_to_come_back(start_server) -> None:
    server = start_server("queued.py:Predictor", COG_MAX_PREDICTIONS="1").wait_until_ready()
    server.predict(text="x")

    answers = [server.ask("POST", "/predictions", {}).status for _ in range(3)]

    assert set(answers) <= {200, 503}
