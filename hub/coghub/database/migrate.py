"""Brings a database to this version's schema."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from coghub.domain.errors import DatabaseUnknown

SCRIPTS = Path(__file__).parent / "migrations"


def migrate(connection: Connection) -> None:
    """Run what this database lacks; its caller holds the transaction.

    Raises:
        DatabaseUnknown: if a newer coghub has changed it.
    """
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    current = MigrationContext.configure(connection).get_current_revision()
    if current == scripts.get_current_head():
        return
    if current is not None and current not in {
        script.revision for script in scripts.walk_revisions()
    }:
        raise DatabaseUnknown(
            f"The database was changed by a newer version of coghub: {current}",
            hint="Use that version, or restore a backup",
        )
    command.upgrade(config, "head")
