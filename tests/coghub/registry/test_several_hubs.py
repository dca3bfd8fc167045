"""Uploads whose requests come to several hubs of the same rows, one after the other or at once."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import chain, cycle, repeat

import anyio
import pytest
from oci_images import Pusher, error_code

from coghub.app import asgi
from coghub.build.events import ignore
from coghub.build.oci import LAYER, Descriptor
from coghub.build.registry_client.credentials import Credentials
from coghub.build.registry_client.meter import Meter
from coghub.build.registry_client.opening import open_registry
from coghub.build.registry_client.reference import parse_host
from coghub.build.registry_client.retries import Retries
from coghub.build.registry_client.upload import File, Sizes, Upload
from coghub.domain.clock import utc_now
from coghub.domain.digest import digest_of
from coghub.files.place import claim_storage
from coghub.opening import open_hub
from coghub.registry import uploads
from coghub.registry.collection import Collection
from coghub.serving.listener import bind, listening, url_of
from coghub.settings import read_settings
from coghub.storage.local import SharedFolder
from coghub.storage.storage import make_folder
from coghub.storage.upload_files import is_locked

UPLOADS = "/v2/alice/hello/blobs/uploads/"
CONTENT = b"0123456789" * 1000
DIGEST = digest_of(CONTENT)
BLOB = f"/v2/alice/hello/blobs/{DIGEST}"
LIMIT_S = 30


@pytest.fixture
def settings(hub, tmp_path):
    (tmp_path / "objects").mkdir()
    return replace(hub.settings, storage=str(tmp_path / "objects"))


@pytest.fixture
async def hubs(settings):
    """Two hubs with one folder of objects and open uploads."""
    async with open_hub(settings) as one, open_hub(settings) as two:
        yield one, two


@pytest.fixture
async def apart(settings, tmp_path):
    """Two hubs with the same objects, as in a bucket, and open uploads of their own."""
    async with open_hub(settings) as one, open_hub(settings) as two:
        own = make_folder(tmp_path / "own-incoming")
        storage = SharedFolder(tmp_path / "objects" / "objects", own)
        yield one, replace(two, storage=storage)


def clients(hubs, token):
    return [Pusher(asgi(hub), token) for hub in hubs]


async def begun(client):
    return (await client("POST", UPLOADS)).headers["location"]


def open_uploads(hub):
    return [path.name for path in hub.storage.incoming.iterdir()]


async def silence(start=b""):
    """A body whose sender is gone, of which nobody hears."""
    yield start
    await anyio.sleep_forever()


async def test_chunks_come_to_one_hub_and_the_other(hubs, token):
    both = clients(hubs, token)
    location = await begun(both[0])
    for number, start in enumerate(range(0, 9000, 1000)):
        headers = {"content-range": f"{start}-{start + 999}"}
        chunk = CONTENT[start : start + 1000]
        taken = await both[number % 2]("PATCH", location, content=chunk, headers=headers)
        seen = await both[(number + 1) % 2]("GET", location)
        assert (taken.status_code, seen.headers["range"]) == (202, f"0-{start + 999}")

    done = await both[1]("PUT", f"{location}?digest={DIGEST}", content=CONTENT[9000:])

    assert done.status_code == 201
    assert (await both[0]("GET", BLOB)).content == CONTENT
    assert [open_uploads(hub) for hub in hubs] == [[], []]


async def test_a_chunk_is_refused_where_another_hub_took_it(hubs, token):
    one, two = clients(hubs, token)
    location = await begun(one)
    await one("PATCH", location, content=b"01234")

    answer = await two("PATCH", location, content=b"34", headers={"content-range": "3-4"})

    assert (answer.status_code, answer.headers["range"]) == (416, "0-4")


async def test_who_comes_back_to_another_hub_need_not_wait_for_a_dead_connection(
    hubs, token, monkeypatch, database_kind
):
    if database_kind == "sqlite":
        pytest.skip("several hubs need a server of rows")
    monkeypatch.setattr(uploads, "WATCH_S", 0.05)
    one, two = clients(hubs, token)
    location = await begun(one)
    async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as tasks:
        dead = tasks.create_task(one("PATCH", location, content=silence(b"01")))
        await until_open(hubs[0])

        newer = await two("PATCH", location, content=b"234", headers={"content-range": "2-4"})

    assert (newer.status_code, newer.headers["range"]) == (202, "0-4")
    assert (dead.result().status_code, error_code(dead.result())) == (400, "BLOB_UPLOAD_INVALID")
    assert "newer request" in dead.result().text


async def until_open(hub):
    """Wait until somebody writes the upload."""
    [path] = hub.storage.incoming.iterdir()
    while not await asyncio.to_thread(is_locked, path):
        await anyio.lowlevel.checkpoint()


async def test_two_hubs_never_write_one_upload_at_once(hubs, token, monkeypatch):
    """The one that does not give way goes on alone."""
    monkeypatch.setattr(uploads, "LOCK_WAIT_S", 0.1)
    one, two = clients(hubs, token)
    location = await begun(one)
    is_silent = anyio.Event()

    async def slow():
        yield CONTENT[:5000]
        await is_silent.wait()
        yield CONTENT[5000:]

    async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as tasks:
        first = tasks.create_task(one("PATCH", location, content=slow()))
        await until_open(hubs[0])

        refused = await two("PATCH", location, content=b"other")
        is_silent.set()

    assert (refused.status_code, error_code(refused)) == (400, "BLOB_UPLOAD_INVALID")
    assert first.result().status_code == 202
    assert (await two("PUT", f"{location}?digest={DIGEST}")).status_code == 201


async def test_a_hub_that_starts_and_collects_leaves_what_others_have_open(
    hubs, settings, token, tmp_path
):
    """Even where its clock says that all of it was forgotten long ago."""
    one, _ = clients(hubs, token)
    location = await begun(one)

    def much_later():
        return utc_now() + timedelta(days=99)

    async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(one("PATCH", location, content=silence(b"01")))
        await until_open(hubs[0])
        async with hubs[0].files.incoming() as arriving:
            await arriving.write(b"an output")
            async with open_hub(settings, now=much_later) as third:
                key = (settings.data / "key").read_bytes()
                await claim_storage(third.storage, third.database, place=settings.storage, key=key)
                gone = await Collection(third).tick()
            await arriving.received()
            await arriving.store("files/output")
        sending.cancel()

    assert gone.uploads == 0
    assert await hubs[1].storage.size_of("files/output") == len(b"an output")
    assert (await one("GET", location)).status_code == 204


async def test_an_upload_that_lies_with_another_hub_is_unknown_and_not_lost(apart, token):
    one, two = clients(apart, token)
    location = await begun(one)
    await one("PATCH", location, content=CONTENT[:5000])

    asked = [
        await two("GET", location),
        await two("PATCH", location, content=CONTENT[5000:]),
        await two("PUT", f"{location}?digest={DIGEST}"),
    ]
    done = await one("PUT", f"{location}?digest={DIGEST}", content=CONTENT[5000:])

    assert [error_code(it) for it in asked] == ["BLOB_UPLOAD_UNKNOWN"] * 3
    assert [it.status_code for it in asked] == [404] * 3
    assert done.status_code == 201
    assert open_uploads(apart[1]) == []


async def test_a_whole_blob_may_come_to_another_hub_than_where_it_began(apart, token):
    one, two = clients(apart, token)
    location = await begun(one)

    done = await two("PUT", f"{location}?digest={DIGEST}", content=CONTENT)

    assert done.status_code == 201
    assert (await one("GET", BLOB)).content == CONTENT
    assert (await one("GET", location)).status_code == 404


def balanced(choices):
    """Return an application that hands each request to the next of some hubs."""

    async def app(scope, receive, send):
        await next(choices)(scope, receive, send)

    return app


@asynccontextmanager
async def served(app):
    listener = bind("127.0.0.1", 0)
    async with listening(app, listener):
        yield url_of(listener).removeprefix("http://")


def push(address, token, folder):
    """Send the content in pieces, as `cog push` does, and return how many bytes went out."""
    environ = {"HOME": str(folder), "PATH": "/nowhere", "COG_CACHE_DIR": str(folder / "cache")}
    blob = folder / "blob"
    blob.write_bytes(CONTENT)
    meter = Meter("Pushed", len(CONTENT), ignore, now=lambda: 0.0)
    with (
        open_registry(parse_host(address), read_settings(environ)) as registry,
        blob.open("rb") as file,
    ):
        registry.retries = Retries(lambda _: None)
        registry.authentication.credentials = Credentials("alice", token)
        source = File(Descriptor(LAYER, DIGEST, len(CONTENT)), file)
        Upload(registry, "alice/hello", source, Sizes(2000, 1000), meter).run()
    return meter.moved


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["hubs", "apart"])
async def test_a_push_goes_on_when_its_hub_is_replaced(hubs, apart, kind, token, tmp_path):
    """What the new hub has not got is sent anew."""
    one, two = (asgi(hub) for hub in (hubs if kind == "hubs" else apart))
    app = balanced(chain(repeat(one, 8), repeat(two)))

    async with served(app) as address:
        moved = await asyncio.to_thread(push, address, token, tmp_path)

    assert (await Pusher(two, token)("GET", BLOB)).content == CONTENT
    assert (moved > len(CONTENT)) is (kind == "apart")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["hubs", "apart"])
async def test_a_push_works_where_requests_come_to_any_hub(hubs, apart, kind, token, tmp_path):
    """Even where they share no uploads: the last try sends all of it at once."""
    apps = [asgi(hub) for hub in (hubs if kind == "hubs" else apart)]

    async with served(balanced(cycle(apps))) as address:
        await asyncio.to_thread(push, address, token, tmp_path)

    assert (await Pusher(apps[0], token)("GET", BLOB)).content == CONTENT
