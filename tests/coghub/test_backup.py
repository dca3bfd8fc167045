"""A backup holds everything, is made beside a running hub, and restores whole or not at all."""

import asyncio
import itertools
import sqlite3
import stat
from contextlib import closing
from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, insert

from coghub.backup import NOTE, OBJECTS, back_up, read_note, restore
from coghub.database.schema import properties
from coghub.domain.errors import BackupInvalid, HubNotFound, StorageUnusable
from coghub.hub_settings import HubSettings
from coghub.opening import DATABASE, KEY_FILE, claim, open_hub

NOW = datetime(2026, 5, 1, tzinfo=UTC)


async def put(hub, key: str, content: bytes) -> None:
    _, path = hub.storage.new_incoming()
    path.write_bytes(content)
    await hub.storage.adopt(path, key)


async def content_of(hub, key: str) -> bytes:
    return b"".join([piece async for piece in hub.storage.read(key)])


def backed_up(hub, target, **options):
    """Make a backup as the command does, wherever the rows are."""
    data, database = hub.settings.data, hub.settings.database
    return asyncio.to_thread(back_up, data, target, now=NOW, database=database, **options)


@pytest.fixture
def data(hub):
    return hub.settings.data


async def test_a_restored_hub_has_everything(hub, alice, tmp_path):
    token = await hub.accounts.create_token("alice")
    model = await hub.models.create(alice, "alice", "resize")
    await hub.variables.put(model, "KEY", "s3cret", is_secret=True)
    await put(hub, "blobs/sha256/ab", b"weights")
    await put(hub, "outputs/x", b"picture")

    note = await backed_up(hub, tmp_path / "backup")
    assert restore(tmp_path / "backup", tmp_path / "new") == note

    assert note.objects == 2
    async with open_hub(HubSettings(data=tmp_path / "new")) as restored:
        assert (await restored.accounts.authenticate(token)).name == "alice"
        again = await restored.models.get(alice, "alice", "resize")
        assert await restored.variables.environment_of(again.id) == {"KEY": "s3cret"}
        assert await content_of(restored, "blobs/sha256/ab") == b"weights"
        assert await content_of(restored, "outputs/x") == b"picture"


async def test_only_its_owner_can_read_it(hub, tmp_path):
    await backed_up(hub, tmp_path / "backup")
    restore(tmp_path / "backup", tmp_path / "new")

    for folder in (tmp_path / "backup", tmp_path / "new"):
        modes = [path.stat() for path in (folder, folder / KEY_FILE, folder / DATABASE)]
        assert [stat.S_IMODE(it.st_mode) for it in modes] == [0o700, 0o600, 0o600]


async def test_a_backup_made_again_takes_what_is_new_and_drops_what_is_gone(hub, tmp_path):
    await put(hub, "old", b"1")
    await put(hub, "kept", b"2")
    await backed_up(hub, tmp_path / "backup")
    await hub.storage.delete(["old"])
    await put(hub, "new", b"3")
    await hub.accounts.create("bob")

    note = await backed_up(hub, tmp_path / "backup")

    kept = {path.name for path in (tmp_path / "backup" / OBJECTS).iterdir()}
    assert kept == {"kept", "new"}
    assert note.objects == 2
    restore(tmp_path / "backup", tmp_path / "new")
    async with open_hub(HubSettings(data=tmp_path / "new")) as restored:
        assert [it.name for it in await restored.accounts.list()] == ["bob"]


@pytest.mark.parametrize("is_refreshed", [False, True])
async def test_whatever_the_copied_rows_name_is_in_it(
    hub, data, tmp_path, monkeypatch, is_refreshed
):
    """As in a hub that runs: objects come before the rows are copied, and go before and after."""
    objects = data / OBJECTS
    await put(hub, "kept", b"1")
    await put(hub, "removed before the rows", b"2")
    await put(hub, "removed after the rows", b"3")
    if is_refreshed:
        await backed_up(hub, tmp_path / "backup")
        (objects / "removed before the rows").unlink()
    how = "_take_rows" if hub.settings.database is None else "_take_server_rows"
    take_rows = back_up.__globals__[how]

    def taken_while_things_happen(source, target):
        (objects / "new").write_bytes(b"4")
        take_rows(source, target)
        (objects / "removed after the rows").unlink()

    monkeypatch.setitem(back_up.__globals__, how, taken_while_things_happen)

    await backed_up(hub, tmp_path / "backup")

    copied = {path.name for path in (tmp_path / "backup" / OBJECTS).iterdir()}
    assert {"kept", "new", "removed after the rows"} <= copied
    assert ("removed before the rows" in copied) is not is_refreshed


async def test_no_row_lacks_its_object_while_the_hub_writes(hub, data, tmp_path):
    """New objects come before their rows and old ones go after theirs, beside real backups."""
    objects = data / OBJECTS
    old = [f"old-{number}" for number in range(300)]

    async def add(name):
        (objects / name).write_bytes(b"content")
        await hub.database.write(
            lambda c: c.execute(insert(properties).values(name=name, value=""))
        )

    async def remove(name):
        await hub.database.write(
            lambda c: c.execute(delete(properties).where(properties.c.name == name))
        )
        (objects / name).unlink()

    async def work():
        for number in itertools.count():
            await add(f"new-{number}")
            if old:
                await remove(old.pop())

    for name in old:
        await add(name)
    working = asyncio.create_task(work())
    for _ in range(5):
        await backed_up(hub, tmp_path / "backup")

        copied = {path.name for path in (tmp_path / "backup" / OBJECTS).iterdir()}
        with closing(sqlite3.connect(tmp_path / "backup" / DATABASE)) as rows:
            named = {name for (name,) in rows.execute("SELECT name FROM properties")}
        assert named <= copied
        assert named
    working.cancel()


async def test_where_links_are_not_possible_objects_are_copied(hub, tmp_path, monkeypatch):
    await put(hub, "blob", b"content")

    def refuse(self, target):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(type(tmp_path), "hardlink_to", refuse)

    await backed_up(hub, tmp_path / "backup")

    copy = tmp_path / "backup" / OBJECTS / "blob"
    assert copy.read_bytes() == b"content"
    assert copy.stat().st_nlink == 1


async def test_a_folder_with_something_else_is_not_touched(hub, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.tex").write_text("words")

    with pytest.raises(BackupInvalid, match="something else than a backup of this hub"):
        await backed_up(hub, other)

    assert [path.name for path in other.iterdir()] == ["thesis.tex"]


async def test_a_data_folder_is_no_place_for_a_backup(hub, data, tmp_path):
    """Neither its own, whose rows are in use, nor that of a hub which was restored from it."""
    await backed_up(hub, tmp_path / "backup")
    restore(tmp_path / "backup", tmp_path / "twin")
    rows = (tmp_path / "twin" / DATABASE).stat().st_ino

    for folder in (data, tmp_path / "twin"):
        with pytest.raises(BackupInvalid, match="something else than a backup of this hub"):
            await backed_up(hub, folder)

    assert (tmp_path / "twin" / DATABASE).stat().st_ino == rows


async def test_a_backup_that_was_interrupted_is_made_whole(hub, tmp_path):
    await backed_up(hub, tmp_path / "backup")
    (tmp_path / "backup" / NOTE).rename(tmp_path / "backup" / f"{NOTE}.partial")

    await backed_up(hub, tmp_path / "backup")

    assert read_note(tmp_path / "backup").created_at


async def test_the_backup_of_another_hub_is_not_overwritten(hub, tmp_path):
    async with open_hub(HubSettings(data=tmp_path / "second")):
        pass
    back_up(tmp_path / "second", tmp_path / "backup", now=NOW)

    with pytest.raises(BackupInvalid, match="something else than a backup of this hub"):
        await backed_up(hub, tmp_path / "backup")


def test_a_folder_without_a_hub_is_refused(tmp_path):
    with pytest.raises(HubNotFound, match="No hub in this folder"):
        back_up(tmp_path / "none", tmp_path / "backup", now=NOW)

    assert not (tmp_path / "backup").exists()


async def test_a_folder_with_anything_in_it_is_not_restored_into(hub, data, tmp_path):
    await backed_up(hub, tmp_path / "backup")
    lock = claim(data)

    with pytest.raises(BackupInvalid, match="The data folder is not empty"):
        restore(tmp_path / "backup", data)

    lock.release()


async def test_an_empty_folder_is_restored_into(hub, tmp_path):
    await backed_up(hub, tmp_path / "backup")
    (tmp_path / "new").mkdir()

    restore(tmp_path / "backup", tmp_path / "new")

    assert (tmp_path / "new" / DATABASE).is_file()


@pytest.mark.parametrize("note", [None, "", "{}", "[]", '{"format": 1}', "\udcff"])
async def test_what_is_no_whole_backup_is_refused(hub, tmp_path, note):
    await backed_up(hub, tmp_path / "backup")
    if note is None:
        (tmp_path / "backup" / NOTE).unlink()
    else:
        (tmp_path / "backup" / NOTE).write_bytes(note.encode("utf-8", "surrogateescape"))

    with pytest.raises(BackupInvalid, match="No whole backup in this folder"):
        read_note(tmp_path / "backup")


async def test_a_damaged_backup_leaves_no_half_restored_folder(hub, tmp_path):
    await backed_up(hub, tmp_path / "backup")
    database = tmp_path / "backup" / DATABASE
    database.write_bytes(database.read_bytes()[:100] + b"x" * 50_000)

    with pytest.raises(BackupInvalid, match="The database"):
        restore(tmp_path / "backup", tmp_path / "new" / "data")

    assert list((tmp_path / "new").iterdir()) == []


async def test_the_copy_of_the_rows_is_one_file(hub, tmp_path):
    """So that whoever copies the backup on cannot forget half of it."""
    await put(hub, "blob", b"content")
    await backed_up(hub, tmp_path / "backup")

    names = {path.name for path in (tmp_path / "backup").iterdir()}
    assert names == {DATABASE, KEY_FILE, NOTE, "storage"}
    with closing(sqlite3.connect(tmp_path / "backup" / DATABASE)) as rows:
        assert rows.execute("PRAGMA quick_check").fetchall() == [("ok",)]


async def test_what_lies_in_a_bucket_is_named_and_not_copied(hub, tmp_path):
    await backed_up(hub, tmp_path / "local")

    note = await backed_up(hub, tmp_path / "backup", storage="s3://bucket/hub")

    assert read_note(tmp_path / "backup") == note
    assert restore(tmp_path / "backup", tmp_path / "new").storage == "s3://bucket/hub"
    assert read_note(tmp_path / "local").storage is None
    assert "storage" not in (tmp_path / "local" / NOTE).read_text()
    with pytest.raises(StorageUnusable, match="are in s3://bucket/hub, and not in the data folder"):
        async with open_hub(HubSettings(data=tmp_path / "new")):
            pass
