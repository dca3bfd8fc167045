"""Migrations end at the schema that the queries know."""

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from coghub.database.migrate import SCRIPTS, migrate
from coghub.database.schema import metadata
from coghub.domain.errors import DatabaseUnknown

EARLIER = sorted(it.revision for it in ScriptDirectory(SCRIPTS).walk_revisions())[:-1]


@pytest.fixture
async def database(new_database):
    opened = new_database()
    yield opened
    await opened.close()


async def test_a_migrated_database_is_the_schema(database):
    await database.write(migrate)

    differences = await database.write(
        lambda connection: compare_metadata(MigrationContext.configure(connection), metadata)
    )

    assert differences == []


@pytest.mark.parametrize("revision", EARLIER)
async def test_every_earlier_schema_becomes_this_one(database, revision):
    def begin(connection):
        assert MigrationContext.configure(connection).get_current_revision() is None
        config = Config()
        config.set_main_option("script_location", str(SCRIPTS))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    await database.write(begin)
    await database.write(migrate)

    differences = await database.write(
        lambda connection: compare_metadata(MigrationContext.configure(connection), metadata)
    )

    assert differences == []


async def test_migrating_again_changes_nothing(database):
    await database.write(migrate)
    await database.write(migrate)


async def test_a_database_of_a_newer_version_is_refused(database):
    await database.write(migrate)
    await database.write(
        lambda connection: connection.execute(text("UPDATE alembic_version SET version_num='9999'"))
    )

    with pytest.raises(DatabaseUnknown, match="9999"):
        await database.write(migrate)
