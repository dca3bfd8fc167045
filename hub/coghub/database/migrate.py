"""Brings a database to this version's schema."""

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from coghub.domain.errors import DatabaseInUse, DatabaseUnknown

SCRIPTS = Path(__file__).parent / "migrations"


def migrate(connection: Connection, is_in_use: Callable[[], bool] = lambda: False) -> None:
    """Run what this database lacks; its caller holds the transaction.

    Args:
        connection: of the transaction.
        is_in_use: tells whether another process, of an older version then, works with it.

    Raises:
        DatabaseUnknown: if a newer coghub has changed it.
        DatabaseInUse: if it lacks something and is in use.
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
    if current is not None and is_in_use():
        raise DatabaseInUse(
            "The hub that runs on this data folder is of an older version of coghub",
            hint="Restart it with this version: that changes the database as it needs",
        )
    command.upgrade(config, "head")
