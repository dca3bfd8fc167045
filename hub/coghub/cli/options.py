"""Options that several commands share, so that they read and are explained alike."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from coghub.domain.errors import UsageError

Command = TypeVar("Command", bound=Callable[..., Any])

DEFAULT_SETUP_TIMEOUT_S = 300
WEIGHTS = "COG_WEIGHTS"

config_file = click.option(
    "-f", "--file", "config_name", default="cog.yaml", metavar="NAME", show_default=True,
    help="Name of the config file; looked for here and in the folders above.",
)  # fmt: skip
inputs = click.option(
    "-i", "--input", "flags", multiple=True, metavar="NAME=VALUE",
    help="An input; `@PATH` as VALUE is the content of a file. Repeat it for more, or for a list.",
)  # fmt: skip
variables = click.option(
    "-e", "--env", "variables", multiple=True, metavar="NAME=VALUE",
    help="An environment variable for the model; NAME alone passes on your own.",
)  # fmt: skip


def _gpus(_context: click.Context, _option: click.Parameter, wanted: str | None) -> str | None:
    """Refuse what is no choice of GPUs before anything is made for it."""
    if wanted is not None:
        from coghub.engines.local_environ import of_gpus  # noqa: PLC0415 - rarely given

        of_gpus(wanted)
    return wanted


gpus = click.option(
    "--gpus", metavar="GPUS", callback=_gpus,
    help="GPUs the model may see: `all`, a number, or `device=0,1`.",
)  # fmt: skip


class Seconds(click.FloatRange):
    """A length of time, called so when it is none."""

    name = "number of seconds"


setup_timeout = click.option(
    "--setup-timeout", type=Seconds(min=0, min_open=True), metavar="SECONDS",
    default=DEFAULT_SETUP_TIMEOUT_S, show_default=True, help="Longest time for setup().",
)  # fmt: skip
run_commands = click.option(
    "--run-commands", is_flag=True,
    help="Run the commands of `build.run` on this machine when the environment is made.",
)  # fmt: skip


def docker_only(command: Command) -> Command:
    """Accept the options of building images, which mean nothing to the local engine."""
    for option in reversed(_DOCKER_OPTIONS):
        command = option(command)
    return command


_DOCKER_OPTIONS = (
    click.option(
        "--progress", type=click.Choice(["auto", "tty", "plain", "quiet"]), metavar="TYPE",
        help="How Docker shows a build; no effect without Docker.",
    ),
    click.option(
        "--use-cog-base-image", type=click.BOOL, metavar="BOOL", is_flag=False, flag_value="true",
        help="Base image of a Docker build; no effect without Docker.",
    ),
    click.option(
        "--use-cuda-base-image", type=click.Choice(["auto", "true", "false"]), metavar="WHICH",
        help="Base image of a Docker build; no effect without Docker.",
    ),
    click.option("--dockerfile", hidden=True, metavar="PATH"),
)  # fmt: skip
_EXCLUSIVE = ("use_cog_base_image", "use_cuda_base_image", "dockerfile")


def ignored_lines(docker: dict[str, Any]) -> list[str]:
    """Return one line for each Docker option that was given and has no effect.

    Raises:
        UsageError: if two exclude each other, or one cannot be done without Docker.
    """
    given = [name for name in docker if docker[name] not in (None, False, ())]
    rivals = [_flag(name) for name in _EXCLUSIVE if name in given]
    if len(rivals) > 1:
        raise UsageError(
            f"The flags {rivals[0]} and {rivals[1]} are mutually exclusive: "
            "you can only set one of them."
        )
    if "dockerfile" in given:
        raise UsageError("--dockerfile needs the Docker engine, which this version does not have")
    return [f"{_flag(name)} has no effect without Docker" for name in given if name != "progress"]


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def environment_of(variables: Sequence[str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return what `-e` says; a name alone takes the value that it has here.

    A relative path in COG_WEIGHTS is of this folder, which need not be the project's.

    Raises:
        UsageError: if one has no name.
    """
    given: dict[str, str] = {}
    for text in variables:
        name, separator, value = text.partition("=")
        if not name or "\0" in text:
            raise UsageError(f"Not an environment variable, expected NAME=VALUE: {text}")
        if separator or name in environ:
            given[name] = value if separator else environ[name]
    weights = given.get(WEIGHTS) or environ.get(WEIGHTS)
    if weights and Path(weights).exists():
        given[WEIGHTS] = str(Path(weights).absolute())
    return given
