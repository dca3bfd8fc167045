"""Setups that fail, health checks, trainings, and the ways to leave."""

import json
import signal
import socket

import pytest

from cog.server.setup_record import SetupRecord

pytestmark = pytest.mark.slow


def test_a_failed_setup_keeps_the_server_up_with_the_traceback(start_server):
    server = start_server("setups.py:Fails")
    server.wait_for_line("Setup failed")

    health = server.health()
    refused = server.ask("POST", "/predictions", {})

    assert health["status"] == "SETUP_FAILED"
    assert health["setup"]["status"] == "failed"
    logs = health["setup"]["logs"]
    assert logs.startswith("loading weights\n")
    assert "Traceback" in logs
    assert "worker setup failed: " in logs
    assert logs.endswith("RuntimeError: no weights")
    assert refused.status == 503
    assert refused.json["error"].startswith("Setup has not finished yet.")
    assert server.ask("GET", "/openapi.json").status == 200
    assert server.stop() == 0


def test_of_a_setup_that_prints_much_the_first_and_the_last_is_kept():
    record = SetupRecord()
    record.add_log("stdout", "begin\n")

    for _ in range(40):
        record.add_log("stdout", "x" * 100_000)
    record.end("no weights")

    logs = record.fields()["logs"]
    assert logs.startswith("begin\n")
    assert " bytes of logs dropped …]" in logs
    assert logs.endswith("\nno weights")
    assert len(logs) < 1_100_000


def test_a_setup_that_takes_too_long_is_given_up(start_server):
    server = start_server("setups.py:Hangs", COG_SETUP_TIMEOUT="0.5")
    server.wait_for_line("Setup failed")

    health = server.health()

    assert health["status"] == "SETUP_FAILED"
    assert health["setup"]["logs"].endswith("worker setup timed out")


def test_setup_logs_can_be_read_while_setup_runs(start_server):
    server = start_server("setups.py:Hangs")
    server.wait_for_line("loading weights")

    health = server.health()
    refused = server.ask("POST", "/predictions", {})

    assert health["status"] == "STARTING"
    assert health["setup"]["logs"] == "loading weights\n"
    assert "completed_at" not in health["setup"]
    assert refused.status == 503


def test_a_worker_that_dies_in_its_first_setup_is_not_started_again(start_server):
    server = start_server("setups.py:Dies")
    server.wait_for_line("Worker died")

    health = server.health()

    assert health["status"] == "SETUP_FAILED"
    assert health["setup"]["logs"] == (
        "loading weights\nworker setup failed: the worker exited with code 9"
    )


def test_a_later_setup_that_fails_is_tried_again(start_server):
    server = start_server("setups.py:Breaks").wait_until_ready()
    (server.folder / "broken").touch()

    server.predict(die=True)
    server.wait_for_line("Setup failed")
    health = server.health()
    (server.folder / "broken").unlink()
    server.wait_for_line("Setup complete", count=2)

    assert health["status"] == "STARTING"
    assert "broken meanwhile" in health["setup"]["logs"]
    assert server.predict()["output"] == "fine"


def test_a_model_that_cannot_be_loaded_says_why(start_server):
    server = start_server("nowhere.py:Predictor")
    server.wait_for_line("Setup failed")

    assert "nowhere.py" in server.health()["setup"]["logs"]
    assert server.ask("GET", "/openapi.json").status == 503


def test_without_a_reference_the_server_does_not_start(start_server):
    server = start_server("")

    server.wait_for_line("ERROR: COG_PREDICT_TYPE_STUB environment variable is not set.")
    assert server.process.wait(30) == 1


def test_a_port_in_use_is_one_clear_error(start_server):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        server = start_server("multi.py:Predictor", PORT=port)

        server.wait_for_line(f"ERROR: Cannot listen on 127.0.0.1:{port}: ")
        assert server.process.wait(30) == 1


def test_the_models_own_healthcheck_is_asked(start_server):
    server = start_server("health.py:Predictor").wait_until_ready()

    assert server.health()["status"] == "READY"
    (server.folder / "ill").touch()
    ill = server.health()
    (server.folder / "raise").touch()
    raised = server.health()

    assert (ill["status"], raised["status"]) == ("UNHEALTHY", "UNHEALTHY")
    assert ill["user_healthcheck_error"] == (
        "Healthcheck failed: user-defined healthcheck returned False"
    )
    assert "no GPU" in raised["user_healthcheck_error"]
    assert server.ask("POST", "/predictions", {"input": {"text": "x"}}).json["output"] == "x"


def test_a_health_check_that_hangs_is_given_up_and_the_model_stays_warm(start_server):
    server = start_server("health.py:Predictor", tweaks={"health_limit_s": 0.2})
    server.wait_until_ready()
    (server.folder / "hang").touch()

    hanging = server.health()
    (server.folder / "hang").unlink()
    reply = server.predict(text="still here")

    assert (hanging["status"], hanging["user_healthcheck_error"]) == (
        "UNHEALTHY",
        "Healthcheck failed: user-defined healthcheck timed out after 0.2 seconds",
    )
    assert reply["output"] == "still here"
    assert server.health()["status"] == "READY"
    assert server.log.count("Server ready") == 1


def test_a_worker_that_never_comes_back_is_given_up(start_server):
    server = start_server("setups.py:Breaks", tweaks={"restart_pause_s": 0}).wait_until_ready()
    (server.folder / "broken").touch()

    server.predict(die=True)
    server.wait_for_line("Giving up on the worker")
    health = server.health()
    refused = server.ask("POST", "/predictions", {})

    assert health["status"] == "DEFUNCT"
    assert "broken meanwhile" in health["setup"]["logs"]
    assert refused.status == 503
    assert server.stop() == 0


def test_kubernetes_is_told_once_the_model_is_ready(start_server, tmp_path):
    ready = tmp_path / "cog" / "ready"
    failing = start_server("setups.py:Fails", tweaks={"ready_file": str(ready)})
    failing.wait_for_line("Setup failed")
    assert failing.health()["status"] == "SETUP_FAILED"
    assert not ready.exists()

    server = start_server("multi.py:Predictor", tweaks={"ready_file": str(ready)})
    server.wait_until_ready()
    assert not ready.exists()
    server.health()

    assert ready.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_told_to_leave_does_not_wait_for_setup(start_server, number):
    server = start_server("setups.py:Hangs")
    server.wait_for_line("loading weights")

    server.signal(number)

    assert server.process.wait(30) == 0


def test_trainings_run_in_train_mode(start_server):
    server = start_server("", "--x-mode", "train", COG_TRAIN_TYPE_STUB="setups.py:train")
    server.wait_until_ready()

    trained = server.ask("PUT", "/trainings/t1", {"input": {"n": 3}})
    other = server.ask("PUT", "/trainings/t1", {"id": "t2", "input": {"n": 3}})
    invalid = server.ask("POST", "/trainings", {"input": {"n": "x"}})
    streamed = server.ask("POST", "/trainings", {}, accept="text/event-stream")

    assert trained.json["id"] == "t1"
    assert trained.json["output"] == {"weights": "data:application/octet-stream;base64,d3d3"}
    assert other.json["detail"][0]["msg"] == "training ID must match the ID supplied in the URL"
    assert invalid.json["detail"][0]["loc"] == ["body", "input", "n"]
    assert streamed.json == {"error": "Training endpoints do not support streaming responses."}
    assert server.ask("GET", "/").json["trainings_url"] == "/trainings"
    assert server.ask("POST", "/trainings/t1/cancel").status == 404


def test_sigterm_waits_for_the_prediction_that_runs(start_server):
    server = start_server("streaming.py:Predictor").wait_until_ready()
    stream = server.follow("/predictions/last", {"text": "a b", "gate": "go"})
    stream.wait_for("output")

    server.signal(signal.SIGTERM)
    server.wait_for_line("Received SIGTERM, shutting down...")
    (server.folder / "go").touch()

    assert stream.end()["status"] == "succeeded"
    assert server.process.wait(30) == 0


def test_explicit_shutdown_ignores_sigterm(start_server):
    server = start_server("multi.py:Predictor", "--await-explicit-shutdown", "true")
    server.wait_until_ready()

    server.signal(signal.SIGTERM)
    server.wait_for_line("Ignoring SIGTERM")
    answer = server.ask("POST", "/shutdown")

    assert (answer.status, answer.json) == (200, {})
    assert server.process.wait(30) == 0


def test_a_second_signal_leaves_at_once(start_server):
    server = start_server("multi.py:Predictor").wait_until_ready()
    running = server.begin("sleep", "sleeping", action="never_return")

    server.signal(signal.SIGINT)
    server.wait_for_line("Received SIGINT")
    server.signal(signal.SIGINT)

    assert server.process.wait(30) == 0
    running.close()


LATE_SIGNAL = """
import os, signal, sys

class Late:
    def __del__(self, kill=os.kill, pid=os.getpid()):
        kill(pid, signal.SIGINT)

if "cog.server.http" in sys.orig_argv:
    late = Late()
"""
"""Rings while Python takes itself apart, when it has no handlers any more."""


def test_a_signal_after_the_end_changes_nothing(start_server, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(LATE_SIGNAL)
    server = start_server("multi.py:Predictor", PYTHONPATH=str(tmp_path)).wait_until_ready()

    server.ask("POST", "/shutdown")

    assert server.process.wait(30) == 0


def test_a_given_document_overrules_the_signature(start_server, tmp_path):
    document = {"components": {"schemas": {"Input": {"properties": {"text": {"maxLength": 2}}}}}}
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(document))
    server = start_server("multi.py:Predictor", COG_OPENAPI_SCHEMA=str(path)).wait_until_ready()

    assert server.ask("GET", "/openapi.json").json == document
    assert server.ask("POST", "/predictions", {"input": {"text": "long"}}).status == 422
