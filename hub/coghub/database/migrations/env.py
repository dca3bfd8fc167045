"""Runs the migrations on the connection that `coghub.database.migrate` hands over."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from coghub.database import columns
from coghub.database.schema import metadata


def render(kind: str, column_type: Any, context: AutogenContext) -> str | Literal[False]:
    """Write our own column types as a name that the migration imports."""
    if kind == "type" and type(column_type).__module__ == columns.__name__:
        name = type(column_type).__name__
        context.imports.add(f"from {columns.__name__} import {name}")
        return f"{name}()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_item=render,
    transaction_per_migration=False,
)
context.run_migrations()
