"""Whenever removals and uploads of the same blobs meet, in one hub or several, nothing is lost."""

import asyncio
import os
import random
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial

import anyio
import pytest
from sqlalchemy import select

from coghub.database import registry as registry_rows
from coghub.database.schema import blobs
from coghub.domain.clock import utc_now
from coghub.domain.digest import digest_of
from coghub.domain.errors import StorageUnusable
from coghub.files import blobs as module
from coghub.files.blobs import LEASE, Blobs, expected
from coghub.opening import open_hub
from coghub.storage.places import of_blob

CONTENT = b"a layer"
DIGEST = digest_of(CONTENT)
KEY = of_blob(DIGEST)
LIMIT_S = 60


class Moving:
    """A clock that is set."""

    def __init__(self):
        self.now = utc_now()

    def __call__(self):
        return self.now


class Gate:
    """Storage whose deletions wait until they are let through, or fail."""

    def __init__(self, storage):
        self.storage = storage
        self.reached, self.opened = anyio.Event(), anyio.Event()
        self.failure = None

    async def delete_by(self, key, deadline):
        self.reached.set()
        await self.opened.wait()
        if self.failure is not None:
            raise self.failure
        return await self.storage.delete_by(key, deadline)


@pytest.fixture
def clock():
    return Moving()


@pytest.fixture
def gate(hub):
    return Gate(hub.storage)


@pytest.fixture
def held(hub, gate, clock):
    """Removals that wait at the gate."""
    return Blobs(hub.database, gate, clock)


@pytest.fixture
def free(hub, clock):
    return Blobs(hub.database, hub.storage, clock)


async def put(hub, content=CONTENT):
    descriptor, path = hub.storage.new_incoming()
    os.close(descriptor)
    path.write_bytes(content)
    await hub.storage.adopt(path, of_blob(digest_of(content)))


def link(hub, since, digest=DIGEST):
    return hub.database.write(lambda c: registry_rows.link_blob(c, "alice/hello", digest, since))


async def stored(hub, clock, content=CONTENT):
    since = await expected(hub.database, digest_of(content), len(content), now=clock)
    await put(hub, content)
    await link(hub, since, digest_of(content))


def later(clock):
    return clock.now + timedelta(seconds=1)


def rows_of(hub):
    return hub.database.read(lambda c: c.execute(select(blobs.c.digest)).scalars().all())


def readable(hub):
    return hub.database.read(lambda c: registry_rows.blob_size(c, "alice/hello", DIGEST))


async def test_an_upload_waits_for_the_end_of_a_removal(hub, clock, gate, held):
    await stored(hub, clock)
    async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as tasks:
        tasks.create_task(held.remove([DIGEST], later(clock)))
        await gate.reached.wait()
        assert await readable(hub) is None

        upload = tasks.create_task(stored(hub, clock))
        await hub.database.write(lambda _: None)  # what the upload asked first is answered
        assert await hub.storage.size_of(KEY) == len(CONTENT)
        assert not upload.done()
        gate.opened.set()

    assert await readable(hub) == await hub.storage.size_of(KEY) == len(CONTENT)


async def test_an_upload_that_would_wait_for_long_is_told(hub, clock, gate, held, monkeypatch):
    monkeypatch.setattr(module, "WAIT_S", 0.05)
    await stored(hub, clock)
    removal = asyncio.create_task(held.remove([DIGEST], later(clock)))
    await gate.reached.wait()

    with pytest.raises(StorageUnusable, match=f"is just being removed, send it again: {DIGEST}"):
        await stored(hub, clock)

    gate.opened.set()
    await removal


async def test_the_removal_of_a_killed_hub_is_taken_over_by_an_upload(hub, clock, gate, held):
    """It ends late, and does nothing any more."""
    await stored(hub, clock)
    removal = asyncio.create_task(held.remove([DIGEST], later(clock)))
    await gate.reached.wait()
    clock.now += LEASE
    since = await expected(hub.database, DIGEST, len(CONTENT), now=clock)

    gate.opened.set()
    await removal
    await put(hub)
    await link(hub, since)

    assert await readable(hub) == await hub.storage.size_of(KEY) == len(CONTENT)


async def test_a_removal_that_paused_for_too_long_deletes_nothing(
    hub, clock, gate, held, monkeypatch
):
    monkeypatch.setattr(module, "REQUESTS_S", -1.0)
    await stored(hub, clock)
    gate.opened.set()

    await held.remove([DIGEST], later(clock))

    assert await hub.storage.size_of(KEY) == len(CONTENT)
    assert await readable(hub) is None
    assert await rows_of(hub) == [DIGEST]


async def test_what_a_killed_hub_began_to_remove_is_ended_by_the_next_collection(
    hub, clock, gate, held, free
):
    await stored(hub, clock)
    removal = asyncio.create_task(held.remove([DIGEST], later(clock)))
    await gate.reached.wait()
    removal.cancel()
    await asyncio.wait([removal])

    await free.end_removals()
    assert await hub.storage.size_of(KEY) == len(CONTENT)  # it might be going on still
    clock.now += LEASE
    await free.end_removals()

    assert await hub.storage.size_of(KEY) is None
    assert await rows_of(hub) == []


async def test_a_store_that_fails_keeps_what_is_left_to_be_done(hub, clock, gate, held, free):
    await stored(hub, clock)
    gate.failure = StorageUnusable("away")
    gate.opened.set()

    with pytest.raises(StorageUnusable, match="away"):
        await held.remove([DIGEST], later(clock))
    assert await rows_of(hub) == [DIGEST]
    assert await readable(hub) is None
    clock.now += LEASE
    await free.end_removals()

    assert await rows_of(hub) == []
    assert await hub.storage.size_of(KEY) is None


async def test_what_was_collected_while_it_was_stored_is_told(hub, clock, free):
    """It took longer than the grace: another upload of the same blob makes no difference."""
    since = await expected(hub.database, DIGEST, len(CONTENT), now=clock)
    clock.now += timedelta(days=2)
    assert await free.remove([DIGEST], clock.now) == {DIGEST: len(CONTENT)}
    await put(hub)
    for again in (False, True):
        if again:
            await expected(hub.database, DIGEST, len(CONTENT), now=clock)
        with pytest.raises(StorageUnusable, match="took too long to be stored"):
            await link(hub, since)

    assert await readable(hub) is None


async def test_an_object_that_an_upload_stored_meanwhile_is_no_orphan(hub, clock, free):
    await put(hub)
    since = await expected(hub.database, DIGEST, len(CONTENT), now=clock)

    assert not await free.remove_orphan(DIGEST)
    await link(hub, since)

    assert await hub.storage.size_of(KEY) == len(CONTENT)


async def test_an_orphan_goes_with_the_row_that_was_made_for_it(hub, free):
    await put(hub)

    assert await free.remove_orphan(DIGEST)

    assert await hub.storage.size_of(KEY) is None
    assert await rows_of(hub) == []


async def test_what_is_named_or_used_stays(hub, clock, free):
    await stored(hub, clock)

    assert await free.remove([DIGEST], clock.now) == {}

    assert await readable(hub) == len(CONTENT)


@pytest.fixture(params=["local", "folder", pytest.param("s3", marks=pytest.mark.slow)])
def shared(request, hub_settings, tmp_path, monkeypatch):
    """The settings of hubs with the same objects."""
    if request.param == "local":
        return hub_settings
    if request.param == "folder":
        (tmp_path / "objects").mkdir()
        return replace(hub_settings, storage=str(tmp_path / "objects"))
    s3 = request.getfixturevalue("s3")
    for name, value in s3.environ.items():
        monkeypatch.setenv(name, value)
    return replace(hub_settings, storage=str(s3.new_place()))


CONTENTS = [b"layer %d" % number for number in range(3)]
ROUNDS = 15


async def test_two_hubs_store_and_remove_the_same_blobs_all_the_time(shared):
    """What is answered is there: nobody can remove it before, and its removal takes the row."""
    async with open_hub(shared) as one, open_hub(shared) as two:
        async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as tasks:
            for number in range(4):
                tasks.create_task(store_some((one, two)[number % 2], number))
            for hub in (one, two):
                tasks.create_task(remove_all(hub))

        for content in CONTENTS:
            await stored(two, utc_now, content)
            assert await one.storage.size_of(of_blob(digest_of(content))) == len(content)


async def store_some(hub, seed):
    choice = random.Random(seed)
    for _ in range(ROUNDS):
        content = choice.choice(CONTENTS)
        digest = digest_of(content)
        since = await expected(hub.database, digest, len(content), now=utc_now)
        await put(hub, content)
        with suppress(StorageUnusable):  # it was removed already
            await hub.database.write(partial(answer, hub=hub, digest=digest, since=since))


async def remove_all(hub):
    every = [digest_of(content) for content in CONTENTS]
    for _ in range(ROUNDS):
        future = utc_now() + timedelta(days=1)
        await Blobs(hub.database, hub.storage, utc_now).remove(every, future)


def answer(connection, hub, digest, since):
    """Let the repository have the blob, and see that its object is there at that moment."""
    registry_rows.link_blob(connection, "alice/hello", digest, since)
    hub.storage.fetch(of_blob(digest), hub.settings.data / f"seen-{id(hub)}")
