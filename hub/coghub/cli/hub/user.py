"""`coghub user`: who may use the hub."""

from typing import Any

import click

from coghub.cli.hub.invocation import HubInvocation, hub_command, value_of_stdin
from coghub.domain.account import Account
from coghub.domain.clock import iso
from coghub.parts import Hub


@click.group("user")
def command() -> None:
    """Make and list accounts."""


@command.command("create")
@click.argument("name")
@click.option("--admin", "is_admin", is_flag=True, help="May change the models of all accounts.")
@hub_command
def create(invocation: HubInvocation, *, name: str, is_admin: bool) -> None:
    """Make an account; `coghub token create` lets its owner in."""
    account = invocation.run(
        lambda hub: hub.accounts.create(name, is_admin=is_admin), may_make=True
    )
    if invocation.is_json:
        invocation.show(_json(account))
    else:
        invocation.console.say(f"Made the user {account.name}")


@command.command("list")
@hub_command
def list_accounts(invocation: HubInvocation) -> None:
    """List the accounts, by name."""
    accounts = invocation.run(lambda hub: hub.accounts.list())
    rows = [(it.name, "admin" if it.is_admin else "", iso(it.created_at)) for it in accounts]
    invocation.show([_json(it) for it in accounts], rows)


@command.command("password")
@click.argument("name")
@hub_command
def set_password(invocation: HubInvocation, *, name: str) -> None:
    """Give a user a password for the pages; it is read from stdin.

    The user is signed out of all browsers.
    """
    password = value_of_stdin("password").rstrip("\r\n")

    async def change(hub: Hub) -> None:
        await hub.passwords.change(await hub.accounts.get(name), password)

    invocation.run(change)
    if invocation.is_json:
        invocation.show({"name": name})
    else:
        invocation.console.say(f"Set the password of {name}")


def _json(account: Account) -> dict[str, Any]:
    return {
        "name": account.name,
        "is_admin": account.is_admin,
        "created_at": iso(account.created_at),
    }
