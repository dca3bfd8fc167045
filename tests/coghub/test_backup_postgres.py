"""A hub on PostgreSQL is backed up as any other, and a backup is restored to either database."""

import asyncio

import pytest
from tests.coghub.test_backup import NOW, content_of, put

from coghub.backup import OBJECTS, back_up, restore
from coghub.database.postgres import PostgresDatabase
from coghub.domain.errors import Conflict, HubNotFound
from coghub.hub_settings import HubSettings
from coghub.opening import DATABASE, open_hub


@pytest.fixture
def new_url(postgres_server):
    with postgres_server.database() as url:
        yield url


@pytest.fixture
async def there(tmp_path, postgres_server, empty_template):
    """A hub whose rows are on a server."""
    with postgres_server.database(empty_template) as url:
        async with open_hub(HubSettings(data=tmp_path / "there", database=url)) as hub:
            await hub.accounts.create("alice")
            await put(hub, "blob", b"weights")
            yield hub


async def names_of(settings):
    async with open_hub(settings) as hub:
        assert await content_of(hub, "blob") == b"weights"
        return [it.name for it in await hub.accounts.list()]


def backed_up(hub, target):
    settings = hub.settings
    return asyncio.to_thread(back_up, settings.data, target, now=NOW, database=settings.database)


async def test_a_backup_is_restored_to_a_server_and_to_a_file(there, tmp_path, new_url):
    await backed_up(there, tmp_path / "backup")
    await there.accounts.create("bob")
    note = await backed_up(there, tmp_path / "backup")

    await asyncio.to_thread(restore, tmp_path / "backup", tmp_path / "new", database=new_url)
    restore(tmp_path / "backup", tmp_path / "file")

    assert note.objects == 1
    assert sorted(it.name for it in (tmp_path / "backup").iterdir()) == [
        "backup.json", DATABASE, "key", OBJECTS.parts[0],
    ]  # fmt: skip
    assert not (tmp_path / "new" / DATABASE).exists()
    for settings in (
        HubSettings(data=tmp_path / "new", database=new_url),
        HubSettings(data=tmp_path / "file"),
    ):
        assert await names_of(settings) == ["alice", "bob"]


async def test_a_server_with_rows_is_not_restored_to(there, tmp_path):
    await backed_up(there, tmp_path / "backup")

    with pytest.raises(Conflict, match="has the rows of a hub already"):
        await asyncio.to_thread(
            restore, tmp_path / "backup", tmp_path / "new", database=there.settings.database
        )

    assert not (tmp_path / "new").exists()
    assert isinstance(there.database, PostgresDatabase)


async def test_a_folder_without_a_hub_is_not_backed_up(tmp_path, new_url):
    with pytest.raises(HubNotFound):
        await asyncio.to_thread(back_up, tmp_path, tmp_path / "x", now=NOW, database=new_url)
