"""A hub whose rows are elsewhere is not begun anew by a setting that is missing or misspelled."""

import asyncio
from contextlib import suppress

import pytest

from coghub.backup import back_up, restore
from coghub.cli.main import operator_root, outcome_of
from coghub.database.place import PLACE
from coghub.domain.clock import utc_now
from coghub.domain.errors import DatabaseElsewhere
from coghub.hub_settings import HubSettings
from coghub.opening import DATABASE, open_hub


@pytest.fixture
def empty(postgres_server):
    """A database without tables."""
    with postgres_server.database() as url:
        yield url


async def names(folder, url, *, add=None):
    """Open a hub and return its accounts."""
    async with open_hub(HubSettings(data=folder, database=url), is_claimed=True) as hub:
        if add:
            await hub.accounts.create(add)
        return [it.name for it in await hub.accounts.list()]


@pytest.fixture
def filled(postgres_server, tmp_path):
    """A data folder, and the name and address of the database with its rows."""
    name = postgres_server.make()
    url = postgres_server.url(name)
    asyncio.run(names(tmp_path / "hub", url, add="alice"))
    yield tmp_path / "hub", name, url
    postgres_server.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


async def test_without_the_setting_no_second_hub_begins(filled):
    folder, name, url = filled

    with pytest.raises(DatabaseElsewhere, match=f"are in postgresql://.*/{name}, and the setting"):
        await names(folder, None)

    assert not (folder / DATABASE).exists()
    assert await names(folder, url) == ["alice"]


async def test_another_database_is_refused_while_it_is_empty(filled, empty):
    folder, name, url = filled

    with pytest.raises(DatabaseElsewhere, match=f"/{name}, and postgresql://.* has none") as told:
        await names(folder, empty)

    assert str(folder / PLACE) in told.value.hint
    assert await names(folder, url) == ["alice"]


async def test_rows_may_move_to_another_server(filled, postgres_server):
    """As by `pg_dump`: what it is called now is written down."""
    folder, name, _ = filled
    with postgres_server.database(name) as copy:
        assert await names(folder, copy) == ["alice"]

        with pytest.raises(DatabaseElsewhere, match=copy.rpartition("/")[2].partition("?")[0]):
            await names(folder, None)


async def test_a_file_with_rows_is_not_left_behind_by_the_setting(tmp_path, empty):
    await names(tmp_path, None, add="alice")

    with pytest.raises(DatabaseElsewhere, match=f"are in {tmp_path / DATABASE}, and ") as told:
        await names(tmp_path, empty)

    assert "coghub migrate-data" in told.value.hint
    assert await names(tmp_path, None) == ["alice"]


async def test_a_start_that_found_no_server_may_be_tried_again_without(tmp_path):
    with suppress(Exception):
        await names(tmp_path, "postgresql://127.0.0.1:1/none")

    assert await names(tmp_path, None, add="alice") == ["alice"]


async def test_the_password_is_not_written_down(filled, monkeypatch, tmp_path):
    folder, name, url = filled

    assert await names(folder, f"{url}&password=secret") == ["alice"]

    assert name in (folder / PLACE).read_text()
    assert "secret" not in (folder / PLACE).read_text()


def test_commands_tell_where_the_rows_are(filled, monkeypatch, capsys, tmp_path):
    folder, name, url = filled
    monkeypatch.setenv("COGHUB_DATA", str(folder))

    def coghub(*arguments):
        return outcome_of(operator_root, arguments, usage_code=2), capsys.readouterr().err

    for arguments in (
        ["user", "list"],
        ["user", "create", "bob"],
        ["backup", str(tmp_path / "backup")],
    ):
        code, told = coghub(*arguments)
        assert code == 1
        assert f"/{name}, and the setting `database` names nothing\nhint: Set" in told
    monkeypatch.setenv("COGHUB_DATABASE", url)
    again = coghub("migrate-data")

    assert again[0] == 1
    assert f"/{name} already" in again[1]
    assert not (folder / DATABASE).exists()


def test_the_way_back_to_a_file(filled, tmp_path, postgres_server):
    folder, _, url = filled
    back_up(folder, tmp_path / "backup", now=utc_now(), database=url)

    restore(tmp_path / "backup", tmp_path / "file")
    with postgres_server.database() as there:
        restore(tmp_path / "backup", tmp_path / "there", database=there)

        assert asyncio.run(names(tmp_path / "there", there)) == ["alice"]
        with pytest.raises(DatabaseElsewhere):
            asyncio.run(names(tmp_path / "there", None))
    assert asyncio.run(names(tmp_path / "file", None)) == ["alice"]
