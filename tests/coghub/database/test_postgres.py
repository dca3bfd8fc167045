"""What is PostgreSQL's own: several who write, a server that goes, and what it would not keep."""

import asyncio
import shutil
import threading
from contextlib import suppress

import psycopg
import pytest
from sqlalchemy import bindparam, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from coghub.database.migrate import migrate
from coghub.database.postgres import PostgresDatabase, shown
from coghub.database.schema import accounts, properties
from coghub.database.statements import Statement
from coghub.domain.clock import utc_now
from coghub.domain.errors import DatabaseUnreachable, HubsDiffer
from coghub.hub_settings import HubSettings
from coghub.opening import open_hub

LIMIT_S = 60


@pytest.fixture
def url(postgres_server, empty_template):
    with postgres_server.database(empty_template) as url:
        yield url


@pytest.fixture
async def database(url):
    opened = PostgresDatabase(url)
    yield opened
    await opened.close()


def put(name, value=""):
    return lambda c: c.execute(insert(properties).values(name=name, value=value))


def value_of(name):
    return lambda c: c.execute(select(properties.c.value).where(properties.c.name == name)).scalar()


PREPARED = Statement(select(properties.c.value).where(properties.c.name == bindparam("key")))


def prepared_value(connection):
    return PREPARED.scalar(connection, {"key": "number"})


def increment(connection):
    """Look, and then write: what two who do it at once must not do to each other."""
    number = int(value_of("number")(connection))
    connection.execute(update(properties).values(value=str(number + 1)))


async def test_changes_of_several_processes_wait_for_each_other(database, url):
    other = PostgresDatabase(url)
    await database.write(put("number", "0"))

    await asyncio.gather(*(it.write(increment) for _ in range(50) for it in (database, other)))

    assert await database.read(value_of("number")) == "100"
    await other.close()


async def test_a_query_sees_one_moment(database):
    await database.write(put("number", "0"))
    looked, changed = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def twice(connection):
        first = value_of("number")(connection)
        loop.call_soon_threadsafe(looked.set)
        asyncio.run_coroutine_threadsafe(changed.wait(), loop).result(LIMIT_S)
        return first, value_of("number")(connection)

    reading = asyncio.ensure_future(database.read(twice))
    await looked.wait()
    await database.write(increment)
    changed.set()

    assert await reading == ("0", "0")
    assert await database.read(value_of("number")) == "1"


async def test_a_query_changes_nothing(database):
    with pytest.raises(Exception, match="read-only transaction"):
        await database.read(put("number"))


async def test_text_with_nul_is_kept_without_it(database):
    await database.write(put("logs", "before\0after"))

    assert await database.read(value_of("logs")) == "before\ufffdafter"


async def test_a_prepared_statement_keeps_text_without_nul(database):
    adding = Statement(insert(properties))

    await database.write(lambda c: adding.run(c, {"name": "number", "value": "before\0after"}))

    assert await database.peek(prepared_value) == "before\ufffdafter"


async def test_text_may_be_longer_than_the_schema_says_as_on_sqlite(database):
    await database.write(put("x" * 300))

    assert await database.read(value_of("x" * 300)) == ""


async def test_sums_are_whole_numbers(database):
    for name in ("alice", "bob"):
        values = {"name": name, "is_admin": False, "created_at": utc_now()}
        await database.write(lambda c, it=values: c.execute(insert(accounts).values(it)))

    total = await database.read(
        lambda c: c.execute(
            select(func.sum(accounts.c.created_at - accounts.c.created_at))
        ).scalar()
    )

    assert type(total) is int


async def test_connections_that_the_server_ended_are_made_again(database, url):
    await database.write(put("number", "0"))
    await asyncio.gather(*(database.peek(prepared_value) for _ in range(20)))
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    assert await database.peek(prepared_value) == "0"
    await database.write(increment)
    assert await database.read(value_of("number")) == "1"


async def test_a_connection_that_ends_within_a_change_leaves_nothing(database):
    def end(connection):
        put("half")(connection)
        connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(DatabaseUnreachable, match="terminating connection"):
        await database.write(end)

    assert await database.read(value_of("half")) is None
    await database.write(put("half"))


async def test_a_change_that_passes_over_an_error_is_not_said_to_be_kept(database):
    """PostgreSQL keeps nothing of it, and answers COMMIT without an error."""

    def careless(connection):
        put("number")(connection)
        with suppress(IntegrityError):
            put("number")(connection)

    for changes in ([careless], [careless, put("other"), careless]):
        outcomes = await asyncio.gather(
            *(database.write(it) for it in changes), return_exceptions=True
        )
        assert isinstance(outcomes[0], DBAPIError)

    assert await database.read(value_of("number")) is None
    assert await database.read(value_of("other")) == ""


async def test_a_migration_that_fails_leaves_nothing(postgres_server):
    def half(connection):
        migrate(connection)
        raise ValueError("the rest cannot be done")

    with postgres_server.database() as url:
        database = PostgresDatabase(url)
        with pytest.raises(ValueError, match="the rest"):
            await database.write(half)
        await database.write(migrate)
        await database.close()


async def test_a_hub_with_another_key_does_not_join(url, tmp_path):
    first, second = (HubSettings(data=tmp_path / it, database=url) for it in ("one", "two"))
    async with open_hub(first, is_claimed=True) as hub:
        await hub.accounts.create("alice")

    with pytest.raises(HubsDiffer, match="another key"):
        async with open_hub(second, is_claimed=True):
            pass

    shutil.copy(tmp_path / "one" / "key", tmp_path / "two" / "key")
    async with open_hub(second, is_claimed=True) as hub:
        assert [it.name for it in await hub.accounts.list()] == ["alice"]


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("postgresql://127.0.0.1:1/rows", "Connection refused"),
        ("postgresql://user:password@/rows?nonsense=1", "invalid URI query parameter"),
        ("postgresql://user:password@/rows?host=/nowhere", "No such file"),
    ],
)
async def test_a_server_that_is_not_there_is_told_by_its_name(tmp_path, address, reason):
    settings = HubSettings(data=tmp_path, database=address)

    with pytest.raises(DatabaseUnreachable, match=reason) as caught:
        async with open_hub(settings):
            pass

    assert "password" not in f"{caught.value}{caught.value.hint}{settings}"


async def test_a_database_that_is_not_there_is_told(postgres_server, tmp_path):
    url = postgres_server.url("nobody_made_it")

    with pytest.raises(DatabaseUnreachable, match='"nobody_made_it" does not exist'):
        async with open_hub(HubSettings(data=tmp_path, database=url)):
            pass


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql://alice:secret@db.example:5433/rows", "postgresql://db.example:5433/rows"),
        ("postgres://db.example/rows?password=secret", "postgresql://db.example/rows"),
        ("postgresql:///rows", "postgresql://localhost/rows"),
    ],
)
def test_a_password_is_shown_nowhere(url, name):
    assert shown(url) == name


async def test_a_writer_that_stands_still_holds_up_others_for_seconds_only(url, database):
    """As a process that was stopped: its connection lives, and has the lock of all writers."""
    has_begun, may_go_on = threading.Event(), threading.Event()

    def stand_still(connection):
        put("stuck")(connection)
        has_begun.set()
        assert may_go_on.wait(LIMIT_S)
        put("stuck too")(connection)

    other = PostgresDatabase(url)
    stuck = asyncio.ensure_future(database.write(stand_still))
    assert await asyncio.to_thread(has_begun.wait, LIMIT_S)

    async with asyncio.timeout(LIMIT_S):
        await other.write(put("other"))
    may_go_on.set()
    with pytest.raises(DatabaseUnreachable):
        await stuck

    await database.write(put("again"))
    names = await database.read(lambda c: c.execute(select(properties.c.name)).scalars().all())
    assert {"other", "again"} <= set(names)
    assert "stuck" not in names
    await other.close()


async def test_a_hub_that_is_cut_off_leads_no_more(url, database):
    other = PostgresDatabase(url)
    still, next_one = database.bus(), other.bus()
    assert await still.keep(1, leads=True)
    assert not await next_one.keep(2, leads=True)

    await next_one.cut_off(1)

    async with asyncio.timeout(LIMIT_S):
        while not await next_one.keep(2, leads=True):  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(0.05)
    with pytest.raises(DatabaseUnreachable):
        await still.keep(1, leads=True)
    assert not await still.keep(1, leads=True)
    for it in (still, next_one, other):
        await it.close()
