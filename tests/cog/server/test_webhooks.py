"""Deliveries to a client's URL."""

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(start_server):
    return start_server("streaming.py:Predictor", WEBHOOK_AUTH_TOKEN="secret").wait_until_ready()


@pytest.fixture(autouse=True)
def silence(site):
    site.calls.clear()
    site.answers.clear()


def test_an_async_prediction_tells_its_whole_life(server, site):
    answer = server.ask(
        "PUT",
        "/predictions/told",
        {"input": {"text": "a b"}, "webhook": f"{site.url}/told"},
        prefer="respond-async",
        traceparent="00-1-2-01",
    )

    assert (answer.status, answer.json) == (202, {"id": "told", "status": "starting"})
    calls = site.wait_for_end("/told")
    assert calls[0].json == {"id": "told", "logs": "", "metrics": {}, "status": "processing"}
    outputs = [it.json["output"] for it in calls[:-1] if "output" in it.json]
    assert [it for n, it in enumerate(outputs) if it not in outputs[:n]] == [["a"], ["a", "b"]]
    assert {it.json["status"] for it in calls[:-1]} == {"processing"}
    assert not any("predict_time" in it.json["metrics"] for it in calls[:-1])
    last = calls[-1].json
    assert last["metrics"].pop("predict_time") > 0
    assert last == {
        "id": "told",
        "logs": "begin\n",
        "metrics": {"words": 2},
        "output": ["a", "b"],
        "status": "succeeded",
    }
    for call in calls:
        assert call.method == "POST"
        assert call.headers["content-type"] == "application/json"
        assert call.headers["authorization"] == "Bearer secret"
        assert call.headers["user-agent"].startswith("coglet/")
        assert call.headers["traceparent"] == "00-1-2-01"


def test_a_filter_lets_the_end_alone_through(server, site):
    body = {
        "input": {"fail": True},
        "webhook": f"{site.url}/end",
        "webhook_events_filter": ["completed"],
    }
    reply = server.ask("POST", "/predictions", body).json

    (call,) = site.wait_for_end("/end")
    assert call.json["status"] == reply["status"] == "failed"
    assert call.json["output"] == ["a", "b", "c"]
    assert "begin" in call.json["logs"]
    assert call.json["error"] == reply["error"]


def test_the_end_is_told_again_until_it_is_taken(server, site):
    site.answers["/flaky"] = [(500, {}, b""), (429, {}, b""), (200, {}, b"")]
    body = {"webhook": f"{site.url}/flaky", "webhook_events_filter": ["completed"]}

    server.ask("POST", "/predictions", body)

    calls = site.wait_for(lambda calls: len(calls) == 3)
    assert {it.json["status"] for it in calls} == {"succeeded"}


def test_the_end_is_not_told_again_to_who_refuses_it(server, site):
    site.answers["/gone"] = [(404, {}, b"")]
    body = {"webhook": f"{site.url}/gone", "webhook_events_filter": ["completed"]}

    server.ask("POST", "/predictions", body)

    server.wait_for_line('"error":"404"')
    assert len(site.calls) == 1


@pytest.mark.parametrize("url", ["nonsense", "http://", "ftp://x/y", "http://127.0.0.1:1/"])
def test_a_bad_url_is_only_logged(server, url):
    seen = server.log.count("Webhook failed")
    body = {"webhook": url, "webhook_events_filter": ["start"]}

    assert server.ask("POST", "/predictions", body).json["status"] == "succeeded"
    server.wait_for_line("Webhook failed", count=seen + 1)


@pytest.mark.parametrize("url", ["nonsense", "http://", "ftp://x/y"])
def test_the_end_is_not_told_again_to_what_is_no_url(start_server, url):
    """A server that leaves waits for what it will try again."""
    server = start_server("multi.py:Predictor").wait_until_ready()
    body = {"webhook": url, "webhook_events_filter": ["completed"]}

    server.ask("POST", "/predictions", body)
    server.wait_for_line("Webhook failed")

    assert server.stop() == 0
    assert server.log.count("Webhook failed") == 1


def test_a_large_throttle_keeps_logs_from_being_told_often(start_server, site):
    server = start_server("multi.py:Predictor", COG_THROTTLE_RESPONSE_INTERVAL="1000")
    server.wait_until_ready()
    body = {
        "input": {"action": "print_much", "count": 1024},
        "webhook": f"{site.url}/logs",
        "webhook_events_filter": ["logs", "completed"],
    }

    server.ask("POST", "/predictions", body)

    calls = site.wait_for_end("/logs")
    assert [it.json["status"] for it in calls] == ["processing", "succeeded"]
    assert len(calls[-1].json["logs"]) == 1024 * 1024
