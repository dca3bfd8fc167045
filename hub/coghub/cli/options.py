"""Options that several commands share, so that they read and are explained alike."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from coghub.build.image.environment_image import BuildOptions
from coghub.cli.invocation import Invocation
from coghub.domain.errors import UsageError
from coghub.engines.base import WEIGHTS, Preparation
from coghub.engines.choice import engine_of

Command = TypeVar("Command", bound=Callable[..., Any])

DEFAULT_SETUP_TIMEOUT_S = 300

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
_PREPARATION = (
    click.option(
        "--run-commands", is_flag=True,
        help="Without Docker: run the commands of `build.run` on this machine.",
    ),
    click.option(
        "--progress", type=click.Choice(["auto", "tty", "plain", "quiet"]), metavar="TYPE",
        help="How a build with Docker is shown: `plain` shows all that it prints.",
    ),
    click.option(
        "--use-cog-base-image", type=click.BOOL, metavar="BOOL", is_flag=False, flag_value="true",
        help="Accepted for scripts: images begin with Python's or NVIDIA's.",
    ),
    click.option(
        "--use-cuda-base-image", type=click.Choice(["auto", "true", "false"]), metavar="WHICH",
        help="With a GPU: begin with NVIDIA's image (`true`), or with Python's slim one.",
    ),
    click.option(
        "--dockerfile", metavar="PATH",
        help="With Docker: build the environment from this, and not from cog.yaml.",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
    ),
)  # fmt: skip
_EXCLUSIVE = ("use_cog_base_image", "use_cuda_base_image", "dockerfile")
_BUILDING = (
    click.option("--no-cache", is_flag=True, help="With Docker: make every layer anew."),
    click.option(
        "--secret", "secrets", multiple=True, metavar="id=ID,src=PATH",
        help="With Docker: a secret for `build.run`; `env=NAME` takes it from a variable.",
    ),
    click.option(
        "--separate-weights", is_flag=True,
        help="With Docker: large files in layers of their own, which a bundle always has.",
    ),
    click.option("--timestamp", hidden=True, metavar="SECONDS"),
    click.option("--strip", is_flag=True, hidden=True),
    click.option("--precompile", is_flag=True, hidden=True),
    click.option("--skip-schema-validation", is_flag=True, hidden=True),
)  # fmt: skip
_DONE_ANYWAY = frozenset({"progress", "precompile", "separate_weights", "skip_schema_validation"})
"""Without Docker: nothing is to be said of them."""
_UNDONE = ("run_commands", "use_cog_base_image", "timestamp", "strip")
"""With Docker."""


def preparing(command: Command) -> Command:
    """Accept the options of how a project's needs are met; see `preparation_of`."""
    for option in reversed(_PREPARATION):
        command = option(command)
    return command


def building(command: Command) -> Command:
    """Accept those and the ones of building, for `build` and `push`."""
    for option in reversed(_BUILDING):
        command = option(command)
    return preparing(command)


def preparation_of(invocation: Invocation, flags: Mapping[str, Any]) -> Preparation:
    """Return what the options say; of those that have no effect a line is said.

    Raises:
        UsageError: if two exclude each other, or one cannot be done without Docker.
    """
    given = {name: value for name, value in flags.items() if value not in (None, False, ())}
    rivals = [_flag(name) for name in _EXCLUSIVE if name in given]
    if len(rivals) > 1:
        raise UsageError(
            f"The flags {rivals[0]} and {rivals[1]} are mutually exclusive: "
            "you can only set one of them."
        )
    console, is_docker = invocation.console, engine_of(invocation.settings).name == "docker"
    for line in _without_effect(given, is_docker=is_docker):
        console.warn(line)
    wanted, environ = given.get("use_cuda_base_image"), invocation.settings.environ
    return Preparation(
        run_commands="run_commands" in given,
        build=BuildOptions(
            no_cache="no_cache" in given,
            secrets=tuple(
                _secret(text, invocation.settings.environ) for text in given.get("secrets", ())
            ),
            progress=given.get("progress") or _progress(environ),
            wants_cuda_image=None if wanted in (None, "auto") else wanted == "true",
            dockerfile=given.get("dockerfile"),
            separate_weights="separate_weights" in given,
        ),
    )


def _without_effect(given: Mapping[str, Any], *, is_docker: bool) -> list[str]:
    if is_docker:
        return [f"{_flag(name)} has no effect with Docker" for name in _UNDONE if name in given]
    if "dockerfile" in given:
        raise UsageError("--dockerfile needs the Docker engine", "Set `COG_ENGINE=docker`")
    skipped = {*_DONE_ANYWAY, "run_commands"}
    return [f"{_flag(name)} has no effect without Docker" for name in given if name not in skipped]


def _progress(environ: Mapping[str, str]) -> str:
    said = environ.get("BUILDKIT_PROGRESS", "")
    if said in ("tty", "plain", "quiet"):
        return said
    return "plain" if environ.get("TERM") == "dumb" else "auto"


def _secret(text: str, environ: Mapping[str, str]) -> str:
    """Return a secret as Docker wants it, which is how Cog wants it too.

    Raises:
        UsageError: if it says no id, or names a file or variable that is not there.
    """
    fields = {name: value for name, _, value in (part.partition("=") for part in text.split(","))}
    if not fields.get("id"):
        raise UsageError(
            f"Not a secret: {text}", "Write `--secret id=ID,src=PATH` or `--secret id=ID,env=NAME`"
        )
    source = fields.get("src") or fields.get("source")
    if source and fields.get("type") != "env" and not Path(source).is_file():
        raise UsageError(f"No file for the secret `{fields['id']}`: {source}")
    variable = fields.get("env")
    if variable and variable not in environ:
        raise UsageError(f"No variable for the secret `{fields['id']}`: {variable}")
    return text


def _flag(name: str) -> str:
    return "--" + name.removesuffix("s" if name == "secrets" else "").replace("_", "-")


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
