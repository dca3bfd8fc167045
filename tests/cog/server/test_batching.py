"""Predictions that are computed together, over HTTP."""

import json

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(start_server):
    server = start_server("batched.py:Predictor", COG_MAX_CONCURRENCY="8")
    server.wait_for_line("Server ready")
    return server


def ask(server, *texts: str):
    """Ask for each at the same time, and return the answers."""
    asked = [server.send("POST", "/predictions", {"input": {"text": text}}) for text in texts]
    replies = [json.loads(it.getresponse().read()) for it in asked]
    for it in asked:
        it.close()
    return replies


def test_each_client_gets_its_own_result(server) -> None:
    assert [it["output"] for it in ask(server, *"abcd")] == ["A", "B", "C", "D"]


def test_an_exception_fails_all_of_the_batch_and_a_result_only_its_own(server) -> None:
    together = ask(server, "all", "e", "f", "g")
    alone = ask(server, "none", "h", "i", "j")

    assert {it["error"] for it in together} == {
        "Prediction failed: Prediction failed: RuntimeError: the batch failed"
    }
    assert alone[0]["error"] == "Prediction failed: Prediction failed: ValueError: no text"
    assert [it["output"] for it in alone[1:]] == ["H", "I", "J"]


def test_a_canceled_prediction_leaves_before_its_batch_begins(server) -> None:
    leaving = server.begin("leaving", "k waits", text="k")
    server.ask("POST", "/predictions/leaving/cancel")
    assert leaving.end()["status"] == "canceled"

    ask(server, *"lmno")

    assert "['l', 'm', 'n', 'o']" in server.predict(text="batches")["output"]
    assert "'k'" not in server.predict(text="batches")["output"]


def test_the_schema_is_that_of_predict_alone(server) -> None:
    schemas = server.ask("GET", "/openapi.json").json["components"]["schemas"]

    assert list(schemas["Input"]["properties"]) == ["text"]
    assert schemas["Output"] == {"title": "Output", "type": "string"}


def test_one_slot_makes_batches_of_one_and_setup_says_so(start_server) -> None:
    server = start_server("batched.py:Predictor")
    server.wait_for_line("Server ready")

    assert server.health()["setup"]["logs"] == (
        "note: shout() is batched, but one prediction runs at a time: "
        "put @cog.concurrent(max=8) on an async predict()\n"
    )
