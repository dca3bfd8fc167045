"""Routes, bodies and replies of one synchronous model, over HTTP."""

import json
import socket

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(start_server):
    return start_server("multi.py:Predictor", COG_LOG_LEVEL="debug").wait_until_ready()


def test_the_index_lists_the_routes(server):
    assert server.ask("GET", "/").json == {
        "cog_version": "0.23.1",
        "docs_url": "/docs",
        "openapi_url": "/openapi.json",
        "shutdown_url": "/shutdown",
        "healthcheck_url": "/health-check",
        "predictions_url": "/predictions",
        "predictions_idempotent_url": "/predictions/{prediction_id}",
        "predictions_cancel_url": "/predictions/{prediction_id}/cancel",
    }


def test_the_document_is_made_from_the_signature(server):
    document = server.ask("GET", "/openapi.json").json

    assert document["components"]["schemas"]["Input"]["properties"]["file"]["format"] == "uri"


def test_health_tells_setup_and_versions(server):
    health = server.health()

    assert health["status"] == "READY"
    assert health["setup"]["status"] == "succeeded"
    assert health["setup"]["logs"] == "setting up\n"
    assert health["setup"]["started_at"] < health["setup"]["completed_at"]
    assert health["version"]["python_sdk"] == "0.23.1"
    assert health["concurrency"] == {"max": 1, "current": 0}


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/", "GET,HEAD"),
        ("OPTIONS", "/health-check", "GET,HEAD"),
        ("GET", "/predictions", "POST"),
        ("GET", "/predictions/some-id", "PUT"),
        ("HEAD", "/predictions/some-id", "PUT"),
        ("DELETE", "/predictions/some-id/cancel", "POST"),
        ("GET", "/shutdown", "POST"),
    ],
)
def test_another_method_answers_405_with_what_is_allowed(server, method, path, allowed):
    answer = server.ask(method, path)

    assert (answer.status, answer.headers["allow"], answer.content) == (405, allowed, b"")


@pytest.mark.parametrize("path", ["/predictions/", "/predictions/a/b", "/x", "//"])
def test_an_unknown_path_answers_404(server, path):
    assert server.ask("GET", path).status == 404


def test_head_answers_like_get_without_a_body(server):
    answer = server.ask("HEAD", "/openapi.json")

    assert (answer.status, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) == len(server.ask("GET", "/openapi.json").content)


def test_a_success_has_output_logs_and_metrics(server):
    reply = server.predict(action="say", text="hi")

    assert reply.pop("id").startswith("pred_")
    assert reply.pop("metrics").keys() == {"predict_time"}
    assert reply.pop("logs").splitlines() == ["hi", "HI"]
    assert reply == {"output": "hi", "status": "succeeded"}


def test_a_failure_is_a_200_without_logs(server):
    reply = server.predict(action="fail", text="bad weights")

    assert reply["status"] == "failed"
    assert reply["error"] == "Prediction failed: Prediction failed: ValueError: bad weights"
    assert reply["logs"] == ""
    assert "output" not in reply
    server.wait_for_line("ValueError: bad weights")


def test_sys_exit_fails_the_prediction_and_not_the_worker(server):
    before = server.predict(action="number_of_calls")["output"]

    assert "SystemExit: 3" in server.predict(action="leave", count=3)["error"]
    assert server.predict(action="number_of_calls")["output"] == before + 2


@pytest.mark.parametrize("body", [None, {}, {"input": None}, {"input": {}, "id": None}])
def test_an_empty_request_is_an_empty_input(server, body):
    assert server.ask("POST", "/predictions", body).json["output"] == ""


def test_unknown_fields_are_left_out_and_logged(server):
    reply = server.predict(text="hi", unheard_of=1)

    assert reply["output"] == "hi"
    assert "unheard_of" in server.wait_for_line("Stripped unknown input fields")


@pytest.mark.parametrize(
    ("content_type", "body", "status", "text"),
    [
        ("text/plain", b"{}", 415, "Expected request with `Content-Type: application/json`"),
        ("application/json", b"", 400, "Failed to parse the request body as JSON:"),
        ("application/json", b"{", 400, "Failed to parse the request body as JSON:"),
        ("application/json", b'{"input": NaN}', 400, "Failed to parse the request body as JSON:"),
        ("application/json", b'{"input": "\xff"}', 400, "Failed to parse the request body as"),
        ("application/json", b'{"input":' + b"[" * 100_000, 400, "Failed to parse the request"),
        ("application/json", b'{"input": {"count": 1e999}}', 400, "Failed to parse the request"),
        ("application/json", b"[]", 422, "Failed to deserialize the JSON body into the target"),
        ("application/json", b'{"id": 1}', 422, "Failed to deserialize the JSON body into the"),
        ("application/json", b'{"context": {"a": 1}}', 422, "Failed to deserialize the JSON body"),
        (
            "application/json; charset=utf-8",
            b'{"webhook_events_filter": ["end"]}',
            422,
            "Failed to deserialize the JSON body into the target type:",
        ),
    ],
)
def test_a_malformed_body_is_refused_in_plain_text(server, content_type, body, status, text):
    answer = server.ask("POST", "/predictions", body, content_type=content_type)

    assert answer.status == status
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.startswith(text)


def test_an_invalid_input_lists_every_field(server):
    answer = server.ask("POST", "/predictions", {"input": {"count": -1, "choice": "c"}})

    assert answer.status == 422
    assert answer.json == {
        "detail": [
            {
                "loc": ["body", "input", "choice"],
                "msg": '"c" is not one of ["a","b"]',
                "type": "value_error",
            },
            {
                "loc": ["body", "input", "count"],
                "msg": "-1 is less than the minimum of 0",
                "type": "value_error",
            },
        ]
    }


def test_a_put_takes_its_id_from_the_path_and_may_run_again(server):
    for _ in range(2):
        answer = server.ask("PUT", "/predictions/my%20id", {"input": {"text": "hi"}, "id": "my id"})

        assert (answer.json["id"], answer.json["output"]) == ("my id", "hi")


def test_a_put_with_another_id_in_its_body_is_refused(server):
    answer = server.ask("PUT", "/predictions/one", {"id": "two"})

    assert answer.status == 422
    assert answer.json["detail"][0]["loc"] == ["body", "id"]
    assert answer.json["detail"][0]["msg"] == (
        "prediction ID must match the ID supplied in the URL"
    )


def test_an_id_that_is_no_text_is_refused(server):
    assert server.ask("PUT", "/predictions/%ff", {}).status == 400


def test_cancel_of_an_unknown_id_answers_404(server):
    answer = server.ask("POST", "/predictions/nobody/cancel")

    assert (answer.status, answer.json) == (404, {})


def test_trainings_are_not_here(server):
    assert server.ask("POST", "/trainings", {}).status == 404


def test_sse_needs_a_streaming_model(server):
    answer = server.ask("POST", "/predictions", {}, accept="text/event-stream")

    assert answer.status == 406
    assert answer.json["error"].startswith("This model does not support streaming responses.")


def test_metrics_and_context(server):
    body = {"input": {"action": "measure"}, "context": {"user": "ada"}}

    reply = server.ask("POST", "/predictions", body).json

    assert reply["output"] == {"user": "ada"}
    assert reply["metrics"].pop("predict_time") >= 0
    assert reply["metrics"] == {"timing": {"load": 0.5}, "tokens": 3, "steps": ["a", "b"]}


def test_logs_hold_what_children_and_libraries_print(server):
    logs = server.predict(action="print_everywhere")["logs"]

    assert sorted(logs.split()) == ["child", "descriptor", "library", "python"]


def test_a_large_number_stays_exact(server):
    assert server.predict(action="large_number")["output"] == 2**80


def test_a_large_output_and_a_large_input_go_through(server):
    assert len(server.predict(action="large_text", count=3_000_000)["output"]) == 3_000_000
    assert server.predict(text="z" * 3_000_000)["output"] == "z" * 3_000_000


def test_text_that_is_no_text_does_not_end_the_server(server):
    assert "is half a character" in server.predict(action="half_character")["output"]


def test_what_is_no_json_fails_with_its_type(server):
    error = server.predict(action="unserialisable")["error"]

    assert "Object of type object is not JSON serializable" in error


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(server):
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(
            b"POST /predictions HTTP/1.1\r\ncontent-type: application/json\r\n"
            b"content-length: 104857601\r\n\r\n"
        )
        head = connection.recv(4096)

    assert head.startswith(b"HTTP/1.1 413 ")
    assert head.endswith(b"Failed to buffer the request body: length limit exceeded")


def test_a_connection_serves_pipelined_requests_in_order(server):
    body = [json.dumps({"input": {"text": f"text {n}"}}).encode() for n in range(20)]
    requests = [
        b"POST /predictions HTTP/1.1\r\ncontent-type: application/json\r\n"
        b"content-length: %d\r\n\r\n%b" % (len(it), it)
        for it in body
    ]
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"".join(requests))
        received = b""
        while received.count(b'"status":"succeeded"') < 20:
            received += connection.recv(65536)

    places = [received.index(b'"text %d"' % n) for n in range(20)]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\ncontent-length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nx: " + b"y" * 300_000,
    ],
)
def test_bytes_that_are_no_http_are_refused(server, sent):
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.settimeout(30)
        connection.sendall(sent)
        answer = connection.recv(4096)

    assert answer[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 431")


def test_an_upgrade_is_answered_as_if_it_was_not_asked_for(server):
    answer = server.ask(
        "POST", "/predictions", {"input": {"text": "x"}}, connection="Upgrade", upgrade="h2c"
    )

    assert answer.json["output"] == "x"
