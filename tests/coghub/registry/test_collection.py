"""Garbage goes, and nothing of a push does, whenever it pauses."""

import os
from datetime import timedelta

import pytest
from oci_images import BUNDLE, OCI_MANIFEST, Pusher, config, descriptor, index, manifest

from coghub.app import asgi
from coghub.domain.clock import utc_now
from coghub.domain.digest import digest_of
from coghub.opening import open_hub
from coghub.registry.collection import Collected, Collection

LAYER = b"a layer"
GRACE = timedelta(days=1)
LATER = GRACE + timedelta(seconds=1)
UPLOADS = "/v2/alice/hello/blobs/uploads/"


class Moving:
    """A clock that is set."""

    def __init__(self):
        self.now = utc_now()

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Moving()


@pytest.fixture
async def aging(hub, clock):
    """A hub whose time passes as the test says."""
    async with open_hub(hub.settings, now=clock) as opened:
        yield opened


@pytest.fixture
async def client(aging, alice, token):
    return Pusher(asgi(aging), token)


@pytest.fixture
def collect(aging):
    return Collection(aging).tick


def files(hub):
    return sorted(
        path.name for path in (hub.settings.data / "storage").rglob("*") if path.is_file()
    )


async def is_there(client, content, repository="alice/hello"):
    return (await client("GET", f"/v2/{repository}/blobs/{digest_of(content)}")).status_code == 200


async def test_a_blob_that_nothing_names_goes_after_the_grace(client, collect, clock, aging):
    await client.blob("alice/hello", LAYER)
    clock.now += GRACE

    assert await collect() == Collected(0, 0, 0, 0)

    clock.now += timedelta(seconds=1)

    assert await collect() == Collected(uploads=0, manifests=0, blobs=1, freed_bytes=len(LAYER))
    assert not await is_there(client, LAYER)
    assert files(aging) == []


async def test_a_push_that_pauses_after_it_asked_for_a_blob(client, collect, clock):
    await client.blob("alice/hello", LAYER)
    await client.blob("alice/hello", config())
    clock.now += GRACE - timedelta(seconds=1)
    for blob in (LAYER, config()):
        assert (await client("HEAD", f"/v2/alice/hello/blobs/{digest_of(blob)}")).status_code == 200
    clock.now += GRACE - timedelta(seconds=1)

    await collect()

    answer = await client.manifest("alice/hello", "latest", manifest(config(), LAYER))
    assert answer.status_code == 201


async def test_a_push_that_pauses_after_a_mount(client, collect, clock):
    await client.blob("alice/one", LAYER)
    await client.blob("alice/hello", config())
    clock.now += GRACE - timedelta(seconds=1)
    await client("POST", f"{UPLOADS}?mount={digest_of(LAYER)}&from=alice/one")
    await client("HEAD", f"/v2/alice/hello/blobs/{digest_of(config())}")
    clock.now += GRACE - timedelta(seconds=1)

    await collect()

    answer = await client.manifest("alice/hello", "latest", manifest(config(), LAYER))
    assert answer.status_code == 201


async def test_a_push_that_sends_a_blob_again(client, collect, clock):
    await client.blob("alice/hello", LAYER)
    await client.blob("alice/hello", config())
    clock.now += GRACE - timedelta(seconds=1)
    for blob in (LAYER, config()):
        await client.blob("alice/hello", blob)
    clock.now += GRACE - timedelta(seconds=1)

    await collect()

    answer = await client.manifest("alice/hello", "latest", manifest(config(), LAYER))
    assert answer.status_code == 201


async def test_a_push_that_pauses_for_longer_than_the_grace_is_told(client, collect, clock):
    await client.blob("alice/hello", LAYER)
    await client.blob("alice/hello", config())
    clock.now += LATER

    await collect()

    answer = await client.manifest("alice/hello", "latest", manifest(config(), LAYER))
    assert answer.status_code == 404
    assert (await client("HEAD", f"/v2/alice/hello/blobs/{digest_of(LAYER)}")).status_code == 404


async def test_an_upload_that_is_finished_while_its_old_blob_goes(client, collect, clock):
    """Whichever comes first, what is answered 201 is there."""
    await client.blob("alice/hello", LAYER)
    clock.now += LATER
    location = (await client("POST", UPLOADS)).headers["location"]
    await client("PATCH", location, content=LAYER)

    assert (await collect()).blobs == 1
    answer = await client("PUT", f"{location}?digest={digest_of(LAYER)}")
    assert (await collect()).blobs == 0

    assert answer.status_code == 201
    assert await is_there(client, LAYER)


async def test_a_collection_between_the_steps_of_a_finish(
    client, collect, clock, aging, monkeypatch
):
    """The file has its place and its row is not made yet, or is an old one."""
    await client.blob("alice/hello", b"old")
    clock.now += LATER
    adopt = aging.storage.adopt

    async def interrupted(path, key):
        await collect()
        await adopt(path, key)
        await collect()

    monkeypatch.setattr(aging.storage, "adopt", interrupted)

    for content in (b"old", b"new"):
        await client.blob("alice/hello", content)

        assert await is_there(client, content)


async def test_what_a_manifest_names_stays_and_goes_with_it(client, collect, clock):
    _, content = await client.image("alice/hello", layers=(LAYER,))
    clock.now += 10 * LATER
    assert await collect() == Collected(0, 0, 0, 0)

    await client("DELETE", "/v2/alice/hello/manifests/latest")
    clock.now += LATER
    gone = await collect()

    assert (gone.manifests, gone.blobs) == (1, 2)
    answer = await client("GET", f"/v2/alice/hello/manifests/{digest_of(content)}")
    assert answer.status_code == 404


async def test_versions_stay(client, collect, clock):
    _, content = await client.image("alice/hello", BUNDLE)
    await client("DELETE", "/v2/alice/hello/manifests/latest")
    clock.now += LATER

    assert await collect() == Collected(0, 0, 0, 0)

    answer = await client("GET", f"/v2/alice/hello/manifests/{digest_of(content)}")
    assert answer.status_code == 200


async def test_the_same_image_goes_where_it_is_no_version(client, collect, clock):
    """A version of one model does not keep the untagged manifest of another."""
    await client.image("alice/hello", BUNDLE)
    await client.image("alice/parts", BUNDLE, tag="cog-image.x")
    await client("DELETE", "/v2/alice/parts/manifests/cog-image.x")
    clock.now += LATER

    assert await collect() == Collected(uploads=0, manifests=1, blobs=0, freed_bytes=0)


async def test_what_an_index_names_or_refers_to_something_stays_with_that(client, collect, clock):
    _, child = await client.image("alice/hello", layers=(LAYER,), tag="child")
    whole = index(child)
    await client.manifest("alice/hello", "all", whole)
    note = manifest(config(), LAYER, subject=descriptor(whole, OCI_MANIFEST))
    await client.manifest("alice/hello", digest_of(note), note)
    await client("DELETE", "/v2/alice/hello/manifests/child")
    clock.now += LATER
    assert (await collect()).manifests == 0

    await client("DELETE", "/v2/alice/hello/manifests/all")
    clock.now += LATER

    assert (await collect()).manifests == 3


async def test_a_push_of_an_index_that_pauses_after_it_asked_for_its_manifests(
    client, collect, clock
):
    _, child = await client.image("alice/hello", layers=(LAYER,), tag="child")
    await client("DELETE", "/v2/alice/hello/manifests/child")
    clock.now += GRACE - timedelta(seconds=1)
    await client("HEAD", f"/v2/alice/hello/manifests/{digest_of(child)}")
    clock.now += GRACE - timedelta(seconds=1)

    await collect()

    assert (await client.manifest("alice/hello", "all", index(child))).status_code == 201


async def test_an_upload_that_nobody_goes_on_with_goes(client, collect, clock, aging):
    location = (await client("POST", UPLOADS)).headers["location"]
    await client("PATCH", location, content=LAYER)
    clock.now += timedelta(days=6)
    assert (await collect()).uploads == 0

    clock.now += timedelta(days=2)

    assert (await collect()).uploads == 1
    assert files(aging) == []
    assert (await client("GET", location)).status_code == 404


async def test_an_upload_that_still_gets_bytes_stays(client, collect, clock, aging):
    """A request may take longer than the limit, and its row is as old as the request."""
    location = (await client("POST", UPLOADS)).headers["location"]
    (file,) = aging.storage.incoming.iterdir()
    clock.now += timedelta(days=8)
    os.utime(file, times=(clock.now.timestamp(), clock.now.timestamp()))

    assert (await collect()).uploads == 0
    assert (await client("GET", location)).status_code == 204


async def test_what_a_crash_left_goes(client, collect, clock, aging):
    orphan = aging.storage.path_of(f"blobs/sha256/{digest_of(b'orphan')[7:]}")
    orphan.parent.mkdir(parents=True, exist_ok=True)
    orphan.write_bytes(b"orphan")
    (aging.storage.incoming / "upload-lost").write_bytes(b"half")
    assert await collect() == Collected(0, 0, 0, 0)

    clock.now += timedelta(days=8)
    await collect()

    assert files(aging) == []


async def test_what_is_left_of_a_deleted_model_goes(client, collect, clock, aging, alice):
    await client.image("alice/hello", layers=(LAYER,))
    await aging.deletion.delete_model(alice, "alice", "hello")
    clock.now += LATER

    gone = await collect()

    assert (gone.manifests, gone.blobs) == (1, 2)


async def test_a_blob_that_lost_its_content_goes_without_an_error(client, collect, clock, aging):
    await client.blob("alice/hello", LAYER)
    aging.storage.path_of(f"blobs/sha256/{digest_of(LAYER)[7:]}").unlink()
    clock.now += LATER

    assert (await collect()).blobs == 1
