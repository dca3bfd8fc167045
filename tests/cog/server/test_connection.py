"""HTTP/1.1 without a network: whole requests out of pieces, and no piece that does harm."""

import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cog.server.connection import Connection
from cog.server.connections import LIMITS, TICK_S, Connections, Stage
from cog.server.reply import Reply, Request


class Transport:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.written = b""
        self.is_closed = False
        self.unsent_bytes = 0

    def write(self, content: bytes) -> None:
        assert not self.is_closed
        self.written += content

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.close()

    def get_write_buffer_size(self) -> int:
        return self.unsent_bytes

    def is_closing(self) -> bool:
        return self.is_closed

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


class Client:
    """One connection to a site that says what it was sent."""

    def __init__(self, connections: Connections | None = None) -> None:
        self.requests: list[Request] = []
        self.replies: list[Reply] = []
        self.is_served = True
        self.transport = Transport()
        self.connections = Connections() if connections is None else connections
        self.connection = Connection(self._respond, self.connections)
        self.connection.connection_made(self.transport)

    def send(self, *pieces: bytes) -> bytes:
        for piece in pieces:
            if not self.transport.is_closed:
                self.connection.data_received(piece)
        return self.transport.written

    def _respond(self, request: Request, reply: Reply) -> None:
        self.requests.append(request)
        self.replies.append(reply)
        if self.is_served:
            reply.send(200, bytes(request.body))

    def wait(self, seconds: float) -> None:
        for _ in range(int(seconds / TICK_S) + 1):
            self.connections.tick()


REQUEST = (
    b"POST /predictions?x=1 HTTP/1.1\r\nContent-Type: application/json\r\nX-Two: a\r\nx-two: b\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
)


@given(st.sets(st.integers(1, len(REQUEST) - 1)))
def test_a_request_is_the_same_however_it_was_cut(cuts):
    client = Client()
    places = [0, *sorted(cuts), len(REQUEST)]

    client.send(*(REQUEST[a:b] for a, b in pairwise(places)))

    (request,) = client.requests
    assert (request.method, request.path) == ("POST", b"/predictions")
    assert bytes(request.body) == b"hello world"
    assert request.headers[b"x-two"] == b"a, b"
    assert client.transport.written.endswith(b"\r\n\r\nhello world")
    assert not client.transport.is_closed


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"http://a.b:5000/predictions/x?y=http://c", b"/predictions/x"),
        (b"HTTP://a.b?y", b"/"),
        (b"/x://y/z", b"/x://y/z"),
    ],
)
def test_a_target_may_name_the_host_as_proxies_do(target, path):
    client = Client()

    client.send(b"GET %b HTTP/1.1\r\nHost: a.b\r\n\r\n" % target)

    assert [request.path for request in client.requests] == [path]


@given(st.lists(st.binary(max_size=40), max_size=5), st.booleans())
def test_no_bytes_raise(pieces, begin_well):
    client = Client()

    client.send(*([REQUEST] if begin_well else []), *pieces)
    client.connection.connection_lost(None)


@pytest.mark.parametrize(
    ("request_head", "is_open"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", True),
        (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\n\r\n", False),
        (b"GET /\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", True),
    ],
)
def test_a_connection_stays_open_where_the_client_wants_it(request_head, is_open):
    client = Client()

    written = client.send(request_head)

    assert client.transport.is_closed != is_open
    assert (b"connection: close" in written) != is_open
    assert (b"connection: keep-alive" in written) == (is_open and b"HTTP/1.0" in request_head)


def test_an_old_client_gets_a_stream_up_to_the_end_of_the_connection():
    client = Client()
    client.is_served = False
    client.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\nExpect: 100-continue\r\n\r\n")
    (reply,) = client.replies

    reply.start(b"text/plain")
    reply.write(b"some text")
    reply.end()

    head, _, body = client.transport.written.partition(b"\r\n\r\n")
    assert b"connection: close" in head
    assert b"transfer-encoding" not in head
    assert body == b"some text"
    assert client.transport.is_closed


def test_an_idle_connection_holds_no_body():
    client = Client()
    client.is_served = False
    whole = b"POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n" + bytes(1_000_000)

    tracemalloc.start()
    client.send(whole)
    client.replies.pop().send(200, b"")
    client.requests.clear()
    held_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert client.transport.written.startswith(b"HTTP/1.1 200 OK")
    assert held_bytes < 100_000


def test_a_client_that_asks_first_is_told_to_go_on():
    client = Client()
    head = b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"

    assert client.send(head) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert client.send(b"ok").endswith(b"\r\n\r\nok")


def test_a_body_that_is_too_large_is_refused_and_read_to_its_end():
    client = Client()
    head = b"POST / HTTP/1.1\r\nContent-Length: 104857601\r\nExpect: 100-continue\r\n\r\n"

    assert client.send(head).startswith(b"HTTP/1.1 413 ")
    client.send(b"x" * 1000)
    assert not client.transport.is_closed
    client.send(*[bytes(10 * 1024**2)] * 10)

    assert client.transport.is_closed
    assert client.requests == []


def test_a_head_without_end_is_refused():
    client = Client()

    written = client.send(b"GET / HTTP/1.1\r\n", *[b"a: " + b"b" * 1000 + b"\r\n"] * 70)

    assert written.startswith(b"HTTP/1.1 431 ")
    assert client.transport.is_closed


def test_a_header_that_is_repeated_without_end_is_refused():
    client = Client()

    client.send(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 10_000, b"\r\n")

    assert client.transport.written.startswith(b"HTTP/1.1 431 ")
    assert client.transport.is_closed
    assert client.requests == []


def test_the_body_of_a_request_for_an_upgrade_is_read():
    """httptools stops there; the Java client asks for h2c in its first request."""
    client = Client()
    head = b"POST / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\n"

    client.send(head + b"he", b"lloGET /next HTTP/1.1\r\n\r\n")

    assert [bytes(it.body) for it in client.requests] == [b"hello", b""]
    assert client.requests[1].path == b"/next"


@pytest.mark.parametrize(
    ("sent", "stage", "answer"),
    [
        (b"", Stage.IDLE, b""),
        (REQUEST, Stage.IDLE, b"HTTP/1.1 200 OK"),
        (b"POST /pre", Stage.HEAD, b"HTTP/1.1 408 Request Timeout"),
        (REQUEST[:-20], Stage.BODY, b"HTTP/1.1 408 Request Timeout"),
    ],
)
def test_nobody_is_waited_for_without_end(sent, stage, answer):
    client = Client()
    client.send(sent)
    limit_s = LIMITS[stage].quiet_s

    assert client.connection.progress().stage is stage
    client.wait(limit_s - TICK_S)
    assert not client.transport.is_closed
    client.wait(TICK_S)

    assert client.transport.is_closed
    assert client.transport.written.partition(b"\r\n")[0] == answer


def test_a_head_that_comes_byte_by_byte_is_not_waited_for_either():
    client = Client()
    client.send(b"GET / HTTP/1.1\r\nx: ")

    for _ in range(60):
        client.send(b"y")
        client.wait(0)

    assert client.transport.written.startswith(b"HTTP/1.1 408 ")


def test_a_body_is_waited_for_as_long_as_it_comes():
    client = Client()
    client.send(b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\n")

    for _ in range(100):
        client.send(b"y")
        client.wait(30)

    assert bytes(client.requests[0].body) == b"y" * 100


def test_a_connection_in_use_is_never_given_up():
    client = Client()

    for _ in range(200):
        client.send(REQUEST)
        client.wait(30)

    assert len(client.requests) == 200


def test_an_answer_is_waited_for_as_long_as_it_takes():
    client = Client()
    client.is_served = False
    client.send(REQUEST)

    client.wait(100_000)
    client.replies[0].send(200, b"")

    assert client.transport.written.startswith(b"HTTP/1.1 200 ")


def test_a_client_that_does_not_read_is_given_up():
    client = Client()
    client.is_served = False
    client.send(REQUEST)
    client.replies[0].on_gone = client.replies.clear
    client.transport.unsent_bytes = 1000
    client.wait(100)
    client.transport.unsent_bytes = 900

    client.wait(LIMITS[Stage.UNREAD].quiet_s - TICK_S)
    assert not client.transport.is_closed
    client.wait(TICK_S)

    assert client.transport.is_closed
    client.connection.connection_lost(None)
    assert client.replies == []


def test_where_there_is_no_room_the_idle_make_some():
    connections = Connections(limit=2)
    busy, idle = Client(connections), Client(connections)
    busy.is_served = False
    busy.send(REQUEST)

    late = Client(connections)

    assert [it.transport.is_closed for it in (busy, idle, late)] == [False, True, False]


def test_where_everybody_is_busy_the_next_is_turned_away():
    connections = Connections(limit=1)
    busy = Client(connections)
    busy.is_served = False
    busy.send(REQUEST)

    late = Client(connections)

    assert not busy.transport.is_closed
    assert late.transport.is_closed
    assert late.transport.written.startswith(b"HTTP/1.1 503 ")


LARGE = b"POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n"


def test_large_bodies_share_a_room_and_small_ones_need_none():
    connections = Connections(bodies_limit_bytes=1_500_000)
    first, second, third = (Client(connections) for _ in range(3))

    first.send(LARGE, b"a" * 900_000)
    second.send(LARGE, b"a" * 500_000)
    assert second.transport.written == b""
    second.send(b"a" * 200_000)
    third.send(b"POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n" + b"a" * 1000)
    first.send(b"a" * 100_000)

    assert second.transport.written.startswith(b"HTTP/1.1 429 ")
    assert first.transport.written.startswith(b"HTTP/1.1 200 ")
    assert third.transport.written.startswith(b"HTTP/1.1 200 ")


def test_a_body_that_is_over_makes_room_however_it_ended():
    connections = Connections(bodies_limit_bytes=1_500_000)
    for _ in range(3):
        Client(connections).send(LARGE, b"a" * 1_000_000)  # is answered
        left, refused, slow = (Client(connections) for _ in range(3))
        left.send(LARGE, b"a" * 999_999)
        left.connection.connection_lost(None)
        refused.send(LARGE, b"a" * 1_400_000, b"b" * 200_000)
        slow.send(LARGE, b"a" * 900_000)
        slow.connection.give_up()
        slow.connection.connection_lost(None)

    last = Client(connections)
    assert last.send(LARGE, b"a" * 1_000_000).startswith(b"HTTP/1.1 200 ")
