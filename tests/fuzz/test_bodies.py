"""Bodies that nobody means well with, at every call that takes one."""

from contextlib import ExitStack

import pytest
from tests.fuzz.endpoints import answer_to, endpoints, sent_until_answered
from tests.fuzz.hostile import BODIES, CONTENT_TYPES
from tests.fuzz.surfaces import ON_LINUX, status_of

pytestmark = [pytest.mark.slow, ON_LINUX]

LARGE_BYTES = 200 * 1024**2


def test_no_hostile_body_gets_a_server_error(surface):
    for endpoint in endpoints(surface):
        for name, body in BODIES.items():
            kind = "multipart/form-data; boundary=x" if "part" in name else None
            head = endpoint.head(f"content-length: {len(body)}", content_type=kind)

            status = answer_to(surface, head + body)

            assert status is None or status < 500, (endpoint, name, status)


def test_no_content_type_gets_a_server_error(surface):
    for endpoint in endpoints(surface):
        for kind in CONTENT_TYPES:
            for body in (b"", b"{}", b"a=b", b"--x--\r\n"):
                head = endpoint.head(f"content-length: {len(body)}", content_type=kind)

                status = answer_to(surface, head + body)

                assert status is not None, (endpoint, kind)
                assert status < 500, (endpoint, kind, status)


@pytest.mark.parametrize("is_chunked", [False, True], ids=["said", "chunked"])
def test_two_hundred_megabytes_are_refused_or_stored_but_not_held(surface, is_chunked):
    """What a call takes at most it may hold once (100 MiB, an input with its files inside)."""
    said = "transfer-encoding: chunked" if is_chunked else f"content-length: {LARGE_BYTES}"
    with surface.listener.no_larger_than(250):
        for endpoint in endpoints(surface):
            with surface.listener.connect() as connection:
                connection.sendall(endpoint.head(said))
                sent_until_answered(connection, LARGE_BYTES, is_chunked=is_chunked)
                status = status_of(connection)

            assert status is None or status < 500, (endpoint, status)


def test_many_large_bodies_that_never_end_share_what_there_is(listener):
    """Thirty clients send 90 MiB each, and leave the end out."""
    head = b"POST /predictions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    with listener.no_larger_than(700), ExitStack() as many:
        for _ in range(30):
            connection = many.enter_context(listener.connect())
            connection.sendall(head + b"content-length: 99999999\r\n\r\n")
            sent_until_answered(connection, 90 * 1024**2, is_chunked=False)

        assert listener.is_alive()
