"""A storage belongs to the rows that speak of it, and no hub on them starts with another one."""

import errno
import os
import shutil
from dataclasses import replace

import pytest

from coghub.domain.digest import digest_of
from coghub.domain.errors import StorageUnusable
from coghub.opening import KEY_FILE, open_hub
from coghub.storage.s3 import owner_of
from coghub.storage.storage import MARK


@pytest.fixture
def folder(tmp_path):
    """What a server of files would hold."""
    shared = tmp_path / "shared"
    shared.mkdir()
    return shared


@pytest.fixture
def settings(hub_settings, folder):
    return replace(hub_settings, storage=str(folder))


async def started(settings):
    async with open_hub(settings, is_claimed=True):
        pass


def beside(settings, tmp_path, name="beside", **changes):
    """Return the settings of another hub with the same rows and key, whose data folder is new."""
    data = tmp_path / name
    data.mkdir()
    shutil.copy(settings.data / KEY_FILE, data)
    if settings.database is None:  # the rows are one file, which two names lead to
        (data / "hub.db").hardlink_to(settings.data / "hub.db")
    return replace(settings, data=data, **changes)


async def put(settings, content):
    async with open_hub(settings) as hub, hub.files.incoming() as incoming:
        await incoming.write(content)
        await incoming.received()
        await incoming.store(f"blobs/sha256/{digest_of(content)[7:]}")


async def read(settings, content):
    async with open_hub(settings) as hub:
        pieces = hub.storage.read(f"blobs/sha256/{digest_of(content)[7:]}")
        return b"".join([piece async for piece in pieces])


async def test_objects_lie_in_the_folder_and_nowhere_else(settings, folder):
    await started(settings)
    await put(settings, b"shared")

    assert await read(settings, b"shared") == b"shared"
    names = sorted(it.name for it in folder.rglob("*") if it.is_file())
    assert names == sorted([MARK, digest_of(b"shared")[7:]])
    assert not (settings.data / "storage").exists()


async def test_a_hub_starts_again_and_others_of_its_rows_beside_it(settings, tmp_path):
    await started(settings)
    await started(settings)
    other = beside(settings, tmp_path)
    await started(other)
    await put(settings, b"shared")

    assert await read(other, b"shared") == b"shared"


async def test_a_folder_of_another_hub_is_refused(settings, folder, tmp_path):
    await started(settings)
    stranger = replace(settings, data=tmp_path / "stranger", database=None)

    with pytest.raises(StorageUnusable, match=f"belongs to another hub: {folder}") as refused:
        await started(stranger)

    assert f"`{MARK}`" in (refused.value.hint or "")


async def test_a_copy_of_a_hub_with_rows_of_its_own_is_refused(settings, tmp_path):
    """The key is the same, and each would collect what the other's rows alone name."""
    await started(settings)
    data = tmp_path / "copy"
    data.mkdir()
    shutil.copy(settings.data / KEY_FILE, data)

    with pytest.raises(StorageUnusable, match="belongs to another hub"):
        await started(replace(settings, data=data, database=None))


async def test_a_folder_that_is_not_mounted_any_more_is_refused(settings, folder, tmp_path):
    await started(settings)
    folder.rename(tmp_path / "away")
    with pytest.raises(StorageUnusable, match=f"It is no folder: {folder}"):
        await started(settings)

    folder.mkdir()

    with pytest.raises(StorageUnusable, match="are not in the storage") as refused:
        await started(settings)
    assert "mounted" in (refused.value.hint or "")
    assert list(folder.iterdir()) == []


async def test_a_new_hub_of_the_rows_does_not_begin_in_an_empty_folder(settings, tmp_path):
    await started(settings)
    (tmp_path / "empty").mkdir()
    for number, storage in enumerate([str(tmp_path / "empty"), None]):
        other = beside(settings, tmp_path, f"other-{number}", storage=storage)

        with pytest.raises(
            StorageUnusable, match=f"are in {settings.storage}, and not in"
        ) as not_it:
            await started(other)
        assert f"COGHUB_STORAGE={settings.storage}" in (not_it.value.hint or "")


async def test_objects_are_moved_with_their_mark(settings, folder, tmp_path):
    await started(settings)
    await put(settings, b"kept")
    moved = folder.rename(tmp_path / "moved")
    (settings.data / "storage-place").unlink()
    elsewhere = replace(settings, storage=str(moved))

    await started(elsewhere)

    assert await read(elsewhere, b"kept") == b"kept"
    (settings.data / "storage-place").unlink()
    moved.rename(settings.data / "storage")
    await started(replace(settings, storage=None))
    assert await read(replace(settings, storage=None), b"kept") == b"kept"


async def test_a_place_that_an_older_version_marked_is_taken_over_once(settings, folder):
    """It wrote down the owner alone."""
    async with open_hub(settings) as hub:
        await hub.storage.put_mark(owner_of((settings.data / KEY_FILE).read_bytes()))

    await started(settings)

    assert len((folder / "objects" / MARK).read_text().split()) == 2
    (folder / "objects" / MARK).write_text(owner_of((settings.data / KEY_FILE).read_bytes()))
    with pytest.raises(StorageUnusable, match="belongs to another hub"):
        await started(settings)


async def test_a_folder_that_cannot_be_written_is_named(hub_settings, tmp_path):
    (tmp_path / "file").write_text("no folder")

    with pytest.raises(StorageUnusable, match=f"cannot be used: .*: {tmp_path / 'file'}"):
        await started(replace(hub_settings, storage=str(tmp_path / "file")))
    with pytest.raises(StorageUnusable, match="cannot be used: File name too long"):
        await started(replace(hub_settings, storage=f"/{'x' * 300}"))


async def test_a_folder_without_locks_is_refused(settings, folder, monkeypatch):
    """Hubs on several machines would write one upload at once."""

    def no_locks(_descriptor, _mode):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", no_locks)
    async with open_hub(settings) as hub:
        with pytest.raises(StorageUnusable, match="cannot be used: No locks available"):
            await hub.storage.mark()
        assert list(hub.storage.incoming.iterdir()) == []
