"""`coghub restore`: a data folder from a backup."""

from dataclasses import asdict
from pathlib import Path

import click

from coghub.backup import restore
from coghub.cli.hub.invocation import HubInvocation, hub_command


@click.command("restore")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@hub_command
def command(invocation: HubInvocation, *, folder: Path) -> None:
    """Make the data folder from the backup in DIR; it must be empty or not there.

    Where the setting `database` names a database of PostgreSQL, which must be empty too, the rows
    are put there, wherever they were before. Predictions that had not ended at the backup run again
    when the hub starts.
    """
    settings = invocation.settings()
    data = settings.data
    note = restore(folder.absolute(), data, database=settings.database)
    if invocation.is_json:
        invocation.show({"data": str(data), **asdict(note)})
    else:
        invocation.console.say(f"Restored the backup of {note.created_at} into {data}")
    if note.storage:
        invocation.console.warn(
            f"Blobs and files are not in it: run the hub with `COGHUB_STORAGE={note.storage}`"
        )
