"""Statements that are run by the driver alone: what they find, and what they refuse."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from tests.coghub.pushed import register_version

from coghub.database.models import PushedVersion
from coghub.database.schema import predictions, properties
from coghub.database.statements import FEW, Statement
from coghub.domain.prediction import Status
from coghub.predictions.predictions import Order

SCHEMA = {"components": {"schemas": {"Input": {"type": "object"}, "Output": {}}}}
ADD = Statement(insert(properties))
IS_MINE = properties.c.name.startswith("my-")
MINE = Statement(select(properties).where(IS_MINE).order_by(properties.c.name))
VALUE = Statement(select(properties.c.value).where(properties.c.name == bindparam("key")))


@pytest.fixture
async def prediction(hub, alice):
    model = await hub.models.create(alice, "alice", "paint")
    version = PushedVersion("a" * 64, "0.23.1", SCHEMA, {}, is_bundle=True)
    version = await register_version(hub, model, version)
    return await hub.predictions.create(alice, Order(model, version, {}, "http://hub.example"))


def put(name, value=""):
    return lambda c: ADD.run(c, {"name": name, "value": value})


def mine(connection):
    return [tuple(row) for row in MINE.all(connection, {})]


async def test_rows_are_as_sqlalchemy_returns_them(hub):
    await hub.database.write(put("my-seed", "café"))

    def both(connection):
        theirs = connection.execute(select(properties).where(IS_MINE)).one()
        return MINE.first(connection, {}), theirs, MINE.mapping(connection, {})

    row, theirs, mapping = await hub.database.read(both)

    assert row == theirs
    assert (row.name, mapping["value"]) == ("my-seed", "café")


async def test_what_is_not_there_is_none(hub):
    values = {"key": "my-seed"}
    asked = (VALUE.first, VALUE.mapping, VALUE.scalar)

    assert await hub.database.read(lambda c: [it(c, values) for it in asked]) == [None] * 3


async def test_values_of_each_type_come_back(hub, prediction):
    given = {
        "status": Status.PROCESSING,
        "input": {"text": "a\0b", "list": [1, 2.5, None]},
        "secret_input": b"\0\1\xff",
        "is_inline": True,
        "started_at": datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC),
        "failed_attempts": 2**31 - 1,
        "error": None,
    }
    is_it = predictions.c.id == bindparam("key")
    change = Statement(update(predictions).where(is_it), sets=list(given))
    query = Statement(select(*(predictions.c[name] for name in given)).where(is_it))
    key = {"key": prediction.id}

    await hub.database.write(lambda c: change.run(c, given | key))

    assert dict(await hub.database.read(lambda c: query.mapping(c, key))) == given


async def test_a_new_row_has_the_defaults_of_its_columns(hub, prediction):
    query = Statement(select(predictions))

    row = await hub.database.read(lambda c: query.first(c, {}))

    assert row.id == prediction.id
    assert (row.logs, row.attempt, row.is_data_removed, row.output) == ("", 0, False, None)


async def test_what_a_change_returns_is_found(hub):
    await hub.database.write(put("my-number", "1"))
    longer = Statement(
        update(properties)
        .where(IS_MINE)
        .values(value=properties.c.value + bindparam("more", type_=properties.c.value.type))
        .returning(properties.c.value)
    )

    assert await hub.database.write(lambda c: longer.scalar(c, {"more": "2"})) == "12"


async def test_counts_are_numbers(hub):
    query = Statement(select(func.count(), func.coalesce(func.sum(predictions.c.attempt), 0)))

    assert tuple(await hub.database.read(lambda c: query.first(c, {}))) == (0, 0)


@pytest.mark.parametrize("count", [1, FEW, FEW + 1])
async def test_a_change_is_made_once_for_each_row(hub, count):
    rows = [{"name": f"my-{number}", "value": "x"} for number in range(count)]

    await hub.database.write(lambda c: ADD.run_each(c, rows))

    assert await hub.database.read(mine) == [(row["name"], "x") for row in rows]


async def test_a_refused_change_is_told_as_by_sqlalchemy_and_without_its_values(hub):
    await hub.database.write(put("my-seed"))

    with pytest.raises(IntegrityError) as caught:
        await hub.database.write(put("my-seed", "private"))

    assert "private" not in str(caught.value)
    assert await hub.database.read(mine) == [("my-seed", "")]
