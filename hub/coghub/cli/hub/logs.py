"""`coghub logs`: what an instance or a prediction printed."""

import click

from coghub.cli.hub.invocation import HubInvocation, hub_command
from coghub.database import instances as rows
from coghub.domain.errors import NotFound, PredictionNotFound
from coghub.parts import Hub


@click.command("logs")
@click.argument("wanted", metavar="ID")
@hub_command
def command(invocation: HubInvocation, *, wanted: str) -> None:
    """Print the logs of an instance up to now, or of a prediction, by its ID."""
    kind, logs = invocation.run(lambda hub: _find(hub, wanted))
    if invocation.is_json:
        invocation.show({"kind": kind, "id": wanted, "logs": logs})
    else:
        invocation.console.result(logs)


async def _find(hub: Hub, wanted: str) -> tuple[str, str]:
    instance = await hub.database.read(lambda c: rows.by_id(c, wanted))
    if instance is not None:
        return "instance", instance.logs
    try:
        return "prediction", (await hub.predictions.find(wanted)).logs
    except PredictionNotFound:
        raise NotFound(
            f"No instance and no prediction with id `{wanted}`",
            hint="List instances with `coghub instances --all`",
        ) from None
