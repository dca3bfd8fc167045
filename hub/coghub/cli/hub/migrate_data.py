"""`coghub migrate-data`: the rows of a hub, from its file into PostgreSQL."""

import asyncio

import click

from coghub.cli.hub.invocation import HubInvocation, hub_command
from coghub.database import place
from coghub.database.copying import copy_into_server
from coghub.domain.errors import Conflict, HubNotFound, UsageError
from coghub.opening import DATABASE, claim

MOVED = f"{DATABASE}.moved"


@click.command("migrate-data")
@hub_command
def command(invocation: HubInvocation) -> None:
    """Move the rows of a stopped hub into the database that the setting `database` names.

    It must be empty. Images, files and the key stay in the data folder; the old file of rows stays
    beside them, as `hub.db.moved`, until you remove it.
    """
    settings = invocation.settings()
    if settings.database is None:
        raise UsageError(
            "The setting `database` names no database",
            hint="COGHUB_DATABASE=postgresql://user@host/name coghub migrate-data",
        )
    path = settings.data / DATABASE
    if known := place.known_place(settings.data):
        raise Conflict(
            f"The rows of this hub are in {known} already",
            hint="Between servers, move them by the means of PostgreSQL, such as `pg_dump`",
        )
    if not path.is_file():
        raise HubNotFound(settings.data)
    lock = claim(settings.data)
    try:
        rows = asyncio.run(copy_into_server(path, settings.database))
        place.note(settings.data, settings.database)
        path.rename(settings.data / MOVED)
    finally:
        lock.remove()
    if invocation.is_json:
        invocation.show({"rows": rows, "data": str(settings.data)})
    else:
        invocation.console.say(f"Moved {rows} rows; the old file is {settings.data / MOVED}")
