"""A data folder that cannot be opened is refused by name, and nothing waits for ever."""

import asyncio
import shutil
import sqlite3
from contextlib import closing

import pytest
from alembic.script import ScriptDirectory

from coghub.database import migrate
from coghub.domain.errors import (
    DatabaseInUse,
    DatabaseUnknown,
    DatabaseUnusable,
    DataFolderBusy,
    KeyFileInvalid,
)
from coghub.hub_settings import HubSettings
from coghub.opening import DATABASE, KEY_FILE, claim, is_served, open_hub

LIMIT_S = 30


async def opened(folder):
    async with asyncio.timeout(LIMIT_S), open_hub(HubSettings(data=folder)):
        pass


@pytest.mark.parametrize("size", [600, 100_000])
async def test_a_damaged_database_is_refused_by_name(tmp_path, size):
    await opened(tmp_path)
    for path in tmp_path.glob(f"{DATABASE}*"):
        path.unlink()
    (tmp_path / DATABASE).write_bytes(b"x" * size)

    with pytest.raises(DatabaseUnusable, match=f"file is not a database: {tmp_path}"):
        await opened(tmp_path)


async def test_a_folder_in_place_of_the_database_is_refused(tmp_path):
    (tmp_path / DATABASE).mkdir()

    with pytest.raises(DatabaseUnusable, match="unable to open database file"):
        await opened(tmp_path)


async def test_the_database_of_a_newer_version_is_refused(tmp_path):
    await opened(tmp_path)
    with closing(sqlite3.connect(tmp_path / DATABASE)) as rows, rows:
        rows.execute("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(DatabaseUnknown, match="by a newer version of coghub: 9999"):
        await opened(tmp_path)


async def test_a_damaged_key_is_refused(tmp_path):
    (tmp_path / KEY_FILE).write_text("not a key")

    with pytest.raises(KeyFileInvalid, match="Not a key file"):
        await opened(tmp_path)


async def test_the_folder_is_for_its_user_alone(tmp_path):
    folder = tmp_path / "deep" / "data"

    await opened(folder)

    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / KEY_FILE).stat().st_mode & 0o777 == 0o600


def test_a_folder_is_claimed_by_one_process_at_a_time(tmp_path):
    lock = claim(tmp_path)

    with pytest.raises(DataFolderBusy, match=f"on this data folder: {tmp_path}"):
        claim(tmp_path)
    lock.release()

    claim(tmp_path).release()


def test_who_asks_whether_a_hub_runs_changes_nothing(tmp_path):
    assert not is_served(tmp_path)
    lock = claim(tmp_path)

    assert is_served(tmp_path)
    lock.release()

    assert not is_served(tmp_path)
    claim(tmp_path).remove()
    assert list(tmp_path.iterdir()) == []


NEXT = """\
revision = "next"
down_revision = "{newest}"


def upgrade():
    pass
"""


async def test_a_newer_command_changes_nothing_under_a_running_hub(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    await opened(folder)
    scripts = shutil.copytree(migrate.SCRIPTS, tmp_path / "migrations")
    newest = ScriptDirectory(scripts).get_current_head()
    (scripts / "versions" / "next.py").write_text(NEXT.format(newest=newest))
    monkeypatch.setattr(migrate, "SCRIPTS", scripts)
    lock = claim(folder)

    with pytest.raises(DatabaseInUse, match="of an older version of coghub"):
        await opened(folder)

    async with open_hub(HubSettings(data=folder), is_claimed=True):
        lock.release()
    await opened(folder)
