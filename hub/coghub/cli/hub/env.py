"""`coghub env`: environment variables of a model's instances."""

import click

from coghub.cli.hub.variables import add_commands


@click.group("env")
def command() -> None:
    """Environment variables that a model's instances get; for passwords use `coghub secret`."""


add_commands(command, is_secret=False)
