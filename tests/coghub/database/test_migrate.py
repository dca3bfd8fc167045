"""A database is changed once, and not where a newer version has changed it."""

import pytest
from sqlalchemy import text

from coghub.database.migrate import migrate
from coghub.domain.errors import DatabaseUnknown


@pytest.fixture
async def database(new_database):
    opened = new_database()
    yield opened
    await opened.close()


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
