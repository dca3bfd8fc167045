"""`coghub secret`: environment variables of a model's instances that no log may show."""

import click

from coghub.cli.hub.variables import add_commands


@click.group("secret")
def command() -> None:
    """Secrets that a model's instances get as environment variables; logs show them redacted."""


add_commands(command, is_secret=True)
