"""Workers that die, print without end, or break what connects them to the server."""

import os
import signal
import socket
import sys
import threading
from pathlib import Path

import pytest

from cog.server.files import MAX_DOWNLOADS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(start_server):
    return start_server("multi.py:Predictor").wait_until_ready()


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        ("leave_at_once", "the worker exited with code 3"),
        ("be_killed", "the worker was killed by signal 9 (SIGKILL): likely out of memory"),
    ],
)
def test_a_dead_worker_fails_its_prediction_and_comes_back(server, action, reason):
    starts = server.log.count("Server ready")

    reply = server.predict(action=action, count=3)

    assert (reply["status"], reply["error"]) == ("failed", f"Prediction failed: {reason}")
    server.wait_for_line("Setup complete", count=starts + 1)
    assert server.predict(action="number_of_calls")["output"] == 1


def test_the_last_words_of_a_worker_are_kept(server):
    starts = server.log.count("Server ready")

    events = server.events("POST", "/predictions", {"input": {"action": "leave_at_once"}})

    logs = [it["data"]["data"] for it in events if it["event"] == "log"]
    assert "last words\n" in "".join(logs)
    server.wait_for_line("Setup complete", count=starts + 1)


def test_many_prints_keep_head_and_tail_and_a_count(server):
    """64 MiB of prints; more would only take longer."""
    reply = server.predict(action="print_much", count=65536)

    assert reply["output"] == "printed"
    assert len(reply["logs"]) < 17 * 1024**2
    assert "bytes of logs dropped" in reply["logs"]


def test_a_model_that_closes_its_streams_goes_on(server):
    assert server.predict(action="close_streams")["output"] == "closed"
    assert server.predict(text="still here")["output"] == "still here"


def test_a_model_that_forks_goes_on(server):
    assert server.predict(action="fork")["output"] == "forked"
    assert server.predict(text="still here")["output"] == "still here"
    assert server.health()["status"] == "READY"


@pytest.mark.skipif(sys.platform != "linux", reason="finds the worker in /proc")
@pytest.mark.parametrize("has_more", [False, True], ids=["the last", "more to come"])
def test_a_worker_that_dies_while_files_are_fetched_is_told_of(start_server, has_more):
    """The files went with it, and their folder: the worker that follows could not find them."""
    server = start_server("multi.py:Predictor").wait_until_ready()
    pid = server.process.pid
    (worker,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    replies = []

    with socket.create_server(("127.0.0.1", 0)) as site:
        url = f"http://127.0.0.1:{site.getsockname()[1]}/"
        files = [*[url] * MAX_DOWNLOADS, "data:,x"] if has_more else [url]
        waiting = threading.Thread(
            target=lambda: replies.append(server.predict(action="read_files", files=files))
        )
        waiting.start()
        connection, _ = site.accept()
        with connection:
            os.kill(int(worker), signal.SIGKILL)
            server.wait_for_line("Setup complete", count=2)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            waiting.join(30)

    assert [it["error"] for it in replies] == ["Prediction failed: the worker died before it began"]
    assert server.predict(text="still here")["output"] == "still here"
