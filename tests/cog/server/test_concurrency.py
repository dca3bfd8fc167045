"""Several predictions in one worker."""

import json

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(start_server):
    server = start_server("meeting.py:Predictor", COG_MAX_CONCURRENCY="2", COG_CANCEL_GRACE_S="0.2")
    assert '"num_slots":2' in server.wait_for_line("Server ready")
    return server


def test_two_run_at_once_with_logs_and_metrics_of_their_own(server):
    first = server.send("POST", "/predictions", {"input": {"action": "meet", "text": "a"}})
    second = server.send("POST", "/predictions", {"input": {"action": "meet", "text": "b"}})

    replies = [json.loads(it.getresponse().read()) for it in (first, second)]
    for it in (first, second):
        it.close()

    assert [it["output"] for it in replies] == ["a", "b"]
    assert [it["logs"] for it in replies] == ["log of a\nmet as a\n", "log of b\nmet as b\n"]
    assert [it["metrics"]["text"] for it in replies] == ["a", "b"]


def test_a_third_one_is_refused_and_an_id_runs_once(server):
    running = [server.begin(name, "waiting", action="wait") for name in ("one", "two")]
    assert server.health()["status"] == "BUSY"

    assert server.ask("POST", "/predictions", {}).status == 409

    server.ask("POST", "/predictions/one/cancel")
    assert running[0].end()["status"] == "canceled"
    same = server.ask("POST", "/predictions", {"id": "two"})
    assert same.status == 409
    assert same.json["error"] == "A prediction with this id is already running"
    assert server.health()["status"] == "READY"
    server.ask("POST", "/predictions/two/cancel")
    assert running[1].end()["status"] == "canceled"


def test_neighbours_of_a_death_fail_with_the_reason(server):
    starts = server.log.count("Server ready")
    neighbour = server.begin("neighbour", "waiting", action="wait")

    reply = server.predict(action="die")

    assert reply["error"] == "Prediction failed: the worker exited with code 7"
    assert neighbour.end()["error"] == reply["error"]
    server.wait_for_line("Server ready", count=starts + 1)
    assert server.predict(text="back")["output"] == "back"


def test_sync_models_cannot_have_several_slots(start_server):
    server = start_server("multi.py:Predictor", COG_MAX_CONCURRENCY="2")

    server.wait_for_line("Setup failed")

    setup = server.health()["setup"]
    assert "requires an async run() or predict() method" in setup["logs"]
