"""A file on its way into the storage: bounded, hashed, and gone if nobody kept it."""

import hashlib

import pytest

from coghub.domain.errors import TooLarge
from coghub.storage.incoming import PIECE_BYTES, Incoming
from coghub.storage.local import local_storage


@pytest.fixture
def storage(tmp_path):
    return local_storage(tmp_path)


def incoming(storage, limit_bytes=10 * PIECE_BYTES):
    return Incoming(storage, limit_bytes=limit_bytes, too_large="It is too large")


async def test_what_came_is_hashed_and_kept_whole(storage):
    content = bytes(range(256)) * 3000 + b"rest"
    async with incoming(storage) as arriving:
        for start in range(0, len(content), 100_000):
            await arriving.write(content[start : start + 100_000])
        received = await arriving.received()
        await arriving.store("files/a")

    kept = b"".join([piece async for piece in storage.read("files/a")])
    assert kept == content
    assert received.size_bytes == len(content)
    assert received.md5 == hashlib.md5(content).hexdigest()
    assert received.sha256 == hashlib.sha256(content).hexdigest()
    assert list(storage.incoming.iterdir()) == []


async def test_nothing_is_a_file_too(storage):
    async with incoming(storage) as arriving:
        received = await arriving.received()
        await arriving.store("files/empty")

    assert received.size_bytes == await storage.size_of("files/empty") == 0


async def test_what_is_above_the_limit_is_refused_and_removed(storage):
    async with incoming(storage, limit_bytes=5) as arriving:
        await arriving.write(b"12345")
        with pytest.raises(TooLarge, match="It is too large"):
            await arriving.write(b"6")

    assert list(storage.incoming.iterdir()) == []


async def test_what_nobody_keeps_is_removed(storage):
    async with incoming(storage) as arriving:
        await arriving.write(b"x" * 2 * PIECE_BYTES)
        assert len(list(storage.incoming.iterdir())) == 1

    assert list(storage.incoming.iterdir()) == []
