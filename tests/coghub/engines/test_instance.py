"""A server as Cog's own would be: it answers with JSON as a whole, or fails in every way."""

import json
import os
import sys
import time

import pytest

from coghub.domain.errors import InputInvalid, InstanceDied, InstanceError, SetupFailed
from coghub.domain.instance_event import Completed, Log, Output
from coghub.engines.base import Launch, Request
from coghub.engines.instance import Instance
from coghub.engines.server_process import ServerProcess

pytestmark = pytest.mark.slow

SERVER = """
import json, os, signal, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

plan = json.loads(sys.argv[2])
print("the server's own words", file=sys.stderr, flush=True)
if plan.get("dies_at_start"):
    sys.exit(3)

class Handler(BaseHTTPRequestHandler):
    def answer(self, status, value, content_type="application/json"):
        body = value.encode() if isinstance(value, str) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        healths = plan["health"]
        self.answer(200, healths.pop(0) if len(healths) > 1 else healths[0])

    def do_PUT(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if plan.get("dies_by"):
            os.kill(os.getpid(), plan["dies_by"])
        echo = {"id": "p", "status": "succeeded", "output": [self.path, body]}
        answer = plan.get("answer") or echo
        self.answer(plan.get("status", 200), answer, plan.get("type", "application/json"))

    def log_message(self, *args):
        pass

server = HTTPServer(("127.0.0.1", 0), Handler)
with os.fdopen(int(sys.argv[1]), "w") as ready:
    ready.write(f"{server.server_port}\\n")
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
server.serve_forever()
"""
READY = {"status": "READY", "setup": {"logs": "loaded\n"}}


@pytest.fixture
def start(tmp_path):
    """Start a server that behaves as planned; its logs are collected in `start.logs`."""
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    started = []

    def run(*, mode="predict", is_debug=False, **plan):
        plan = {"health": [READY], **plan}
        command = [
            sys.executable,
            str(script),
            "{ready}",
            json.dumps(plan).replace("{", "{{").replace("}", "}}"),
        ]
        on_log = run.logs.append if is_debug else None
        server = ServerProcess.start(command, folder=tmp_path, environ={}, on_log=on_log)
        started.append(server)
        return Instance(server, Launch(mode, is_debug=is_debug), run.logs.append)

    run.logs = []
    yield run
    for server in started:
        server.stop()


def test_setup_logs_are_shown_once_each_as_they_grow(start):
    health = [
        {"status": "UNKNOWN"},
        {"status": "STARTING", "setup": {"logs": "load"}},
        {"status": "STARTING", "setup": {"logs": "load"}},
        READY,
    ]

    with start(health=health) as model:
        model.wait_until_ready(30)

    assert b"".join(start.logs) == b"loaded\n"


def test_an_answer_as_a_whole_becomes_events(start):
    with start() as model:
        model.wait_until_ready(30)
        output, completed = model.predict(Request({"a": 1}, {"token": "t"}))

    path, body = output.chunk
    assert path.startswith("/predictions/")
    assert body == {"input": {"a": 1}, "context": {"token": "t"}}
    assert completed == Completed("succeeded")


def test_logs_of_a_whole_answer_come_before_its_output(start):
    answer = {"status": "failed", "logs": "said", "error": "boom", "metrics": {"predict_time": 1}}

    with start(answer=answer) as model:
        model.wait_until_ready(30)
        events = list(model.predict(Request({})))

    assert events == [
        Log("said"),
        Output(None, None),
        Completed("failed", "boom", {"predict_time": 1}),
    ]


def test_with_debug_what_the_model_prints_is_shown_by_the_server_alone(start):
    answer = {"status": "succeeded", "logs": "said", "output": 1}

    with start(answer=answer, is_debug=True) as model:
        model.wait_until_ready(30)
        events = list(model.predict(Request({})))

    assert events == [Output(1, None), Completed("succeeded")]
    assert b"".join(start.logs) == b"the server's own words\n"


def test_a_stream_of_events_is_read_line_by_line(start):
    lines = [
        {"sequence": 1, "event": "start", "data": {"id": "p"}},
        {"sequence": 2, "event": "output", "data": {"chunk": "a\n", "index": 0}},
        {"sequence": 3, "event": "unknown to us", "data": {}},
        {"sequence": 4, "event": "completed", "data": {"status": "succeeded"}},
    ]
    answer = "\n\n".join(json.dumps(line) for line in lines) + "\n"

    with start(answer=answer, type="application/x-ndjson") as model:
        model.wait_until_ready(30)
        _, output, completed = model.predict(Request({}))

    assert output == Output("a\n", 0)
    assert completed == Completed("succeeded")


def test_a_training_goes_to_its_own_route(start):
    with start(mode="train") as model:
        model.wait_until_ready(30)
        output, _ = model.predict(Request({}))

    assert output.chunk[0].startswith("/trainings/")


def test_a_failed_setup_is_told_after_its_logs(start):
    health = {"status": "SETUP_FAILED", "setup": {"logs": "Traceback: no weights"}}

    with start(health=[health]) as model, pytest.raises(SetupFailed, match=r"^Model setup failed$"):
        model.wait_until_ready(30)

    assert start.logs == [b"Traceback: no weights"]


def test_a_setup_without_end_times_out(start):
    with start(health=[{"status": "STARTING"}]) as model:
        model._server.port(time.monotonic() + 30)
        with pytest.raises(SetupFailed) as failed:
            model.wait_until_ready(0)

    assert failed.value.message == "Timed out"
    assert "--setup-timeout" in failed.value.hint


def test_any_other_state_is_an_error_with_its_reason(start):
    health = {"status": "UNHEALTHY", "user_healthcheck_error": "Healthcheck failed: no GPU"}

    with start(health=[health]) as model, pytest.raises(InstanceError) as failed:
        model.wait_until_ready(30)

    assert failed.value.message == ("Container healthcheck returned unexpected status: UNHEALTHY")
    assert failed.value.hint == "Healthcheck failed: no GPU"


def test_a_server_that_does_not_come_up_is_told_with_its_last_words(start):
    with start(dies_at_start=True) as model, pytest.raises(InstanceDied) as died:
        model.wait_until_ready(30)

    assert died.value.message == "Container exited unexpectedly"
    assert died.value.hint == "The model's server ended with exit code 3"
    assert start.logs == [b"the server's own words\n"]


def test_a_server_that_is_killed_is_told_with_the_likely_reason(start):
    with start(dies_by=9) as model:
        model.wait_until_ready(30)
        with pytest.raises(InstanceDied) as died:
            list(model.predict(Request({})))

    assert died.value.hint == "The model's server was killed by signal 9 (likely out of memory)"


@pytest.mark.parametrize(
    ("status", "answer", "error"),
    [
        (422, {"detail": [{"loc": ["body", "input", "a"], "msg": "wrong"}]}, InputInvalid),
        (409, {"detail": "Already running a prediction"}, InstanceError),
        (200, {"odd": 1}, InstanceError),
        (200, "not JSON", InstanceError),
    ],
)
def test_an_answer_that_is_no_prediction_is_an_error(start, status, answer, error):
    with start(status=status, answer=answer) as model:
        model.wait_until_ready(30)
        with pytest.raises(error):
            list(model.predict(Request({})))


def test_a_server_that_was_stopped_is_gone(start):
    with start() as model:
        model.wait_until_ready(30)
        pid = model._server.process.pid

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
