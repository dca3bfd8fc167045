"""`coghub token`: what lets an account's programs in."""

import click

from coghub.cli.hub.invocation import HubInvocation, hub_command, value_of_stdin
from coghub.domain.errors import UsageError


@click.group("token")
def command() -> None:
    """Make tokens, and take them back."""


@command.command("create")
@click.argument("name")
@hub_command
def create(invocation: HubInvocation, *, name: str) -> None:
    """Print a new token of the account NAME; it cannot be shown again."""
    token = invocation.run(lambda hub: hub.accounts.create_token(name))
    if invocation.is_json:
        invocation.show({"name": name, "token": token})
    else:
        invocation.console.result(f"{token}\n")


@command.command("revoke")
@click.argument("name", required=False)
@hub_command
def revoke(invocation: HubInvocation, *, name: str | None) -> None:
    """Make a token worthless at once: the one on stdin, or all of the account NAME."""
    if name is not None:
        count = invocation.run(lambda hub: hub.accounts.revoke_tokens(name))
    else:
        token = value_of_stdin("the token").strip()
        if not token:
            raise UsageError("No token on stdin", hint="Or name an account to revoke all of its")
        invocation.run(lambda hub: hub.accounts.revoke_token(token))
        count = 1
    if invocation.is_json:
        invocation.show({"revoked": count})
    else:
        invocation.console.say(f"Revoked {count} token{'' if count == 1 else 's'}")
