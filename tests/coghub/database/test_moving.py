"""`coghub migrate-data` whatever happens: all of a hub moves, or it stays where it is."""

import asyncio
import signal
import subprocess
import time
from contextlib import closing, contextmanager

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import func, insert, select
from tests.acceptance.hub_process import COGHUB
from tests.coghub.database.test_every_schema import ROWS, add_row, fill, tables_of

from coghub.cli.hub.migrate_data import MOVED
from coghub.database.copying import PASSING, copy_into_file, copy_into_server
from coghub.database.database import SqliteDatabase
from coghub.database.migrate import migrate
from coghub.database.postgres import PostgresDatabase
from coghub.database.schema import properties
from coghub.domain.errors import DatabaseUnreachable
from coghub.hub_settings import HubSettings
from coghub.opening import DATABASE, claim, open_hub
from coghub.settings import current_settings

LIMIT_S = 60


@pytest.fixture
def there(postgres_server, empty_template):
    """The address of a migrated, empty database."""
    with postgres_server.database(empty_template) as url:
        yield url


@pytest.fixture
def folder(tmp_path):
    """The data folder of a hub with one account."""
    asyncio.run(begun(tmp_path / "hub"))
    return tmp_path / "hub"


async def begun(folder):
    async with open_hub(HubSettings(data=folder)) as hub:
        await hub.accounts.create("alice")


@pytest.fixture
def moving(folder, there):
    """Start the command."""
    started = []
    environ = {it: value for it, value in current_settings().environ.items() if it[:3] != "COG"}

    def start():
        own = {"COGHUB_DATA": str(folder), "COGHUB_DATABASE": there}
        process = subprocess.Popen(
            [COGHUB, "migrate-data"],
            env={**environ, **own},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


async def filled(path):
    """Make a file with rows in every table."""
    database = SqliteDatabase(path)
    await database.write(migrate)
    await database.write(fill)
    await database.close()


async def test_every_table_comes_along_and_counts_on(tmp_path, there):
    await filled(tmp_path / "rows.db")

    await copy_into_server(tmp_path / "rows.db", there)
    server = PostgresDatabase(there)
    await server.write(count_on)
    await server.close()
    await copy_into_file(there, tmp_path / "back.db")
    back = SqliteDatabase(tmp_path / "back.db")
    await back.write(lambda c: count_on(c, ROWS + 2))
    await back.close()


def count_on(connection, number=ROWS + 1):
    """Add the next row to every table; its number is checked."""
    for table in tables_of(connection):
        count = connection.execute(select(func.count()).select_from(table)).scalar_one()
        assert count == (0 if table.name in PASSING else number - 1), table.name
        if table.name not in PASSING:
            add_row(connection, table, number)


async def test_what_postgresql_cannot_hold_is_replaced_and_the_rest_is_as_it_was(tmp_path, there):
    values = {
        "nul": "a\0b",
        "copy": "\\N\t\\.\n\r\\",
        "null": "\\N",
        "quotes": "'\"$$",
        "beyond": "\U0001f600é\ufffe\x7f\x01",
        "empty": "",
        "large": "x" * 20_000_000,
    }
    source = SqliteDatabase(tmp_path / "rows.db")
    await source.write(migrate)
    rows = [{"name": name, "value": value} for name, value in values.items()]
    await source.write(lambda c: c.execute(insert(properties), rows))
    await source.close()

    await copy_into_server(tmp_path / "rows.db", there)

    server = PostgresDatabase(there)
    moved = await server.read(lambda c: {**dict(c.execute(select(properties)).all())})
    await server.close()
    assert moved == {**values, "nul": "a\ufffdb"}


def test_a_hub_that_runs_is_not_moved(folder, moving):
    lock = claim(folder)
    process = moving()
    told, _ = process.communicate(timeout=LIMIT_S)
    lock.release()

    assert process.returncode == 1
    assert told.startswith(f"error: Another hub runs on this data folder: {folder}\n")
    assert (folder / DATABASE).exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_move_that_is_interrupted_leaves_nothing_and_is_made_again(folder, there, moving, number):
    with held_up(there) as is_waiting:
        process = moving()
        is_waiting()
        process.send_signal(number)
        process.wait(LIMIT_S)
    told, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode != 0, told
    assert "Traceback" not in told
    assert count_accounts(there) == 0
    assert (folder / DATABASE).exists()

    again = moving()
    told, _ = again.communicate(timeout=LIMIT_S)

    assert again.returncode == 0, told
    assert count_accounts(there) == 1
    assert (folder / MOVED).exists()
    assert not (folder / DATABASE).exists()


@contextmanager
def held_up(url):
    """Keep a table from being filled, and give what waits until somebody tries."""
    query = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation IS NOT NULL"

    def is_waiting():
        until = time.monotonic() + LIMIT_S
        while True:
            with closing(psycopg.connect(url)) as asking:
                [number] = asking.execute(query).fetchone()
            if number:
                return
            assert time.monotonic() < until, "nobody fills the table"
            time.sleep(0.05)

    with closing(psycopg.connect(url)) as holder:
        holder.execute("LOCK TABLE webhook_deliveries IN ACCESS EXCLUSIVE MODE")
        yield is_waiting
        holder.rollback()


def count_accounts(url):
    """Return how many accounts a database has, once nobody changes it any more."""
    with closing(psycopg.connect(url)) as asking:
        asking.execute("LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE")
        return asking.execute("SELECT count(*) FROM accounts").fetchone()[0]


async def test_a_server_that_goes_meanwhile_is_one_error_and_leaves_nothing(
    tmp_path, there, postgres_server
):
    await begun(tmp_path)
    name = conninfo_to_dict(there)["dbname"]

    def end(is_waiting):
        is_waiting()
        postgres_server.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = '{name}' AND application_name = 'coghub'"
        )

    with held_up(there) as is_waiting:
        copying = asyncio.create_task(copy_into_server(tmp_path / DATABASE, there))
        await asyncio.to_thread(end, is_waiting)
        with pytest.raises(DatabaseUnreachable):
            await asyncio.wait_for(copying, LIMIT_S)

    assert count_accounts(there) == 0
    assert await copy_into_server(tmp_path / DATABASE, there) >= 1


async def test_the_tables_of_something_else_are_not_touched(tmp_path, postgres_server):
    await begun(tmp_path)
    with postgres_server.database() as url:
        with closing(psycopg.connect(url, autocommit=True)) as others:
            others.execute("CREATE TABLE accounts (iban text)")
            others.execute("INSERT INTO accounts VALUES ('DE00')")

        with pytest.raises(DatabaseUnreachable, match='relation "accounts" already exists'):
            await copy_into_server(tmp_path / DATABASE, url)

        with closing(psycopg.connect(url)) as others:
            assert others.execute("SELECT * FROM accounts").fetchall() == [("DE00",)]
            tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
            assert others.execute(tables).fetchone() == (1,)
