"""A bucket as the storage: whose it is, what a crash leaves in it, and how it is told of."""

import asyncio
import subprocess
import sys
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.error import HTTPError

import pytest

from coghub.domain.errors import StorageUnusable
from coghub.storage.multipart import signed
from coghub.storage.s3 import s3_storage
from coghub.storage.s3_access import S3Access, S3Place, s3_place
from coghub.storage.storage import MARK

pytestmark = pytest.mark.slow

NOWHERE = "http://127.0.0.1:9"
"""The port of a service that nobody runs."""
EARLIER = datetime(2000, 1, 1, tzinfo=UTC)
"""The server of tests says 2010 of whatever was begun."""
SENDER = """
import asyncio, sys
from pathlib import Path
from coghub.storage.s3 import s3_storage
from coghub.storage.s3_access import S3Access, S3Place

address, region, key, secret, bucket, prefix, file = sys.argv[1:]
access = S3Access(address, region, key, secret)
storage = s3_storage(S3Place(bucket, prefix), access, Path(file).parent)
asyncio.run(storage.adopt(Path(file), "blobs/sha256/aa"))
"""


@pytest.fixture
def place(s3):
    return s3.new_place()


@pytest.fixture
def storage(s3, place, tmp_path):
    return s3_storage(place, s3.access, tmp_path)


async def put(storage, key, content):
    path = storage.incoming / "arriving"
    path.write_bytes(content)
    await storage.adopt(path, key)


def answer_of(url, part=""):
    """Return status, content and type that somebody gets who knows nothing else."""
    request = urllib.request.Request(url, headers={"Range": part} if part else {})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read(), answer.headers["content-type"]
    except HTTPError as error:
        with error:
            return error.code, b"", ""


def kill_amid(s3, place, file):
    """Send a file from another process, and kill that when a part of it has come."""
    access = [s3.address, s3.access.region, s3.access.access_key_id, s3.access.secret_access_key]
    process = subprocess.Popen(
        [sys.executable, "-c", SENDER, *access, place.bucket, place.prefix, str(file)]
    )
    while not s3.partial(place):
        assert process.poll() is None
    process.kill()
    process.wait()


def test_a_place_is_a_bucket_and_a_prefix():
    assert s3_place("s3://bucket") == S3Place("bucket", "")
    assert s3_place("s3://bucket/a/b/") == S3Place("bucket", "a/b")
    assert str(s3_place("s3://bucket/a/b")) == "s3://bucket/a/b"
    assert S3Place("bucket").key("files/a") == "files/a"
    assert "s3cret" not in repr(S3Access(secret_access_key="s3cret", session_token="s3cret"))


async def test_objects_lie_below_the_prefix_alone(s3, place, storage):
    await put(storage, "files/a", b"1")

    assert s3.keys(place) == ["hubs/one/files/a"]


async def test_a_place_is_marked_below_its_prefix(s3, place, storage, tmp_path):
    assert await storage.mark() is None

    await storage.put_mark("ours")

    assert await storage.mark() == "ours"
    assert s3.keys(place) == [f"hubs/one/{MARK}"]
    assert await s3_storage(replace(place, prefix="hubs/two"), s3.access, tmp_path).mark() is None


@pytest.mark.parametrize(
    ("bucket", "endpoint", "reason"),
    [
        ("no-such-bucket", None, "NoSuchBucket"),
        (None, NOWHERE, "error sending request"),
    ],
)
async def test_a_bucket_that_cannot_be_used_is_named_at_the_start(
    s3, place, tmp_path, bucket, endpoint, reason
):
    where = replace(place, bucket=bucket or place.bucket)
    access = replace(s3.access, endpoint=endpoint or s3.address)
    storage = s3_storage(where, access, tmp_path)

    with pytest.raises(StorageUnusable, match=f"cannot be used: .*: {where}$") as raised:
        await storage.mark()

    assert reason in raised.value.message
    assert "\n" not in raised.value.message


async def test_a_store_that_is_gone_keeps_the_file_and_tells_no_address(s3, place, tmp_path):
    storage = s3_storage(place, replace(s3.access, endpoint=NOWHERE), tmp_path)

    with pytest.raises(StorageUnusable) as raised:
        await put(storage, "files/a", b"1")

    assert (tmp_path / "arriving").read_bytes() == b"1"
    assert NOWHERE not in raised.value.message


async def test_a_link_gives_the_object_and_parts_of_it_and_no_other(s3, place, storage):
    await put(storage, "files/a", b"0123456789")

    link = await storage.link_to("files/a")

    whole = await asyncio.to_thread(answer_of, link)
    part = await asyncio.to_thread(answer_of, link, "bytes=2-4")
    other = await asyncio.to_thread(answer_of, link.replace("files/a", "files/b"))
    assert whole == (200, b"0123456789", "application/octet-stream")
    assert part[:2] == (206, b"234")
    assert other[0] in {403, 404}
    assert f"/{place.bucket}/hubs/one/files/a?" in link
    assert s3.access.secret_access_key not in link


async def test_a_killed_sender_leaves_nothing_that_is_seen_and_the_rest_is_aborted(
    s3, place, storage, tmp_path
):
    file = tmp_path / "large"
    file.touch()
    with file.open("r+b") as large:
        large.truncate(600 * 1024**2)
    await asyncio.to_thread(kill_amid, s3, place, file)

    assert s3.partial(place) == ["hubs/one/blobs/sha256/aa"]
    assert await storage.size_of("blobs/sha256/aa") is None
    assert [key async for key, _ in storage.keys("")] == []
    assert file.exists()

    tomorrow = datetime.now(UTC) + timedelta(days=1)
    beside = s3_storage(replace(place, prefix="hub"), s3.access, tmp_path)
    assert await storage.abort_stale(EARLIER) == 0
    assert await beside.abort_stale(tomorrow) == 0
    assert await storage.abort_stale(tomorrow) == 1
    assert s3.partial(place) == []


async def test_a_store_that_does_not_tell_of_partial_uploads_is_left_to_itself(s3, tmp_path):
    access = replace(s3.access, endpoint=NOWHERE)
    unreachable = s3_storage(S3Place("bucket"), access, tmp_path)
    missing = s3_storage(S3Place("no-such-bucket"), s3.access, tmp_path)
    without_keys = s3_storage(S3Place("bucket"), S3Access(NOWHERE), tmp_path)

    for storage in (unreachable, missing, without_keys):
        assert await storage.abort_stale(datetime.now(UTC)) == 0


def test_a_request_is_signed_as_amazon_shows_it():
    """The example "GET Bucket (List Objects)" of the documentation of Signature Version 4."""
    access = S3Access(
        None, "us-east-1", "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    )
    now = datetime(2013, 5, 24, tzinfo=UTC)

    headers = signed(
        access, "GET", "examplebucket.s3.amazonaws.com", "/", "max-keys=2&prefix=J", now
    )

    assert headers["authorization"].endswith(
        "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
    )
