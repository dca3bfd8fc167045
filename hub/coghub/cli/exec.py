"""`cog exec`: a command inside the project's environment."""

from typing import Any

import click

from coghub.cli import options
from coghub.cli.invocation import Invocation
from coghub.cli.prediction import prepare
from coghub.cli.projects import project_here
from coghub.cli.shown_weights import shown_to_successor
from coghub.domain.errors import UsageError
from coghub.engines.base import Launch

MAX_PORT = 65535


@click.command("exec", context_settings={"allow_interspersed_args": False})
@click.option(
    "-p",
    "--publish",
    "ports",
    multiple=True,
    metavar="[HOST:]PORT",
    help="A port that others on this machine shall reach; without Docker all are its own.",
)
@options.variables
@options.gpus
@options.config_file
@options.preparing
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="COMMAND…")
@click.pass_obj
def command(
    invocation: Invocation,
    *,
    ports: tuple[str, ...],
    variables: tuple[str, ...],
    gpus: str | None,
    config_name: str,
    words: tuple[str, ...],
    **flags: Any,
) -> None:
    """Run COMMAND in the project's folder with the Python and packages that the model has.

    The command takes the place of this one: it has the terminal, and its exit code is passed on.

    \b
    cog exec python
    cog exec python -c 'import torch; print(torch.__version__)'
    """  # noqa: D301 - the backspace is click's mark
    console = invocation.console
    for port in ports:
        _check_port(port)
    environment = options.environment_of(variables, invocation.settings.environ)
    project = project_here(config_name, console)
    weights = shown_to_successor(invocation, project)
    prepared = prepare(invocation, project, options.preparation_of(invocation, flags))
    console.say(f"Running {' '.join(words)} in {prepared.place}...")
    prepared.execute(words, Launch(environment=environment, gpus=gpus, weights=weights), ports)


def _check_port(text: str) -> None:
    host, separator, port = text.rpartition(":")
    is_host = not separator or (host and (":" not in host or host.startswith("[")))
    if not is_host or not port.isdecimal() or not 0 < int(port) <= MAX_PORT:
        raise UsageError(f'invalid port "{text}": expected [HOST:]PORT')
