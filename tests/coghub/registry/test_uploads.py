"""Blobs on their way in: every form of an upload, and what is refused."""

import dataclasses
import hashlib
import os

import anyio
import pytest
from oci_images import Pusher, error_code

from coghub.app import asgi
from coghub.database import registry as rows
from coghub.domain.digest import digest_of
from coghub.domain.errors import DiskFull
from coghub.opening import open_hub
from coghub.registry import writing
from coghub.storage.upload_files import UploadFile

UPLOADS = "/v2/alice/hello/blobs/uploads/"
CONTENT = b"0123456789"
DIGEST = digest_of(CONTENT)
BLOB = f"/v2/alice/hello/blobs/{DIGEST}"


def left_behind(hub):
    """Return the files that are neither a blob nor gone."""
    return sorted(path.name for path in hub.storage.incoming.iterdir())


async def begun(client):
    answer = await client("POST", UPLOADS)
    assert answer.status_code == 202
    return answer.headers["location"]


async def test_a_blob_in_one_request(as_alice, hub):
    answer = await as_alice("POST", f"{UPLOADS}?digest={DIGEST}", content=CONTENT)

    assert answer.status_code == 201
    assert answer.headers["location"] == BLOB
    assert answer.headers["docker-content-digest"] == DIGEST
    assert (await as_alice("GET", BLOB)).content == CONTENT
    assert left_behind(hub) == []


async def test_a_blob_in_two_requests(as_alice):
    location = await begun(as_alice)

    answer = await as_alice("PUT", f"{location}?digest={DIGEST}", content=CONTENT)

    assert answer.status_code == 201
    assert (await as_alice("GET", BLOB)).content == CONTENT


async def test_a_blob_in_chunks(as_alice):
    location = await begun(as_alice)

    first = await as_alice("PATCH", location, content=b"01234", headers={"content-range": "0-4"})
    second = await as_alice(
        "PATCH", location, content=b"567", headers={"content-range": "bytes 5-7/*"}
    )
    status = await as_alice("GET", location)
    last = await as_alice("PUT", f"{location}?digest={DIGEST}", content=b"89")

    assert (first.status_code, first.headers["range"]) == (202, "0-4")
    assert (second.status_code, second.headers["range"]) == (202, "0-7")
    assert (status.status_code, status.headers["range"]) == (204, "0-7")
    assert status.headers["location"] == location
    assert last.status_code == 201
    assert (await as_alice("GET", BLOB)).content == CONTENT


async def test_a_blob_as_a_stream_of_unknown_length(as_alice):
    async def pieces():
        for _ in range(5):
            yield b"x" * 700_000

    location = await begun(as_alice)
    await as_alice("PATCH", location, content=pieces())

    digest = digest_of(b"x" * 3_500_000)
    answer = await as_alice("PUT", f"{location}?digest={digest}")

    assert answer.status_code == 201


async def test_the_empty_blob(as_alice):
    answer = await as_alice("POST", f"{UPLOADS}?digest={digest_of(b'')}")

    assert answer.status_code == 201
    assert (await as_alice("GET", f"/v2/alice/hello/blobs/{digest_of(b'')}")).content == b""


@pytest.mark.parametrize("content_range", ["4-6", "6-8", "0-2"])
async def test_a_chunk_out_of_order_is_told_where_to_go_on(as_alice, content_range):
    location = await begun(as_alice)
    await as_alice("PATCH", location, content=b"01234")

    answer = await as_alice(
        "PATCH", location, content=b"abc", headers={"content-range": content_range}
    )

    assert answer.status_code == 416
    assert error_code(answer) == "BLOB_UPLOAD_INVALID"
    assert (answer.headers["range"], answer.headers["location"]) == ("0-4", location)


@pytest.mark.parametrize("content_range", ["junk", "5-", "9-5", "bytes */*"])
async def test_a_chunk_that_does_not_say_where_it_belongs_is_refused(as_alice, content_range):
    location = await begun(as_alice)

    answer = await as_alice(
        "PATCH", location, content=b"abc", headers={"content-range": content_range}
    )

    assert (answer.status_code, error_code(answer)) == (400, "BLOB_UPLOAD_INVALID")


@pytest.mark.parametrize("is_streamed", [False, True])
@pytest.mark.parametrize("content_range", ["2-3", "2-9"])
async def test_nothing_is_kept_of_a_chunk_of_another_length(as_alice, content_range, is_streamed):
    async def pieces():
        yield b"234"

    location = await begun(as_alice)
    await as_alice("PATCH", location, content=b"01")

    content = pieces() if is_streamed else b"234"
    answer = await as_alice(
        "PATCH", location, content=content, headers={"content-range": content_range}
    )
    finished = await as_alice("PUT", f"{location}?digest={DIGEST}", content=CONTENT[2:])

    assert (answer.status_code, error_code(answer)) == (400, "SIZE_INVALID")
    assert finished.status_code == 201


async def test_nothing_is_kept_of_content_with_another_digest(as_alice, hub):
    location = await begun(as_alice)

    answer = await as_alice("PUT", f"{location}?digest={DIGEST}", content=b"forged")

    assert (answer.status_code, error_code(answer)) == (400, "DIGEST_INVALID")
    assert left_behind(hub) == []
    assert (await as_alice("GET", location)).status_code == 404
    assert (await as_alice("HEAD", BLOB)).status_code == 404


async def test_nothing_is_kept_of_a_single_request_with_another_digest(as_alice, hub):
    answer = await as_alice("POST", f"{UPLOADS}?digest={DIGEST}", content=b"forged")

    assert (answer.status_code, error_code(answer)) == (400, "DIGEST_INVALID")
    assert left_behind(hub) == []


@pytest.mark.parametrize("digest", ["", "sha256:abc", f"sha512:{'0' * 128}", f"sha256:{'A' * 64}"])
async def test_other_digests_are_refused(as_alice, digest):
    location = await begun(as_alice)

    finished = await as_alice("PUT", f"{location}?digest={digest}", content=CONTENT)
    at_once = await as_alice("POST", f"{UPLOADS}?digest={digest}", content=CONTENT)

    assert (finished.status_code, error_code(finished)) == (400, "DIGEST_INVALID")
    assert (at_once.status_code, error_code(at_once)) == (400, "DIGEST_INVALID")


async def test_an_upload_can_be_dropped(as_alice, hub):
    location = await begun(as_alice)
    await as_alice("PATCH", location, content=CONTENT)

    answer = await as_alice("DELETE", location)

    assert answer.status_code == 204
    assert left_behind(hub) == []
    after = await as_alice("PATCH", location, content=CONTENT)
    assert (after.status_code, error_code(after)) == (404, "BLOB_UPLOAD_UNKNOWN")


async def test_an_upload_is_its_accounts_and_its_repositorys_own(as_alice, as_bob, hub):
    location = await begun(as_alice)

    stranger = await as_bob("GET", location)
    elsewhere = await as_alice("GET", location.replace("alice/hello", "alice/other"))

    assert (stranger.status_code, error_code(stranger)) == (404, "NAME_UNKNOWN")
    assert (elsewhere.status_code, error_code(elsewhere)) == (404, "BLOB_UPLOAD_UNKNOWN")


async def test_an_upload_goes_on_after_a_restart_of_the_hub(hub, as_alice, token):
    location = await begun(as_alice)
    await as_alice("PATCH", location, content=b"01234")

    restarted = Pusher(asgi(hub), token)
    status = await restarted("GET", location)
    headers = {"content-range": "5-9"}
    await restarted("PATCH", location, content=b"56789", headers=headers)
    answer = await restarted("PUT", f"{location}?digest={DIGEST}")

    assert status.headers["range"] == "0-4"
    assert answer.status_code == 201


async def test_the_content_is_summed_anew_where_its_file_changed(hub, as_alice):
    """A power cut may take back what was written last: the file is the truth."""
    location = await begun(as_alice)
    await as_alice("PATCH", location, content=b"01234")
    (file,) = hub.storage.incoming.iterdir()
    os.truncate(file, 3)

    answer = await as_alice("PUT", f"{location}?digest={DIGEST}", content=CONTENT[3:])

    assert answer.status_code == 201


async def test_an_account_has_so_many_open_uploads_and_no_more(tmp_path, hub):
    settings = dataclasses.replace(hub.settings, account_upload_limit=2)
    async with open_hub(settings) as small:
        await small.accounts.create("carol")
        client = Pusher(asgi(small), await small.accounts.create_token("carol"))
        url = "/v2/carol/hello/blobs/uploads/"
        locations = [(await client("POST", url)).headers["location"] for _ in range(2)]

        refused = await client("POST", url)
        await client("DELETE", locations[0])
        taken = await client("POST", url)

    assert (refused.status_code, error_code(refused)) == (429, "TOOMANYREQUESTS")
    assert refused.headers["retry-after"]
    assert taken.status_code == 202


async def test_a_full_disk_is_told_and_leaves_nothing(as_alice, hub, monkeypatch):
    def full(self, content):
        raise DiskFull("No space is left on the hub's disk")

    location = await begun(as_alice)
    monkeypatch.setattr(UploadFile, "append", full)

    answer = await as_alice("PATCH", location, content=CONTENT)

    assert (answer.status_code, error_code(answer)) == (507, "UNAVAILABLE")
    assert left_behind(hub) == []
    upload_id = location.rpartition("/")[2]
    assert await hub.database.read(lambda c: rows.upload(c, upload_id)) is None


async def test_a_blob_is_mounted_from_a_repository_that_may_be_read(as_alice):
    await as_alice.blob("alice/one", CONTENT)

    answer = await as_alice("POST", f"{UPLOADS}?mount={DIGEST}&from=alice/one")

    assert answer.status_code == 201
    assert answer.headers["location"] == BLOB
    assert (await as_alice("GET", BLOB)).content == CONTENT


@pytest.mark.parametrize("source", ["bob/secret", "alice/nothing", "one", "a/b/c", "", "A!"])
async def test_what_cannot_be_mounted_is_to_be_uploaded(as_alice, as_bob, source):
    await as_bob.blob("bob/secret", CONTENT)

    answer = await as_alice("POST", f"{UPLOADS}?mount={DIGEST}&from={source}")

    assert answer.status_code == 202
    assert "blobs/uploads/" in answer.headers["location"]
    assert (await as_alice("HEAD", BLOB)).status_code == 404


async def test_a_large_blob_is_summed_while_it_arrives(as_alice, hub):
    pieces = [os.urandom(1_000_003) for _ in range(7)]

    async def stream():
        for piece in pieces:
            yield piece

    location = await begun(as_alice)
    await as_alice("PATCH", location, content=stream())
    digest = f"sha256:{hashlib.sha256(b''.join(pieces)).hexdigest()}"
    answer = await as_alice("PUT", f"{location}?digest={digest}")

    assert answer.status_code == 201
    read = [piece async for piece in hub.storage.read(f"blobs/sha256/{digest[7:]}")]
    assert b"".join(read) == b"".join(pieces)


async def test_a_client_that_sends_nothing_more_is_let_go(as_alice, monkeypatch):
    async def pieces():
        yield b"01234"
        await anyio.sleep_forever()

    monkeypatch.setattr(writing, "STALL_S", 0.05)
    location = await begun(as_alice)

    answer = await as_alice("PATCH", location, content=pieces())
    finished = await as_alice("PUT", f"{location}?digest={DIGEST}", content=b"56789")

    assert (answer.status_code, error_code(answer)) == (400, "BLOB_UPLOAD_INVALID")
    assert finished.status_code == 201
