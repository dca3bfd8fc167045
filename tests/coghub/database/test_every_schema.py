"""Whatever schema a database has, and whatever rows: this version keeps them, and goes on.

A revision that is added is tried as well, without a word here. One that drops or changes what was
there says so in `GONE`.
"""

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Boolean, Integer, LargeBinary, MetaData, inspect, select, text

from coghub.database.migrate import SCRIPTS, migrate
from coghub.database.schema import metadata

REVISIONS = sorted(it.revision for it in ScriptDirectory(SCRIPTS).walk_revisions())
GONE: dict[str, set[str]] = {}
"""Table → columns that a revision dropped, or whose values it changed: its own test has these."""
ROWS = 2
"""Of each table: the second one has NULL where that may be."""


@pytest.fixture
async def database(new_database):
    opened = new_database()
    yield opened
    await opened.close()


def upgrade(connection, revision):
    assert MigrationContext.configure(connection).get_current_revision() is None
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def tables_of(connection):
    """Return the tables that are there, each after those that it refers to."""
    found = MetaData()
    found.reflect(connection)
    return [it for it in found.sorted_tables if it.name != "alembic_version"]


def value_for(column, number):
    """Return the number-th value of a column, which differs from all its others."""
    if column.nullable and number == ROWS:
        return None
    if isinstance(column.type, (Boolean, Integer)):
        return column.type.python_type(number)
    if isinstance(column.type, LargeBinary):
        return b'{"%s":%d}' % (column.name.encode(), number)
    for key in column.foreign_keys:
        return value_for(key.column, number)
    return f"{column.name}-{number}-é"


def add_row(connection, table, number):
    """Add the number-th row, which gets its number from the database."""
    key = table.autoincrement_column
    row = {it.name: value_for(it, number) for it in table.columns if it is not key}
    [given] = connection.execute(table.insert().values(row)).inserted_primary_key[:1]
    assert key is None or given == number


def fill(connection):
    for table in tables_of(connection):
        for number in range(1, ROWS + 1):
            add_row(connection, table, number)


def rows_of(connection):
    """Return table → its rows, each as column → value, but what is gone at the newest schema."""
    return {
        table.name: [
            {name: it[name] for name in sorted(it) if name not in GONE.get(table.name, ())}
            for it in connection.execute(select(table).order_by(*table.primary_key)).mappings()
        ]
        for table in tables_of(connection)
    }


def also_in(rows, old):
    """Return what of rows is of tables and columns that were there."""
    return {
        table: [{name: it[name] for name in first if name in it} for it in rows.get(table, [])]
        for table, [first, *_] in old.items()
    }


@pytest.mark.parametrize("revision", REVISIONS)
async def test_rows_of_every_schema_are_kept_and_new_ones_come_after_them(database, revision):
    await database.write(lambda c: upgrade(c, revision))
    await database.write(fill)
    before = await database.read(rows_of)

    await database.write(migrate)

    assert await database.write(differences) == []
    assert also_in(await database.read(rows_of), before) == before
    assert await database.write(broken_references) == []
    await database.write(lambda c: add_more(c, before))
    assert await database.read(count_as_queries_do) >= (ROWS + 1) * len(before)


def add_more(connection, old):
    """Add another row to each table that was there."""
    for table in tables_of(connection):
        if table.name in old:
            add_row(connection, table, ROWS + 1)


def differences(connection):
    """Return what Alembic would change."""
    return compare_metadata(MigrationContext.configure(connection), metadata)


def broken_references(connection):
    """Return the rows that refer to nothing; PostgreSQL has none by itself."""
    if connection.dialect.name == "postgresql":
        return []
    return connection.execute(text("PRAGMA foreign_key_check")).all()


def count_as_queries_do(connection):
    """Read every row with the types that queries know."""
    return sum(len(connection.execute(select(it)).all()) for it in metadata.sorted_tables)


async def test_the_migrated_schema_is_the_one_that_queries_know(database):
    """More than Alembic compares: conditions of indexes, defaults, and what is SQLite's own."""

    def both(connection):
        migrate(connection)
        migrated = described(connection)
        metadata.drop_all(connection)
        metadata.create_all(connection)
        return migrated, described(connection)

    migrated, made = await database.write(both)

    assert migrated == made
    assert set(made) == set(metadata.tables)


def described(connection):
    """Return table → all that is known of it, in no order."""
    seen = inspect(connection)
    return {
        name: {
            "columns": {it["name"]: column_of(it) for it in seen.get_columns(name)},
            "key": seen.get_pk_constraint(name),
            "references": by_name(seen.get_foreign_keys(name)),
            "unique": by_name(seen.get_unique_constraints(name)),
            "indexes": by_name(seen.get_indexes(name)),
            "sqlite": words_of(connection, name),
        }
        for name in seen.get_table_names()
        if name != "alembic_version"
    }


def column_of(found):
    return {name: str(value) for name, value in found.items() if name != "name"}


def by_name(found):
    for each in found:
        each["dialect_options"] = {
            name: str(value) for name, value in each.get("dialect_options", {}).items()
        }
    return {it["name"]: it for it in found}


def words_of(connection, name):
    """Return what SQLite's own words in a table's definition are."""
    if connection.dialect.name != "sqlite":
        return []
    query = text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :name")
    definition = connection.execute(query, {"name": name}).scalar_one()
    return [it for it in ("AUTOINCREMENT", "WITHOUT ROWID") if it in definition]
