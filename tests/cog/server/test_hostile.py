"""Whatever a client sends, it gets a clear refusal, and the server lives on and keeps quiet."""

import re
import socket

import pytest

pytestmark = pytest.mark.slow

POST = b"POST /predictions HTTP/1.1\r\ncontent-type: application/json\r\n"
CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"


def deep(depth: int, *, inside: bytes = b"1") -> bytes:
    return b"[" * depth + inside + b"]" * depth


BODIES = {
    "deep": deep(10_000),
    "deep input": b'{"input":' + deep(500) + b"}",
    "deep field": b'{"input":{"text":' + deep(500) + b"}}",
    "deep object": b'{"input":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_001,
    "deep unknown": b'{"input":{},"zz":' + deep(10_000) + b"}",
    "unended": b'{"input":' * 10_000,
    "huge integer": b'{"input":{"count":' + b"9" * 5000 + b"}}",
    "huge fraction": b'{"input":{"count":1.' + b"9" * 5000 + b"}}",
    "huge exponent": b'{"input":{"count":1e308}}',
    "past all numbers": b'{"input":{"count":1e309}}',
    "duplicate keys": b'{"input":{"text":"a","text":"b"},"id":"a","id":"b"}',
    "half a character": b'{"input":{"text":"\\ud800"}}',
    "wrong UTF-8": b'{"input":{"text":"\xed\xa0\x80"}}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"input":{}}'.encode("utf-16"),
    "nul": b'{"input":{"text":"\\u0000"},"id":"\\u0000\\n"}',
    "two": b"{}{}",
    "long id": b'{"id":"' + b"x" * 1_000_000 + b'"}',
    "many unknown": b'{"input":{' + b",".join(b'"%d":1' % n for n in range(50_000)) + b"}}",
    "long unknown": b'{"input":{"' + b"x" * 1_000_000 + b'":1}}',
    "odd webhook": b'{"webhook":"http://[::1"}',
    "nul in webhook": b'{"webhook":"http://\\u0000/"}',
    "no such port": b'{"input":{"file":"http://127.0.0.1:99999/"}}',
    "odd host": b'{"input":{"file":"http://[::1"}}',
    "nul in URL": b'{"input":{"file":"http://\\u0000/\\ud83d"}}',
    "odd data URL": b'{"input":{"file":"data:image/\\u0000png;base64,!"}}',
    "no data": b'{"input":{"file":"data:"}}',
    "files in files": b'{"input":{"files":[["data:,"],{"0":"data:,"}]}}',
    "too many files": b'{"input":{"files":[' + b'"data:,",' * 200_000 + b'"data:,"]}}',
}

HEADS = {
    "zeros": b"\x00" * 100,
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no path": b"GET  HTTP/1.1\r\n\r\n",
    "no end": b"G" * 1_000_000,
    "long path": b"GET /" + b"y" * 1_000_000,
    "many headers": b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000 + b"\r\n",
    "nameless header": b"GET / HTTP/1.1\r\n: x\r\n\r\n",
    "folded header": b"GET / HTTP/1.1\r\nx: a\r\n b\r\n\r\n",
    "nul in header": b"GET / HTTP/1.1\r\nx: a\x00b\r\n\r\n",
    "two lengths": POST + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{} ",
    "listed lengths": POST + b"content-length: 2, 2\r\n\r\n{}",
    "signed length": POST + b"content-length: +2\r\n\r\n{}",
    "length past all numbers": POST + b"content-length: " + b"9" * 6000 + b"\r\n\r\n",
    "odd digit": POST + b"content-length: \xb2\r\n\r\n{}",
    "length and chunks": POST + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n",
    "no chunk size": CHUNKED + b"zz\r\n",
    "negative chunk": CHUNKED + b"-1\r\n",
    "chunk past all numbers": CHUNKED + b"f" * 20 + b"\r\n",
    "chunk longer than said": CHUNKED + b"2\r\n{}XX0\r\n\r\n",
    "odd coding": POST + b"transfer-encoding: chunked, identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
}

PATHS = [
    "/predictions/%00",
    "/predictions/%2f",
    "/predictions/%0d%0aX:y",
    "/predictions/%F0%9F%98%80",
    "/predictions/%ff",
    "/predictions/%zz",
    "/predictions/..",
    "/predictions//cancel",
    "/predictions/" + "x" * 60_000,
    "/../../etc/passwd",
    "/%70redictions",
    "/" * 5000,
    "http://elsewhere/predictions",
]


@pytest.fixture(scope="module")
def server(start_server):
    server = start_server("multi.py:Predictor").wait_until_ready()
    yield server
    assert server.process.poll() is None
    assert server.predict(text="alive")["output"] == "alive"
    assert "Request failed" not in server.log
    assert len(server.log) < 300_000


def status(server, sent: bytes) -> int | None:
    """Return None where the server hung up before it was sent everything."""
    with socket.create_connection(("127.0.0.1", server.port), 30) as connection:
        try:
            connection.sendall(sent)
            answer = connection.recv(4096)
        except ConnectionError:
            return None
    found = re.match(rb"HTTP/1.1 (\d{3}) ", answer)
    assert found, answer
    return int(found[1])


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_hostile_body_is_refused_or_fails_its_prediction(server, body):
    assert server.ask("POST", "/predictions", body).status in (200, 400, 422)


@pytest.mark.parametrize("sent", HEADS.values(), ids=HEADS)
def test_a_hostile_head_is_refused(server, sent):
    refused = (400, 431) if len(sent) < 64 * 1024 else (400, 431, None)

    assert status(server, sent) in refused


@pytest.mark.parametrize("method", ["POST", "PUT", "HEAD"])
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[:30])
def test_an_odd_path_is_a_name_or_unknown(server, method, path):
    sent = f"{method} {path} HTTP/1.1\r\n\r\n".encode()

    assert status(server, sent) in (200, 400, 404, 405, 422)


@pytest.mark.parametrize("last", [b"-1", b"x", b"9" * 30, b"\xb2", b""])
def test_an_odd_number_to_replay_from_is_no_number(server, last):
    head = b"PUT /predictions/odd HTTP/1.1\r\naccept: application/x-ndjson\r\nlast-event-id: "

    assert status(server, head + last + b"\r\n\r\n") == 200
    server.follow("/predictions/odd", {}).end()  # it goes on after who asked has left
