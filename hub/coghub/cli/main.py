"""The two commands, `cog` and `coghub`, and the one place where an error becomes an exit code.

A command's own module is imported when it is called: `cog --help` must not pay for all of them.
"""

import errno
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from coghub.cli.interrupts import Terminated, listen_for_termination
from coghub.cli.invocation import Invocation
from coghub.cli.output import Console, may_colour, standard_streams
from coghub.domain.errors import CoghubError, RequestInvalid, SettingInvalid, UsageError
from coghub.settings import current_settings

EXIT_FAILED = 1
EXIT_MISUSED = 2
EXIT_INTERRUPTED = 130
MISUSES = (UsageError, SettingInvalid, RequestInvalid)
"""Errors of what was typed; all others are of what was found."""

COMMANDS = {
    "init": "Write the files of a new project into this folder",
    "predict": "Run a prediction of this project, or of a built NAME",
    "run": "The same as `predict`",
    "serve": "Serve a model over HTTP until it is stopped",
    "playground": "Show a page to try a model that is served",
    "train": "Run a training of this project",
    "test": "Run the project's tests against its model",
    "exec": "Run a command in the project's environment",
    "login": "Log in to a hub or another registry",
    "push": "Build the project and push it to a hub",
    "pull": "Fetch a bundle that was pushed",
    "build": "Build the project into a bundle that runs by its name",
    "doctor": "Say what is wrong with the project, and mend it where that is safe",
    "debug": "Print the plan: what cog.yaml resolves to",
    "env": "List the environments that were made, or remove old ones",
}
"""Each has a module in this package that holds the click command as `command`."""

HIDDEN_COMMANDS = {"weights": "Bring weights into a lock, a registry and this machine"}
"""Commands that `--help` does not list, as in Cog: what they write may still change."""

OPERATOR_COMMANDS = {
    "up": "Run a hub until it is stopped",
    "user": "Make and list accounts",
    "token": "Make tokens, and take them back",
    "model": "Change models",
    "collection": "Put models together into collections",
    "versions": "List the versions of a model",
    "env": "Set environment variables of a model's instances",
    "secret": "Set secrets of a model's instances",
    "instances": "List the running copies of models",
    "hardware": "List what models can run on here",
    "logs": "Print the logs of an instance or a prediction",
    "audit": "List who changed what",
    "gc": "Remove what nothing in the registry leads to",
    "backup": "Copy the hub into a folder, while it runs",
    "restore": "Make a data folder from a backup",
    "migrate-data": "Move the rows of a hub into PostgreSQL",
}
"""Each has a module in `coghub.cli.hub` that holds the click command as `command`."""

MODULES = {"run": "predict", "migrate-data": "migrate_data"}
"""Commands whose module has another name."""


class LazyGroup(click.Group):
    """A group that knows what its commands are for, and imports the one that is called."""

    def __init__(self, *args: Any, lazy: Mapping[str, str], package: str, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._lazy = lazy
        self._package = package

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self._lazy, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        if (command := super().get_command(ctx, cmd_name)) is not None:
            return command
        if cmd_name not in self._lazy and not (ctx.command is root and cmd_name in HIDDEN_COMMANDS):
            raise _no_command(str(self.name), cmd_name, self.list_commands(ctx))
        name = MODULES.get(cmd_name, cmd_name)
        return importlib.import_module(f"{self._package}.{name}").command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        own = [(name, it.get_short_help_str(80)) for name, it in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl([*self._lazy.items(), *own])


def _no_command(group: str, name: str, names: Sequence[str]) -> UsageError:
    from difflib import get_close_matches  # noqa: PLC0415 - who types right does without

    meant = get_close_matches(name, names, 1)
    hint = f"Did you mean `{group} {meant[0]}`?" if meant else f"See `{group} --help`"
    return UsageError(f"No such command '{name}'", hint)


def _print_version(context: click.Context, _option: click.Parameter, is_wanted: Any) -> None:
    if is_wanted:
        from coghub.cli.versions import version_line  # noqa: PLC0415 - imports the SDK

        click.echo(version_line())
        context.exit()


VERSION = click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version of Cog whose contract is met, then coghub's own.",
)
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group("cog", cls=LazyGroup, lazy=COMMANDS, package="coghub.cli", context_settings=CONTEXT)
@VERSION
@click.option("--debug", "is_debug", is_flag=True, help="Show what the model's server logs.")
@click.option("--no-color", is_flag=True, help="No colours, icons or moving lines.")
@click.option("--profile", is_flag=True, hidden=True)
@click.option("--registry", metavar="HOST", help="Registry of a push, pull or login without one.")
@click.pass_context
def root(
    context: click.Context, *, is_debug: bool, no_color: bool, profile: bool, registry: str | None
) -> None:
    """Run machine learning models from a folder with cog.yaml and predict.py.

    Results go to stdout and everything else to stderr. The exit code is 0 when it worked, 1 when
    it did not, 130 after Ctrl-C; `cog exec` passes on its command's own.
    """
    del profile  # accepted for scripts written for Cog: nothing here depends on it
    settings, console = current_settings(), context.obj
    console.is_rich = may_colour(sys.stderr, settings.environ, is_refused=no_color)
    context.obj = Invocation(settings, console, is_debug, registry)


@click.group(
    "coghub",
    cls=LazyGroup,
    lazy=OPERATOR_COMMANDS,
    package="coghub.cli.hub",
    context_settings=CONTEXT,
)
@VERSION
@click.option("--no-color", is_flag=True, help="No colours or icons.")
@click.pass_obj
def operator_root(console: Console, *, no_color: bool) -> None:
    """Commands for who runs models for others; `coghub cog …` is the same as `cog …`.

    Results go to stdout and everything else to stderr. The exit code is 0 when it worked, 1 when
    it did not, 2 when it was asked wrongly, 130 after Ctrl-C.
    """
    environ = current_settings().environ
    console.is_rich = may_colour(sys.stderr, environ, is_refused=no_color)


operator_root.add_command(root)


def cog() -> None:
    """Run the `cog` command and exit."""
    sys.exit(outcome_of(root, sys.argv[1:], usage_code=EXIT_FAILED))


def coghub() -> None:
    """Run the `coghub` command and exit."""
    sys.exit(outcome_of(operator_root, sys.argv[1:], usage_code=EXIT_MISUSED))


def outcome_of(group: click.Group, arguments: Sequence[str], *, usage_code: int) -> int:
    """Run a command to its end and return the exit code; an error has been told by then."""
    listen_for_termination()
    console = Console(*standard_streams())
    try:
        group.main(list(arguments), prog_name=group.name, standalone_mode=False, obj=console)
        sys.stdout.flush()
    except (KeyboardInterrupt, click.Abort):
        return EXIT_INTERRUPTED
    except (Terminated, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # its last flush cannot fail
        return EXIT_FAILED
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        console.result(f"{error.message}\n")
    except (CoghubError, click.ClickException, OSError) as error:
        told = _told(error)
        console.fail(told)
        return usage_code if isinstance(told, MISUSES) else EXIT_FAILED
    return 0


def _told(error: CoghubError | click.ClickException | OSError) -> CoghubError:
    match error:
        case CoghubError():
            return error
        case OSError():
            # What writes a file names it; writing to stdout does not.
            place = error.filename or ("standard output" if error.errno == errno.ENOSPC else None)
            text = str(error.strerror or error)
            return CoghubError(f"{text}: {place}" if place else text, _folder_hint(error))
        case _:
            return _usage_error(error)


def _folder_hint(error: OSError) -> str | None:
    """Return how to choose another folder, if the error is about one of ours or one above it."""
    if not isinstance(error.filename, str):
        return None
    settings = current_settings()
    path = Path(error.filename)
    folders = {"COG_DATA_DIR": settings.data_folder, "COG_CACHE_DIR": settings.cache_folder}
    for variable, folder in folders.items():
        if path.is_relative_to(folder) or folder.is_relative_to(path):
            return f"Choose another folder with `{variable}`"
    return None


def _usage_error(error: click.ClickException) -> UsageError:
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f"See `{context.command_path} --help`" if context else None
    return UsageError(error.format_message().rstrip("."), hint)
