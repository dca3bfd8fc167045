"""All rows come along, whichever way they go, and new ones get numbers that none had."""

import asyncio
import shutil

import pytest
from sqlalchemy import delete, select
from tests.coghub.all_rows import all_rows
from tests.coghub.pushed import register_version

from coghub.cli.hub.migrate_data import MOVED
from coghub.cli.main import operator_root, outcome_of
from coghub.database.copying import copy_into_file, copy_into_server
from coghub.database.models import PushedVersion
from coghub.database.schema import accounts, properties, uploads, versions
from coghub.domain.errors import Conflict
from coghub.hub_settings import HubSettings
from coghub.opening import DATABASE, open_hub
from coghub.predictions.predictions import Order

SCHEMA = {"components": {"schemas": {"Input": {"type": "object"}, "Output": {}}}}


async def version_of(hub, account, digit):
    model = await hub.models.get(account, "alice", "hello")
    return await register_version(
        hub, model, PushedVersion(digit * 64, "0.23.1", SCHEMA, {}, is_bundle=True)
    )


async def filled(settings):
    """A hub with something of most kinds, whose last version is gone."""
    async with open_hub(settings) as hub:
        alice = await hub.accounts.create("alice")
        await hub.accounts.create_token("alice")
        model = await hub.models.create(alice, "alice", "hello")
        first = await version_of(hub, alice, "a")
        await version_of(hub, alice, "b")
        last = await version_of(hub, alice, "c")
        await hub.predictions.create(alice, Order(model, first, {"text": "é\n"}, "http://hub"))
        await hub.database.write(
            lambda c: c.execute(delete(versions).where(versions.c.key == last.key))
        )
        upload = {"id": "u", "repository": "alice/hello", "account_id": alice.id}
        moments = {"created_at": hub.now(), "used_at": hub.now()}
        await hub.database.write(
            lambda c: c.execute(uploads.insert().values({**upload, **moments}))
        )
        return last.key, await all_rows(hub)


@pytest.fixture
def there(postgres_server, empty_template):
    with postgres_server.database(empty_template) as url:
        yield url


async def test_a_hub_moves_to_a_server_and_back(tmp_path, there):
    last, rows = await filled(HubSettings(data=tmp_path))

    number = await copy_into_server(tmp_path / DATABASE, there)
    async with open_hub(HubSettings(data=tmp_path, database=there)) as moved:
        moved_rows = await all_rows(moved)
        alice = await moved.accounts.get("alice")
        added = await version_of(moved, alice, "d")
    await copy_into_file(there, tmp_path / "copy.db", without=[uploads])
    (tmp_path / "back").mkdir()
    shutil.copy(tmp_path / "key", tmp_path / "back")
    shutil.copy(tmp_path / "copy.db", tmp_path / "back" / DATABASE)
    async with open_hub(HubSettings(data=tmp_path / "back")) as back:
        back_rows = await all_rows(back)
        again = await version_of(back, alice, "e")

    assert moved_rows == rows
    assert number == sum(map(len, rows.values()))
    assert (added.key, again.key) == (last + 1, last + 2)
    assert back_rows["uploads"] == []
    assert len(back_rows["versions"]) == len(rows["versions"]) + 1
    assert back_rows["predictions"] == rows["predictions"]


async def test_a_database_with_rows_is_not_filled(tmp_path, there):
    await filled(HubSettings(data=tmp_path))
    await copy_into_server(tmp_path / DATABASE, there)

    with pytest.raises(Conflict, match="has the rows of a hub already"):
        await copy_into_server(tmp_path / DATABASE, there)


async def test_a_copy_that_fails_leaves_the_server_empty(tmp_path, there):
    """One row does not fit: PostgreSQL's integers are smaller than SQLite's."""
    await filled(HubSettings(data=tmp_path))
    async with open_hub(HubSettings(data=tmp_path)) as hub:
        change = versions.update().values(key=2**40)
        await hub.database.write(lambda c: c.execute(change.where(versions.c.id == "b" * 64)))

    with pytest.raises(Exception, match="out of range"):
        await copy_into_server(tmp_path / DATABASE, there)

    async with open_hub(HubSettings(data=tmp_path / "another", database=there)) as hub:
        assert await hub.database.read(lambda c: c.execute(select(accounts)).all()) == []
        assert await hub.database.read(lambda c: c.execute(select(properties)).all()) == []


def test_the_command_moves_a_hub(tmp_path, there, monkeypatch, capsys):
    asyncio.run(filled(HubSettings(data=tmp_path)))
    monkeypatch.setenv("COGHUB_DATA", str(tmp_path))

    def coghub(*arguments):
        return outcome_of(operator_root, arguments, usage_code=2), "".join(capsys.readouterr())

    unnamed = coghub("migrate-data")
    monkeypatch.setenv("COGHUB_DATABASE", there)
    moved = coghub("migrate-data")
    listed = coghub("user", "list")
    again = coghub("migrate-data")

    assert [it[0] for it in (unnamed, moved, listed, again)] == [2, 0, 0, 1]
    assert "alice" in listed[1]
    assert (tmp_path / MOVED).is_file()
    assert not (tmp_path / DATABASE).exists()
