"""`coghub model`: what an operator changes about models."""

import click
from sqlalchemy import Connection

from coghub.cli.hub.invocation import HubInvocation, hub_command
from coghub.cli.hub.lookup import model_named
from coghub.database import models as rows
from coghub.database.audit import Audit
from coghub.domain.audit import Action
from coghub.domain.model import Visibility
from coghub.models.models import changed
from coghub.parts import Hub


@click.group("model")
def command() -> None:
    """Change models."""


@command.command("visibility")
@click.argument("model", metavar="OWNER/MODEL")
@click.argument("visibility", type=click.Choice([it.value for it in Visibility]))
@hub_command
def visibility(invocation: HubInvocation, *, model: str, visibility: str) -> None:
    """Say who may see and run a model: every account, or its owner and whom it is shared with."""

    async def change(hub: Hub) -> None:
        found = await model_named(hub, model)
        fields = {"visibility": Visibility(visibility)}
        note = Audit(hub.now).of(Action.MODEL_CHANGE, model, **changed(found, fields))

        def both(connection: Connection) -> None:
            rows.change(connection, found.id, fields)
            note(connection)

        await hub.database.write(both)

    invocation.run(change)
    if invocation.is_json:
        invocation.show({"model": model, "visibility": visibility})
    else:
        invocation.console.say(f"{model} is {visibility}")
