"""A registry whose blobs are in a bucket: pushed through the hub, pulled beside it."""

import asyncio
import os
import urllib.request
from dataclasses import replace
from datetime import timedelta

import oras.client
import pytest
from oci_images import Pusher, config, error_code, manifest
from s3_faults import s3_faults

from coghub.app import asgi
from coghub.domain.clock import utc_now
from coghub.domain.digest import digest_of
from coghub.domain.errors import StorageUnusable
from coghub.files.blobs import LEASE
from coghub.opening import open_hub
from coghub.registry.collection import Collection
from coghub.serving.listener import bind, listening, url_of

pytestmark = pytest.mark.slow

LAYER = os.urandom(9 * 1024**2)
"""Of two parts."""
BLOB = f"/v2/alice/hello/blobs/{digest_of(LAYER)}"
UPLOADS = "/v2/alice/hello/blobs/uploads/"


@pytest.fixture
def place(s3, monkeypatch):
    for name, value in s3.environ.items():
        monkeypatch.setenv(name, value)
    return s3.new_place()


@pytest.fixture
def settings(hub, place):
    return replace(hub.settings, storage=str(place))


class Clock:
    """Tells a time that is set."""

    later = timedelta(0)

    def __call__(self):
        return utc_now() + self.later


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def in_s3(settings, clock):
    async with open_hub(settings, now=clock) as opened:
        yield opened


@pytest.fixture
def client(in_s3, token):
    return Pusher(asgi(in_s3), token)


def keys(s3, place):
    return sorted(key.removeprefix(f"{place.prefix}/") for key in s3.keys(place))


def key_of(content):
    return f"blobs/sha256/{digest_of(content)[7:]}"


async def fetched(url, part=""):
    request = urllib.request.Request(url, headers={"Range": part} if part else {})

    def ask():
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read()

    return await asyncio.to_thread(ask)


async def test_a_blob_is_pushed_in_chunks_and_pulled_from_the_bucket(s3, place, in_s3, client):
    location = (await client("POST", UPLOADS)).headers["location"]
    for start in (0, 4_000_000, 8_000_000):  # docker's chunks are of any size
        chunk = LAYER[start : start + 4_000_000]
        headers = {"content-range": f"{start}-{start + len(chunk) - 1}"}
        assert (await client("PATCH", location, content=chunk, headers=headers)).status_code == 202
    assert keys(s3, place) == []
    done = await client("PUT", f"{location}?digest={digest_of(LAYER)}")

    assert done.status_code == 201
    assert keys(s3, place) == [key_of(LAYER)]
    assert list(in_s3.storage.incoming.iterdir()) == []
    head, get = await client("HEAD", BLOB), await client("GET", BLOB)
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(LAYER)))
    assert (get.status_code, get.content) == (307, b"")
    assert get.headers["docker-content-digest"] == digest_of(LAYER)
    assert get.headers["location"].startswith(s3.address)
    assert await fetched(get.headers["location"]) == (200, LAYER)
    assert await fetched(get.headers["location"], "bytes=5-9") == (206, LAYER[5:10])


async def test_a_blob_is_sent_by_the_hub_where_it_was_told_so(settings, token):
    async with open_hub(replace(settings, redirect_blobs=False)) as opened:
        client = Pusher(asgi(opened), token)
        await client.blob("alice/hello", LAYER)

        whole = await client("GET", BLOB)
        part = await client("GET", BLOB, headers={"range": "bytes=4194300-4194310"})

    assert (whole.status_code, whole.content) == (200, LAYER)
    assert (part.status_code, part.content) == (206, LAYER[4194300:4194311])


async def test_who_compares_our_etag_gets_the_blob_from_us(client):
    await client.blob("alice/hello", LAYER)
    same = {"range": "bytes=0-3", "if-range": f'"{digest_of(LAYER)}"'}

    answer = await client("GET", BLOB, headers=same)

    assert (answer.status_code, answer.content) == (206, LAYER[:4])


async def test_a_wrong_digest_leaves_nothing_in_the_bucket(s3, place, client):
    location = (await client("POST", UPLOADS)).headers["location"]

    answer = await client("PUT", f"{location}?digest={digest_of(b'other')}", content=LAYER)

    assert answer.status_code == 400
    assert keys(s3, place) == []


async def test_who_may_not_pull_gets_no_address(client, in_s3, bob):
    await client.blob("alice/hello", LAYER)
    stranger = Pusher(asgi(in_s3), await in_s3.accounts.create_token(bob.name))

    answer = await stranger("GET", BLOB)

    assert answer.status_code == 404
    assert "location" not in answer.headers


async def test_an_upload_goes_on_when_the_store_is_back(s3, place, settings, token, monkeypatch):
    """What the client sent is kept: the last request alone is to be repeated."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    async with open_hub(settings) as opened:
        client = Pusher(asgi(opened), token)
        location = (await client("POST", UPLOADS)).headers["location"]
        finish = f"{location}?digest={digest_of(b'layer')}"
        failed = await client("PUT", finish, content=b"layer")
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.address)
    async with open_hub(settings) as opened:
        again = await Pusher(asgi(opened), token)("PUT", finish)

    assert (failed.status_code, again.status_code) == (503, 201)
    assert "127.0.0.1" not in failed.text
    assert keys(s3, place) == [key_of(b"layer")]


@pytest.fixture
def faults(s3, monkeypatch):
    """What stands between hubs and the store from now on."""
    with s3_faults(s3.address) as (address, found):
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        yield found


@pytest.mark.parametrize("code", ["AccessDenied", "NoSuchBucket"])
async def test_a_store_that_refuses_is_told_and_asked_again(
    s3, place, faults, settings, token, code
):
    async with open_hub(settings) as opened:
        client = Pusher(asgi(opened), token)
        location = (await client("POST", UPLOADS)).headers["location"]
        finish = f"{location}?digest={digest_of(b'layer')}"
        faults.fail("^(PUT|POST|GET)", 403 if code == "AccessDenied" else 404, code)

        pushed = await client("PUT", finish, content=b"layer")
        filed = await client("POST", "/v1/files", files={"content": b"input"})
        faults.recover()
        again = await client("PUT", finish)
        filed_again = await client("POST", "/v1/files", files={"content": b"input"})

    assert (pushed.status_code, error_code(pushed)) == (503, "UNAVAILABLE")
    assert (filed.status_code, filed.json()["code"]) == (503, "storage-unusable")
    assert code not in pushed.text + filed.text
    assert (again.status_code, filed_again.status_code) == (201, 201)
    [file] = [key for key in keys(s3, place) if key.startswith("files/")]
    assert keys(s3, place) == [key_of(b"layer"), file]


async def test_a_collection_goes_on_when_the_store_lets_it(
    s3, place, faults, settings, token, clock
):
    """What it could not delete is no blob any more, and can be pushed again before it is gone."""
    async with open_hub(settings, now=clock) as opened:
        client = Pusher(asgi(opened), token)
        for blob in (b"one", b"two"):
            await client.blob("alice/hello", blob)
        clock.later = timedelta(days=2)
        faults.fail("^(DELETE|POST)", 403, "AccessDenied")
        with pytest.raises(StorageUnusable):
            await Collection(opened).tick()
        gone = await client("HEAD", f"/v2/alice/hello/blobs/{digest_of(b'one')}")
        faults.recover()
        clock.later += LEASE

        await client.blob("alice/hello", b"one")
        await Collection(opened).tick()

        there = await client("HEAD", f"/v2/alice/hello/blobs/{digest_of(b'one')}")
    assert (gone.status_code, there.status_code) == (404, 200)
    assert keys(s3, place) == [key_of(b"one")]


async def test_garbage_goes_from_the_bucket_and_nothing_that_is_named(
    s3, place, in_s3, client, clock
):
    for blob in (LAYER, b"named", config()):
        await client.blob("alice/hello", blob)
    image = manifest(config(), b"named")
    assert (await client.manifest("alice/hello", "latest", image)).status_code == 201
    orphan = {"Bucket": place.bucket, "Key": place.key(key_of(b"orphan"))}
    s3.client().put_object(Body=b"orphan", **orphan)
    s3.client().create_multipart_upload(Bucket=place.bucket, Key=place.key(key_of(b"half")))

    clock.later = timedelta(days=2)
    gone = await Collection(in_s3).tick()

    assert (gone.uploads, gone.blobs, gone.freed_bytes) == (1, 2, len(LAYER))
    assert keys(s3, place) == sorted([key_of(b"named"), key_of(config())])
    assert s3.partial(place) == []
    assert (await Collection(in_s3).tick()).blobs == 0


async def test_a_blob_that_left_the_bucket_counts_as_nothing(s3, place, client):
    await client.blob("alice/hello", LAYER)
    s3.client().delete_object(Bucket=place.bucket, Key=place.key(key_of(LAYER)))

    assert (await client("HEAD", BLOB)).status_code == 404
    assert (await client("GET", BLOB)).status_code == 404
    await client.blob("alice/hello", LAYER)
    assert (await client("GET", BLOB)).status_code == 307


async def test_a_client_of_others_pushes_and_follows_into_the_bucket(
    in_s3, token, tmp_path, monkeypatch
):
    (tmp_path / "weights.bin").write_bytes(LAYER)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))  # it would write into the user's own otherwise

    def exchange(host):
        client = oras.client.OrasClient(hostname=host, insecure=True, auth_backend="basic")
        config = str(tmp_path / "config.json")
        client.login(hostname=host, username="alice", password=token, config_path=config)
        client.push(f"{host}/alice/files:v1", files=["weights.bin"], do_chunked=True)
        client.pull(target=f"{host}/alice/files:v1", outdir=str(tmp_path / "back"))

    listener = bind("127.0.0.1", 0)
    async with listening(asgi(in_s3), listener):
        await asyncio.to_thread(exchange, url_of(listener).removeprefix("http://"))

    assert (tmp_path / "back" / "weights.bin").read_bytes() == LAYER


async def test_a_hub_does_not_start_without_the_bucket_that_it_filled(settings, place):
    async with open_hub(settings, is_claimed=True):
        pass

    for other in (None, f"s3://{place.bucket}/elsewhere"):
        with pytest.raises(StorageUnusable, match=f"are in {place}, and not in ") as refused:
            async with open_hub(replace(settings, storage=other)):
                pass
        assert f"COGHUB_STORAGE={place}" in (refused.value.hint or "")
    async with open_hub(replace(settings, storage=f"{place}")):
        pass
