"""Canceling, and what ends a worker that does not let itself be canceled."""

import json
import os
import select
import signal
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture(scope="module")
def server(start_server):
    return start_server("multi.py:Predictor", COG_CANCEL_GRACE_S="0.2").wait_until_ready()


@pytest.fixture
def calls(server):
    """How often the worker that runs now was called."""
    return lambda: server.predict(action="number_of_calls")["output"]


def test_a_sleeping_model_is_canceled_and_stays_warm(server, calls):
    before = calls()
    sleeping = server.begin("sleeper", "sleeping", action="sleep")
    assert server.health()["status"] == "BUSY"

    canceled = server.ask("POST", "/predictions/sleeper/cancel")

    assert (canceled.status, canceled.json) == (200, {})
    assert sleeping.end()["status"] == "canceled"
    assert calls() == before + 2


def test_a_canceled_prediction_answers_its_sync_client(server):
    seen = server.log.count("sleeping")
    waiting = server.send("PUT", "/predictions/sync", {"input": {"action": "sleep"}})
    server.wait_for_line("sleeping", count=seen + 1)

    server.ask("POST", "/predictions/sync/cancel")

    reply = json.loads(waiting.getresponse().read())
    waiting.close()
    assert reply.pop("metrics")["predict_time"] > 0
    assert reply == {"id": "sync", "logs": "", "status": "canceled"}


def test_a_client_that_leaves_cancels_its_prediction(server, calls):
    before = calls()
    seen = server.log.count("sleeping")
    connection = server.send("PUT", "/predictions/left", {"input": {"action": "sleep"}})
    server.wait_for_line("sleeping", count=seen + 1)

    connection.close()

    server.wait_for_line('"Prediction cancelled","prediction_id":"left"')
    assert calls() == before + 2


def test_a_second_cancel_does_no_harm(server, calls):
    sleeping = server.begin("twice", "sleeping", action="sleep")

    for _ in range(2):
        server.ask("POST", "/predictions/twice/cancel")

    assert sleeping.end()["status"] == "canceled"
    assert server.ask("POST", "/predictions/twice/cancel").status == 404
    assert calls() > 0


@pytest.mark.parametrize("action", ["never_return", "stubborn"])
def test_what_does_not_heed_a_cancel_is_killed_and_started_again(server, calls, action):
    starts = server.log.count("Server ready")
    running = server.begin(action, "sleeping", action=action)

    server.ask("POST", f"/predictions/{action}/cancel")

    assert running.end()["status"] == "canceled"
    server.wait_for_line("Setup complete", count=starts + 1)
    assert calls() == 1


@linux_only
def test_a_killed_worker_takes_its_descendants_along(server):
    """Also those that left its session and lost their parent."""
    starts = server.log.count("Server ready")
    running = server.begin("flee", "sleeping", action="flee")
    _, daemon_pid, _ = running.logs.split()
    daemon = os.pidfd_open(int(daemon_pid))

    server.ask("POST", "/predictions/flee/cancel")

    assert running.end()["status"] == "canceled"
    assert_ends(daemon)
    server.wait_for_line("Setup complete", count=starts + 1)


@linux_only
def test_a_killed_server_takes_its_worker_along(start_server):
    server = start_server("multi.py:Predictor").wait_until_ready()
    running = server.begin("sleep", "sleeping", action="never_return")
    pid = server.process.pid
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    worker = os.pidfd_open(int(child))

    server.signal(signal.SIGKILL)

    assert_ends(worker)
    running.close()


def assert_ends(pidfd: int) -> None:
    assert select.select([pidfd], [], [], 30)[0], "the process lives on"
    os.close(pidfd)
