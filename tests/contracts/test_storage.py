"""Every store of objects behaves the same: on the local disk, in a folder, and in a bucket."""

import os
import time
from datetime import UTC, datetime, timedelta

import pytest

from coghub.domain.errors import TooLarge
from coghub.storage.incoming import Incoming
from coghub.storage.local import local_storage, shared_folder
from coghub.storage.s3 import PIECE_BYTES, s3_storage
from coghub.storage.storage import MARK

pytestmark = pytest.mark.slow

LARGE = bytes(range(251)) * (3 * PIECE_BYTES // 251)
"""Of several parts and pieces, none of which is like another."""


@pytest.fixture(params=["local", "folder", "s3"])
def storage(request, tmp_path):
    if request.param == "local":
        return local_storage(tmp_path)
    if request.param == "folder":
        return shared_folder(tmp_path, is_marked=False)
    s3 = request.getfixturevalue("s3")
    (tmp_path / "incoming").mkdir()
    return s3_storage(s3.new_place(), s3.access, tmp_path / "incoming")


async def put(storage, key, content):
    descriptor, path = storage.new_incoming()
    os.close(descriptor)
    path.write_bytes(content)
    await storage.adopt(path, key)


async def content_of(storage, key, **part):
    return b"".join([piece async for piece in storage.read(key, **part)])


async def keys_of(storage, prefix):
    return sorted([key async for key, _ in storage.keys(prefix)])


@pytest.mark.parametrize("content", [b"", b"small", LARGE], ids=["empty", "small", "large"])
async def test_what_is_adopted_is_there_whole_and_its_file_is_gone(storage, content):
    await put(storage, "blobs/sha256/aa", content)

    assert await storage.size_of("blobs/sha256/aa") == len(content)
    assert await content_of(storage, "blobs/sha256/aa") == content
    assert list(storage.incoming.iterdir()) == []


async def test_an_object_is_replaced_at_once(storage):
    await put(storage, "files/a", b"old and long")
    await put(storage, "files/a", b"new")

    assert await content_of(storage, "files/a") == b"new"


@pytest.mark.parametrize(
    ("start", "end"),
    [(0, 1), (5, 5), (7, None), (PIECE_BYTES - 1, PIECE_BYTES + 1), (1, 2 * PIECE_BYTES + 9)],
)
async def test_a_part_is_what_was_asked_for(storage, start, end):
    await put(storage, "files/a", LARGE)

    assert await content_of(storage, "files/a", start=start, end=end) == LARGE[start:end]


async def test_a_part_ends_where_the_object_does(storage):
    await put(storage, "files/a", b"0123456789")

    assert await content_of(storage, "files/a", start=8, end=99) == b"89"
    assert await content_of(storage, "files/a", start=99) == b""


async def test_what_is_not_there(storage, tmp_path):
    assert await storage.size_of("files/none") is None
    with pytest.raises(FileNotFoundError):
        await content_of(storage, "files/none")
    with pytest.raises(FileNotFoundError):
        storage.fetch("files/none", tmp_path / "none")
    await storage.delete(["files/none"])


async def test_objects_are_found_below_a_prefix_with_their_time(storage):
    before = datetime.now(UTC) - timedelta(seconds=2)  # a store may tell whole seconds
    for key in ("blobs/sha256/a", "blobs/sha256/b", "files/c", "blobs-too/d"):
        await put(storage, key, b"1")

    assert await keys_of(storage, "blobs/sha256/") == ["blobs/sha256/a", "blobs/sha256/b"]
    assert await keys_of(storage, "none/") == []
    made = [made async for _, made in storage.keys("blobs/sha256/")]
    assert all(before < each < datetime.now(UTC) + timedelta(seconds=2) for each in made)


async def test_deleted_objects_are_gone(storage):
    for key in ("files/a", "files/b", "files/c"):
        await put(storage, key, b"1")

    await storage.delete(["files/a", "files/none", "files/b"])
    assert await storage.delete_by("files/c", time.monotonic() + 60)

    assert await keys_of(storage, "files/") == []
    assert await storage.size_of("files/c") is None
    assert await storage.delete_by("files/none", time.monotonic() + 60)


async def test_an_object_is_not_deleted_too_late(storage):
    await put(storage, "files/a", b"1")

    assert not await storage.delete_by("files/a", time.monotonic() - 1)

    assert await storage.size_of("files/a") == 1


async def test_an_object_is_fetched_into_a_file(storage, tmp_path):
    await put(storage, "files/a", LARGE)
    await put(storage, "files/b", b"")

    storage.fetch("files/a", tmp_path / "a")
    storage.fetch("files/b", tmp_path / "b")

    assert (tmp_path / "a").read_bytes() == LARGE
    assert (tmp_path / "b").read_bytes() == b""


async def test_a_file_that_is_too_large_leaves_nothing(storage):
    with pytest.raises(TooLarge, match="too large"):
        async with Incoming(storage, limit_bytes=4, too_large="too large") as arriving:
            await arriving.write(b"12345")

    assert list(storage.incoming.iterdir()) == []
    assert await keys_of(storage, "") == []


async def test_what_came_becomes_the_object(storage):
    async with Incoming(storage, limit_bytes=99, too_large="") as arriving:
        await arriving.write(b"12345")
        received = await arriving.received()
        await arriving.store("files/a")

    assert received.size_bytes == await storage.size_of("files/a") == 5
    assert list(storage.incoming.iterdir()) == []


async def test_a_mark_says_whose_the_place_is(storage):
    assert await storage.mark() is None
    for text in ("one", "another"):
        await storage.put_mark(text)

        assert await storage.mark() == text
        assert await keys_of(storage, "") == [MARK]
    assert list(storage.incoming.iterdir()) == []


async def test_nothing_is_stale_where_nothing_was_begun(storage):
    assert await storage.abort_stale(datetime.now(UTC)) == 0
