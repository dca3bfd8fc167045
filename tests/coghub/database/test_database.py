"""One writer, grouped commits, and changes that fail alone."""

import asyncio
import threading

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from coghub.database.migrate import migrate
from coghub.database.schema import properties
from coghub.domain.errors import DiskFull


@pytest.fixture
async def database(new_database):
    opened = new_database()
    await opened.write(migrate)
    yield opened
    await opened.close()


def put(name):
    return lambda connection: connection.execute(insert(properties).values(name=name, value=""))


def count(connection):
    return connection.execute(select(func.count()).select_from(properties)).scalar()


async def test_a_change_that_fails_leaves_the_others_of_its_group(database):
    outcomes = await asyncio.gather(
        *(database.write(put(str(number % 50))) for number in range(100)), return_exceptions=True
    )

    assert [type(each) for each in outcomes].count(IntegrityError) == 50
    assert await database.read(count) == 50


async def test_a_change_that_fails_alone_leaves_nothing(database):
    def half(connection):
        put("half")(connection)
        raise ValueError("the rest cannot be done")

    with pytest.raises(ValueError, match="the rest"):
        await database.write(half)

    assert await database.read(count) == 0


async def test_what_was_written_is_there_for_the_next_reader(database):
    for number in range(20):
        await database.write(put(str(number)))
        assert await database.read(count) == number + 1


async def test_what_was_written_is_there_at_once_for_who_peeks(database):
    for number in range(20):
        await database.write(put(str(number)))
        assert await database.peek(count) == number + 1


@pytest.mark.sqlite_only
async def test_who_peeks_and_finds_a_lock_waits_in_another_thread(database):
    asked = []

    def query(connection):
        asked.append(threading.current_thread())
        if len(asked) == 1:
            raise OperationalError("SELECT", None, Exception("database is locked"))
        return count(connection)

    assert await database.peek(query) == 0
    assert asked[0] is threading.current_thread()
    assert asked[1] is not threading.current_thread()


async def test_changes_that_wait_are_applied_before_the_end(new_database, database):
    waiting = [asyncio.ensure_future(database.write(put(str(number)))) for number in range(500)]
    await asyncio.sleep(0)
    await database.close()
    await asyncio.gather(*waiting)

    again = new_database()
    assert await again.read(count) == 500
    await again.close()


@pytest.mark.sqlite_only
async def test_a_full_disk_is_told_and_leaves_nothing(database):
    """SQLite is told that its file may not grow, which it takes as it takes a full disk."""

    def bound(connection):
        pages = connection.execute(text("PRAGMA page_count")).scalar()
        connection.execute(text(f"PRAGMA max_page_count = {pages + 4}"))

    def fill(connection):
        put("first")(connection)
        connection.execute(insert(properties).values(name="large", value="x" * 10**6))

    await database.write(bound)

    with pytest.raises(DiskFull):
        await database.write(fill)
    outcomes = await asyncio.gather(
        *(database.write(change) for change in (put("a"), fill, put("b"))), return_exceptions=True
    )
    assert await database.read(count) == sum(not isinstance(it, DiskFull) for it in outcomes)
    assert isinstance(outcomes[1], DiskFull)
    await database.write(put("afterwards"))
