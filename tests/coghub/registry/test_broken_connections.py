"""Clients that go away in the middle, over real connections."""

import asyncio
import os
import re

import anyio
import pytest
from oci_images import Pusher

from coghub.domain.digest import digest_of

pytestmark = pytest.mark.slow

UPLOADS = "/v2/alice/hello/blobs/uploads/"
CONTENT = os.urandom(3_000_000)
DIGEST = digest_of(CONTENT)
LIMIT_S = 20.0


class Connection:
    """A client that says exactly what a test wants."""

    def __init__(self, address, token):
        self.host, _, self.port = address.rpartition(":")
        self.head = f"Host: {address}\r\nAuthorization: Bearer {token}\r\n"

    async def __aenter__(self):
        self.reader, self.writer = await asyncio.open_connection(self.host, int(self.port))
        return self

    async def __aexit__(self, *_):
        self.writer.transport.abort()

    async def send(self, method, path, headers=(), content=b""):
        lines = "".join(f"{line}\r\n" for line in headers)
        self.writer.write(f"{method} {path} HTTP/1.1\r\n{self.head}{lines}\r\n".encode() + content)
        await self.writer.drain()

    async def answer(self):
        """Return the status and headers of the next answer, in lower case."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        return int(head.split()[1]), dict(re.findall(r"^([\w-]+): (.*)\r$", head, re.MULTILINE))


@pytest.fixture
def connect(address, token):
    return lambda: Connection(address, token)


async def begun(connect):
    async with connect() as connection:
        await connection.send("POST", UPLOADS, ["Content-Length: 0"])
        status, headers = await connection.answer()
    assert status == 202
    return headers["location"]


async def reached(connect, location):
    async with connect() as connection:
        await connection.send("GET", location)
        status, headers = await connection.answer()
    assert status == 204
    end = int(headers["range"].partition("-")[2])
    return end + 1 if end else 0


async def until_reached(connect, location, size):
    with anyio.fail_after(LIMIT_S):
        while await reached(connect, location) < size:
            await anyio.lowlevel.checkpoint()


async def finish(connect, location, start):
    """Send the rest from there, and return the status."""
    async with connect() as connection:
        length = len(CONTENT) - start
        await connection.send(
            "PUT", f"{location}?digest={DIGEST}", [f"Content-Length: {length}"], CONTENT[start:]
        )
        return (await connection.answer())[0]


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_what_arrived_before_a_connection_broke_is_kept(connect, hub, is_chunked):
    location = await begun(connect)
    part = CONTENT[:2_500_000]
    async with connect() as connection:
        if is_chunked:
            content = f"{len(part):x}\r\n".encode() + part + b"\r\n"
            await connection.send("PATCH", location, ["Transfer-Encoding: chunked"], content)
        else:
            await connection.send("PATCH", location, [f"Content-Length: {len(CONTENT)}"], part)
        await until_reached(connect, location, 1_000_000)

    start = await reached(connect, location)
    assert 0 < start <= len(part)
    with anyio.fail_after(LIMIT_S):
        # The end of the old connection may be heard of after that of the next.
        while (status := await resumed(connect, location)) != 201:
            assert status in {400, 416}
    assert [path.name for path in hub.storage.incoming.iterdir()] == []


async def resumed(connect, location):
    """Go on as a client does: ask where, send the rest from there."""
    start = await reached(connect, location)
    async with connect() as connection:
        headers = [
            f"Content-Length: {len(CONTENT) - start}",
            f"Content-Range: {start}-{len(CONTENT) - 1}",
        ]
        await connection.send("PATCH", location, headers, CONTENT[start:])
        status, _ = await connection.answer()
    return await finish(connect, location, len(CONTENT)) if status == 202 else status


async def test_who_comes_back_need_not_wait_for_a_dead_connection(connect):
    """The hub may not hear for minutes that a connection broke: the newer one goes on."""
    location = await begun(connect)
    async with connect() as silent:
        await silent.send(
            "PATCH", location, [f"Content-Length: {len(CONTENT)}"], CONTENT[:2_000_000]
        )
        await until_reached(connect, location, 1_000_000)

        with anyio.fail_after(LIMIT_S):
            while (status := await resumed(connect, location)) != 201:
                assert status in {400, 416}
            status, _ = await silent.answer()

    assert status == 400


async def test_many_dead_connections_leave_the_newest_alone(connect):
    location = await begun(connect)
    async with connect() as one, connect() as two, connect() as three:
        for silent in (one, two, three):
            await silent.send("PATCH", location, [f"Content-Length: {len(CONTENT)}"])

        with anyio.fail_after(LIMIT_S):
            while (status := await resumed(connect, location)) != 201:
                assert status in {400, 416}


async def test_a_broken_single_request_leaves_nothing(connect, hub):
    async with connect() as connection:
        await connection.send(
            "POST",
            f"{UPLOADS}?digest={DIGEST}",
            [f"Content-Length: {len(CONTENT)}"],
            CONTENT[:2_000_000],
        )
        with anyio.fail_after(LIMIT_S):
            while not list(hub.storage.incoming.iterdir()):
                await anyio.lowlevel.checkpoint()

    with anyio.fail_after(LIMIT_S):
        while list(hub.storage.incoming.iterdir()):
            await anyio.lowlevel.checkpoint()


async def test_a_pull_that_ends_early_harms_nobody(connect, address, token, app):
    await Pusher(app, token).blob("alice/hello", CONTENT)
    for _ in range(3):
        async with connect() as connection:
            await connection.send("GET", f"/v2/alice/hello/blobs/{DIGEST}")
            await connection.answer()
            await connection.reader.read(1000)

    async with connect() as connection:
        await connection.send("GET", f"/v2/alice/hello/blobs/{DIGEST}")
        await connection.answer()
        assert await connection.reader.readexactly(len(CONTENT)) == CONTENT


async def test_a_refused_upload_is_answered_before_its_content_is_sent(connect):
    async with connect() as connection:
        await connection.send(
            "PATCH", f"{UPLOADS}abc", [f"Content-Length: {10 * 1024**3}", "Expect: 100-continue"]
        )
        with anyio.fail_after(LIMIT_S):
            status, _ = await connection.answer()

    assert status == 404
