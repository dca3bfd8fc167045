"""`coghub backup`: a copy of the hub, made while it runs."""

from dataclasses import asdict
from pathlib import Path

import click

from coghub.backup import back_up
from coghub.cli.hub.invocation import HubInvocation, hub_command
from coghub.domain.clock import utc_now
from coghub.domain.size import size_text


@click.command("backup")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@hub_command
def command(invocation: HubInvocation, *, folder: Path) -> None:
    """Copy the hub into DIR: accounts, models, predictions, files, images and keys.

    The hub may be running. Where DIR holds an older backup of it, what is new is added and what is
    gone is removed. It holds the key of all secrets: keep it as safe as the hub itself.

    Rows in PostgreSQL are copied into a file, as they are at one moment.
    Blobs and files in S3 are not copied: let the bucket keep versions of them.
    """
    settings = invocation.settings()
    note = back_up(
        settings.data,
        folder.absolute(),
        now=utc_now(),
        storage=settings.storage,
        database=settings.database,
    )
    if invocation.is_json:
        invocation.show({"folder": str(folder), **asdict(note)})
    else:
        size = size_text(note.size_bytes)
        invocation.console.say(f"Backed up {note.objects} objects, {size} in all: {folder}")
    if note.storage:
        invocation.console.warn(f"Blobs and files were not copied, they are in {note.storage}")
