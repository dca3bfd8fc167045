"""A bucket that refuses, is gone, slow or away: one clear error each, and nothing is lost."""

import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from s3_faults import s3_faults

from coghub.domain.errors import StorageUnusable
from coghub.storage import s3 as module
from coghub.storage.s3 import LEAST_PART_BYTES, MAX_PARTS, parts_of, s3_storage

pytestmark = pytest.mark.slow

KEY = "blobs/sha256/aa"
GIB = 1024**3
FAILURES = {
    "wrong keys": (403, "InvalidAccessKeyId"),
    "not allowed": (403, "AccessDenied"),
    "no bucket": (404, "NoSuchBucket"),
    "broken": (500, "InternalError"),
    "busy": (503, "SlowDown"),
    "silent": (0, ""),
}


@pytest.fixture
def faults(s3):
    with s3_faults(s3.address) as found:
        yield found


@pytest.fixture
def place(s3):
    return s3.new_place()


@pytest.fixture
def patient(s3, place, tmp_path):
    """The same storage, without failures, and with time."""
    return s3_storage(place, s3.access, tmp_path)


@pytest.fixture
def storage(s3, place, patient, faults, tmp_path, monkeypatch):
    for name in ("TIMEOUT", "QUICK_TIMEOUT", "RETRY_TIMEOUT"):
        monkeypatch.setattr(module, name, timedelta(seconds=0.4))
    monkeypatch.setattr(module, "RETRIES", 1)
    address, _ = faults
    return s3_storage(place, replace(s3.access, endpoint=address), tmp_path)


@pytest.fixture(params=FAILURES)
def failure(request):
    return FAILURES[request.param]


def written(tmp_path, content):
    path = tmp_path / "arriving"
    path.write_bytes(content)
    return path


async def content_of(storage, key):
    return b"".join([piece async for piece in storage.read(key)])


@pytest.mark.parametrize("size", [5, LEAST_PART_BYTES + 1], ids=["small", "in parts"])
async def test_what_was_not_stored_is_kept_and_can_be_stored_later(
    storage, patient, faults, failure, tmp_path, size
):
    content = os.urandom(size)
    path = written(tmp_path, content)
    faults[1].fail("^(PUT|POST)", *failure)
    with pytest.raises(StorageUnusable, match="The object store cannot be used just now"):
        await storage.adopt(path, KEY)

    assert path.read_bytes() == content
    assert await patient.size_of(KEY) is None
    await patient.adopt(path, KEY)

    assert await content_of(patient, KEY) == content
    assert not path.exists()


async def test_parts_of_an_object_that_failed_are_aborted_by_a_later_collection(
    s3, place, storage, faults, tmp_path
):
    """Not at once: another hub may be sending the same object."""
    path = written(tmp_path, os.urandom(2 * LEAST_PART_BYTES + 1))
    faults[1].fail("partNumber=2", 500, "InternalError")

    with pytest.raises(StorageUnusable):
        await storage.adopt(path, KEY)

    assert s3.partial(place) in ([], [place.key(KEY)])
    await storage.abort_stale(datetime.now(UTC) + timedelta(days=1))
    assert s3.partial(place) == []
    assert s3.keys(place) == []
    assert path.exists()


async def test_a_mark_that_cannot_be_read_names_the_reason(storage, faults, failure, place):
    faults[1].fail("^GET", *failure)

    with pytest.raises(StorageUnusable, match=f"cannot be used: .*: {place}$") as raised:
        await storage.mark()

    assert failure[1] in raised.value.message
    assert "\n" not in raised.value.message


async def test_a_delete_that_fails_is_told(storage, patient, faults, failure, tmp_path):
    await patient.adopt(written(tmp_path, b"1"), KEY)
    faults[1].fail("^(DELETE|POST)", *failure)
    later = time.monotonic() + 60

    for deleting in (storage.delete_by(KEY, later), storage.delete([KEY])):
        with pytest.raises(StorageUnusable):
            await deleting

    assert await patient.size_of(KEY) == 1
    assert await patient.delete_by(KEY, later)
    assert await patient.size_of(KEY) is None


async def test_reading_that_fails_is_told(storage, patient, faults, tmp_path, failure):
    await patient.adopt(written(tmp_path, b"12345"), KEY)
    faults[1].fail("^GET", *failure)

    with pytest.raises(StorageUnusable):
        await content_of(storage, KEY)
    with pytest.raises(StorageUnusable):
        storage.fetch(KEY, tmp_path / "copy")

    assert await content_of(patient, KEY) == b"12345"


@pytest.mark.parametrize("size", [0, 1, LEAST_PART_BYTES, LEAST_PART_BYTES + 1])
async def test_objects_of_every_size_are_whole(s3, place, faults, tmp_path, size):
    content = os.urandom(size)
    storage = s3_storage(place, replace(s3.access, endpoint=faults[0]), tmp_path)

    await storage.adopt(written(tmp_path, content), KEY)

    assert await storage.size_of(KEY) == size
    assert await content_of(storage, KEY) == content
    is_in_parts = any("uploadId" in it for it in faults[1].seen)
    assert is_in_parts is (size > LEAST_PART_BYTES)


@pytest.mark.parametrize("size", [0, 1, 7 * GIB, 70 * GIB, 1000 * GIB, 5 * 1024 * GIB])
def test_parts_are_as_many_and_as_large_as_s3_takes_and_fit_in_memory(size):
    part_bytes, at_once = parts_of(size)

    assert 5 * 1024**2 <= part_bytes <= 5 * GIB
    assert size / part_bytes <= MAX_PARTS
    assert part_bytes * at_once <= max(module.SENDING_BYTES, part_bytes)
    assert (at_once == module.PARTS_AT_ONCE) is (size <= 140 * GIB)
