"""A real listener on a loopback port, spoken to in bytes."""

import asyncio
import json
import socket
import struct
from contextlib import asynccontextmanager

import pytest
import uvloop
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse

from coghub.app import asgi
from coghub.domain.errors import ListenFailed, SettingInvalid
from coghub.serving import protocol
from coghub.serving.listener import TLS, bind, check_tls, listening, url_of
from coghub.serving.protocol import MAX_HEAD_BYTES, MAX_PIPELINED, BoundedProtocol

LIMIT_S = 20
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


async def echo(scope, receive, send):
    request = Request(scope, receive)
    body = await request.body()
    answer = {"path": scope["path"], "scheme": scope["scheme"], "bytes": len(body)}
    await JSONResponse(answer)(scope, receive, send)


@asynccontextmanager
async def connected(app, **options):
    listener = bind("127.0.0.1", 0)
    port = listener.getsockname()[1]
    async with asyncio.timeout(LIMIT_S), listening(app, listener, **options):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            yield reader, writer
        finally:
            writer.close()


@pytest.fixture(autouse=True)
def _no_linger(monkeypatch):
    monkeypatch.setattr(protocol, "LINGER_S", 0.05)


async def ask(app, request: bytes, **options) -> bytes:
    """Return all that comes back, up to the end of the connection."""
    async with connected(app, **options) as (reader, writer):
        writer.write(request)
        return await reader.read()


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Connection: close", *headers, "", ""]).encode()


async def test_a_request_is_answered_without_naming_the_server():
    answer = await ask(echo, get("/some/path"))

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"uvicorn" not in head
    assert json.loads(body) == {"path": "/some/path", "scheme": "http", "bytes": 0}


@pytest.mark.parametrize(
    "request_head",
    [
        get("/", f"X: {'a' * MAX_HEAD_BYTES}"),
        get("/", *["X: a"] * MAX_HEAD_BYTES),
        get("/" + "a" * MAX_HEAD_BYTES),
        b"GET / HTTP/1.1\r\nX: " + b"a" * (2 * MAX_HEAD_BYTES) + b"\r\nY: ",
    ],
    ids=["long header", "many headers", "long path", "no end"],
)
async def test_a_head_beyond_the_limit_is_refused(request_head):
    assert (await ask(echo, request_head)).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    "begun",
    [b"", b"\r\n", b"GET / HTTP/1.1\r\nX:", get("/")[:-2]],
    ids=["nothing", "a line", "half a head", "all but its end"],
)
async def test_who_does_not_end_a_head_is_let_go(monkeypatch, begun):
    monkeypatch.setattr(BoundedProtocol, "head_limit_s", 0.05)

    assert b"HTTP/1.1 408 " in await ask(echo, begun)


async def test_who_does_not_end_a_second_head_is_let_go(monkeypatch):
    monkeypatch.setattr(BoundedProtocol, "head_limit_s", 0.05)

    async with connected(echo) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        await reader.readuntil(b'"bytes":0}')
        writer.write(b"\r\n")

        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")


async def test_a_request_may_take_longer_than_its_head(monkeypatch):
    """Neither a slow body nor a slow answer is cut off; nor is a connection between two of them."""
    monkeypatch.setattr(BoundedProtocol, "head_limit_s", 0.05)
    passed = asyncio.Event()
    post = b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n"

    async with connected(echo) as (reader, writer):
        for _ in range(2):
            writer.write(post)
            asyncio.get_running_loop().call_later(0.2, passed.set)
            await passed.wait()
            passed.clear()
            writer.write(b"ab")
            await reader.readuntil(b'"bytes":2}')
            asyncio.get_running_loop().call_later(0.2, passed.set)
            await passed.wait()
            passed.clear()


@pytest.mark.parametrize(
    "begun",
    [b"Content-Length: 9\r\n\r\n", b"Content-Length: 9\r\n\r\nabc", CHUNKED, CHUNKED + b"3\r\nab"],
    ids=["nothing", "a part", "no chunk", "half a chunk"],
)
async def test_who_does_not_end_a_body_is_let_go(monkeypatch, begun):
    monkeypatch.setattr(BoundedProtocol, "body_limit_s", 0.05)

    assert b"HTTP/1.1 408 " in await ask(echo, b"POST / HTTP/1.1\r\n" + begun)


async def test_who_is_answered_before_the_end_of_a_body_is_let_go_too(monkeypatch):
    monkeypatch.setattr(BoundedProtocol, "body_limit_s", 0.05)

    async def early(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass

    answer = await ask(early, b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"408" not in answer


async def test_who_waits_for_us_in_a_body_is_kept(monkeypatch):
    """A large body stays in the client while we are busy with its beginning."""
    monkeypatch.setattr(BoundedProtocol, "body_limit_s", 0.05)
    passed = asyncio.Event()

    async def busy(scope, receive, send):
        asyncio.get_running_loop().call_later(0.3, passed.set)
        await passed.wait()
        await echo(scope, receive, send)

    size = 50 * 1024**2
    async with connected(busy) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % size + b"a" * size)

        assert (await reader.readuntil(b"}")).endswith(b'"bytes":%d}' % size)


async def test_of_very_many_pipelined_requests_the_first_are_answered():
    may_end = asyncio.Event()

    async def waiting(scope, receive, send):
        await may_end.wait()
        await echo(scope, receive, send)

    async with connected(waiting) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\n\r\n" * 10_000)
        asyncio.get_running_loop().call_later(0.1, may_end.set)
        answers = await reader.read()

    assert answers.count(b"HTTP/1.1 200 OK") == MAX_PIPELINED + 1  # and the one before them


def test_an_answer_to_a_connection_that_was_reset_is_no_error(caplog):
    """On uvloop, as a hub runs; of pipelined requests one meets the reset, the next come after."""
    large = b"x" * 100_000

    async def serve():
        listener = bind("127.0.0.1", 0)
        async with asyncio.timeout(LIMIT_S), listening(PlainTextResponse(large), listener):
            for _ in range(40):
                await asyncio.to_thread(ask_and_reset, listener.getsockname()[1])

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())

    assert caplog.records == []


def ask_and_reset(port):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n" * MAX_PIPELINED)
        connection.recv(1000)


async def test_a_head_within_the_limit_is_taken():
    answer = await ask(echo, get("/", f"X: {'a' * (MAX_HEAD_BYTES - 100)}"))

    assert answer.startswith(b"HTTP/1.1 200 ")


STRANGE = (
    b"OPTIONS * HTTP/1.1",
    b"CONNECT a:80 HTTP/1.1",
    b"GET http://foo/v1/account HTTP/1.1",
    b"GET http://foo HTTP/1.1",
    b"GET //v1 HTTP/1.1",
    b"GET /\xff HTTP/1.1",
    b"GET /%ff%00/.. HTTP/1.1",
    b"GET ?x HTTP/1.1",
    b"GET / HTTP/1.1\r\nAuthorization: Bearer \xff\xfe",
    b"GET /v2/%00 HTTP/1.1\r\nAuthorization: Basic \xff",
    b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade",
    b"GET / HTTP/9.9",
    b"PRI * HTTP/2.0",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
)


async def test_the_hub_fails_at_no_strange_head(hub):
    listener = bind("127.0.0.1", 0)
    port = listener.getsockname()[1]
    answers = dict[bytes, bytes]()
    async with asyncio.timeout(LIMIT_S), listening(asgi(hub), listener):
        for head in STRANGE:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head + b"\r\nConnection: close\r\n\r\n")
            answers[head] = await reader.readline()
            writer.close()

    assert {answer[:9] for answer in answers.values()} == {b"HTTP/1.1 "}
    assert [pair for pair in answers.items() if pair[1][9:10] not in {b"2", b"4"}] == []


async def test_what_is_being_answered_at_a_stop_is_finished():
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slow(scope, receive, send):
        begun.set()
        await may_end.wait()
        await PlainTextResponse("whole")(scope, receive, send)

    listener = bind("127.0.0.1", 0)
    port = listener.getsockname()[1]
    async with asyncio.timeout(LIMIT_S):
        async with listening(slow, listener):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(get("/"))
            await begun.wait()
            asyncio.get_running_loop().call_soon(may_end.set)

        assert (await reader.read()).endswith(b"\r\n\r\nwhole")
    writer.close()


async def test_forwarded_headers_are_believed_from_trusted_proxies_only():
    headers = "X-Forwarded-Proto: https"

    trusted = await ask(echo, get("/", headers), trusted_proxies=("127.0.0.0/8",))
    other = await ask(echo, get("/", headers), trusted_proxies=("10.0.0.0/8",))
    nobody = await ask(echo, get("/", headers))

    assert b'"scheme":"https"' in trusted
    assert b'"scheme":"http"' in other
    assert b'"scheme":"http"' in nobody


def test_an_address_that_is_taken_is_refused_by_name():
    with bind("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]

        with pytest.raises(ListenFailed, match=f"127.0.0.1, port {port}: "):
            bind("127.0.0.1", port)


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1", "a" * 70, "\x00"])
def test_an_address_that_is_not_ours_is_refused(host):
    with pytest.raises(ListenFailed, match="Could not listen on"):
        bind(host, 0)


def test_the_url_is_one_that_this_machine_can_reach():
    with bind("0.0.0.0", 0) as listener:
        port = listener.getsockname()[1]

        assert url_of(listener) == f"http://127.0.0.1:{port}"
        assert url_of(listener, is_secure=True) == f"https://127.0.0.1:{port}"


def test_files_that_are_no_certificate_are_refused_by_name(tmp_path):
    (tmp_path / "cert.pem").write_text("nothing")

    with pytest.raises(SettingInvalid, match="`tls-cert` and `tls-key` cannot be used"):
        check_tls(TLS(tmp_path / "cert.pem", tmp_path / "key.pem"))
    with pytest.raises(SettingInvalid, match="`tls-cert` and `tls-key` cannot be used"):
        check_tls(TLS(tmp_path / "cert.pem", tmp_path / "cert.pem"))
