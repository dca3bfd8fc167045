"""`cog pull`: a bundle from a registry into the local store."""

from dataclasses import replace

import click

from coghub.build.registry_client.reference import parse_reference
from coghub.cli.invocation import Invocation
from coghub.cli.registries import chosen_host, tell_host
from coghub.cli.remote_bundles import pulled


@click.command("pull")
@click.argument("name", metavar="[HOST/]OWNER/MODEL[:TAG|@DIGEST]")
@click.pass_obj
def command(invocation: Invocation, *, name: str) -> None:
    """Fetch a bundle that was pushed, for `cog predict NAME` and `cog serve NAME`.

    \b
    cog pull hub.example/alice/hello
    cog predict hub.example/alice/hello -i text=world
    """  # noqa: D301 - the backspace is click's mark
    reference = parse_reference(name)
    host, origin = chosen_host(invocation, reference.host)
    tell_host(invocation, host, origin)
    bundle = pulled(invocation, replace(reference, host=host))
    invocation.console.result(f"{reference.version}: digest: {bundle.digest}\n")
    invocation.console.say(f"Run it with `cog predict {bundle.name}`")
