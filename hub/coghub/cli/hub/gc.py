"""`coghub gc`: frees what nothing in the registry leads to."""

from dataclasses import asdict

import click

from coghub.cli.hub.invocation import HubInvocation, hub_command
from coghub.domain.size import size_text
from coghub.registry.asked_collection import collect


@click.command("gc")
@hub_command
def command(invocation: HubInvocation) -> None:
    """Remove blobs that no manifest names, and uploads that nobody goes on with.

    What was used within `gc-grace-s` stays, so a push may go on meanwhile. A running hub does the
    same from time to time.
    """
    removed = invocation.run(collect)
    if invocation.is_json:
        invocation.show(asdict(removed))
    else:
        invocation.console.say(
            f"Removed {removed.blobs} blobs, {removed.manifests} manifests and "
            f"{removed.uploads} uploads, {size_text(removed.freed_bytes)} in all"
        )
