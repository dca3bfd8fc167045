"""What `coghub env` and `coghub secret` share: variables of a model's instances.

Values come from stdin, so that they are in no shell history and no list of processes.
"""

import click

from coghub.cli.hub.invocation import HubInvocation, hub_command, value_of_stdin
from coghub.cli.hub.lookup import model_named
from coghub.models.variables import Variable
from coghub.parts import Hub

MODEL = click.argument("model", metavar="OWNER/MODEL")
NAME = click.argument("name")


def add_commands(group: click.Group, *, is_secret: bool) -> None:
    """Give a group `set`, `list` and `unset` for one of the two kinds."""
    noun = "secret" if is_secret else "variable"

    @group.command("set", help=f"Set a {noun} of a model; its value is read from stdin.")
    @MODEL
    @NAME
    @hub_command
    def set_variable(invocation: HubInvocation, *, model: str, name: str) -> None:
        value = value_of_stdin(f"the value of {name}").removesuffix("\n")

        async def put(hub: Hub) -> None:
            found = await model_named(hub, model)
            await hub.variables.put(found, name, value, is_secret=is_secret)

        invocation.run(put)
        _tell(invocation, model, name, "set")

    @group.command("list", help=f"List a model's {noun}s by name; values are never shown.")
    @MODEL
    @hub_command
    def list_variables(invocation: HubInvocation, *, model: str) -> None:
        async def names(hub: Hub) -> list[Variable]:
            found = await model_named(hub, model)
            return [it for it in await hub.variables.names(found) if it.is_secret is is_secret]

        found = [it.name for it in invocation.run(names)]
        invocation.show([{"name": name} for name in found], [(name,) for name in found])

    @group.command("unset", help=f"Remove a {noun} of a model.")
    @MODEL
    @NAME
    @hub_command
    def unset(invocation: HubInvocation, *, model: str, name: str) -> None:
        async def remove(hub: Hub) -> None:
            await hub.variables.remove(await model_named(hub, model), name)

        invocation.run(remove)
        _tell(invocation, model, name, "unset")


def _tell(invocation: HubInvocation, model: str, name: str, action: str) -> None:
    if invocation.is_json:
        invocation.show({"model": model, "name": name, "action": action})
    else:
        invocation.console.say(
            f"{name} of {model} is {action}; instances that run keep the old one"
        )
