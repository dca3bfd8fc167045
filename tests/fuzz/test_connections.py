"""Clients that connect, and then do not do what clients do."""

import random
import resource
import time
from contextlib import ExitStack, suppress

import pytest
from tests.fuzz.hostile import HEADS, PATHS
from tests.fuzz.surfaces import ON_LINUX, STATUS, Listener, status_of

pytestmark = [pytest.mark.slow, ON_LINUX]

GET = b"GET %b HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
REFUSED = {400, 401, 403, 404, 405, 408, 411, 413, 414, 415, 422, 426, 431}
PIPELINED = 60
"""As many as every listener answers; some clients do it, with a few."""


def in_time(listener: Listener) -> None:
    """Require that somebody else is served meanwhile."""
    begun = time.monotonic()
    assert listener.is_alive()
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("sent", HEADS.values(), ids=HEADS)
def test_an_odd_head_is_refused_or_understood(listener, sent):
    with listener.no_larger_than(32):
        status = listener.ask(sent)

    assert status is None or status == 200 or status in REFUSED


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS"])
def test_an_odd_path_leads_nowhere(listener, method):
    for path in PATHS:
        status = listener.ask(b"%b %b HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n" % (method, path))

        assert status is None or 200 <= status < 500, path


def test_what_ends_in_the_middle_ends_nothing_else(listener):
    """Half a head, half a body, half a chunk: the client is gone, and nobody waits for it."""
    whole = POST + b'content-length: 30\r\n\r\n{"input":{"text":"'
    chunks = POST + b'transfer-encoding: chunked\r\n\r\n5\r\n{"a":\r\n5\r\n'
    for sent in (whole, chunks):
        for end in range(1, len(sent), 7):
            with listener.connect() as connection:
                connection.sendall(sent[:end])

    in_time(listener)


def test_slow_clients_hold_up_nobody(listener):
    """A hundred send their requests byte by byte, in no order, while others are served."""
    sent = GET % listener.alive.encode()
    dice = random.Random(0)
    with ExitStack() as many:
        slow = {many.enter_context(listener.connect()): 0 for _ in range(100)}
        unended = set(slow)
        while unended:
            for each in dice.sample(sorted(unended, key=id), k=min(30, len(unended))):
                each.sendall(sent[slow[each] : slow[each] + 1])
                slow[each] += 1
                if slow[each] == len(sent):
                    unended.remove(each)
            if dice.random() < 0.05:
                in_time(listener)

        assert {status_of(each) for each in slow} <= {200, 404}


def test_who_reads_nothing_is_sent_no_more_than_fits(listener):
    """Thousands of answers are asked for, and none of them is read."""
    with listener.no_larger_than(32), ExitStack() as many:
        for _ in range(20):
            connection = many.enter_context(listener.connect())
            connection.setblocking(False)  # noqa: FBT003 - has no name
            with suppress(BlockingIOError, ConnectionError):
                for _ in range(5000):
                    connection.send(GET % listener.alive.encode())

        in_time(listener)


def test_pipelined_requests_are_answered_in_turn(listener):
    with listener.no_larger_than(32), listener.connect() as connection:
        connection.sendall(GET % listener.alive.encode() * PIPELINED)
        received = b""
        while len(STATUS.findall(received)) < PIPELINED and (piece := connection.recv(65536)):
            received += piece

    assert len(STATUS.findall(received)) == PIPELINED


def test_thousands_of_connections_are_kept_or_closed_but_not_in_the_way(listener, budget):
    count = min(budget.connections, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200)
    with listener.no_larger_than(count * 40 / 1024 + 16), ExitStack() as many:
        for number in range(count):
            connection = many.enter_context(listener.connect())
            connection.sendall([b"", b"GET / HT", POST + b"content-length: 9\r\n\r\n{"][number % 3])

        in_time(listener)


def test_connections_that_come_and_go_leave_nothing(listener, budget):
    for _ in range(200):  # what is made once
        with listener.connect() as connection:
            connection.sendall(b"GET / HT")
    with listener.no_larger_than(8):
        for _ in range(budget.connections):
            with listener.connect() as connection:
                connection.sendall(b"GET / HT")

        in_time(listener)
