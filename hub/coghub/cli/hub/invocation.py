"""What every command of `coghub` takes and is given: which hub, and how to answer."""

import asyncio
import functools
import json
import shlex
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from coghub.cli.output import Console
from coghub.domain.errors import HubNotFound, UsageError
from coghub.hub_settings import HubSettings, read_hub_settings
from coghub.opening import has_hub, open_hub
from coghub.parts import Hub
from coghub.settings import current_settings

T = TypeVar("T")

DATA = click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The hub's data folder; else `COGHUB_DATA`, else `coghub/hub` in the user's data.",
)
CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A TOML file with settings; else `COGHUB_CONFIG`.",
)
JSON = click.option("--json", "is_json", is_flag=True, help="Print JSON, for scripts.")


@dataclass(frozen=True, slots=True)
class HubInvocation:
    """One call of a command."""

    console: Console
    flags: Mapping[str, Any]
    is_json: bool = False

    def settings(self) -> HubSettings:
        """Return the settings of the hub that is meant."""
        own = current_settings()
        return read_hub_settings(self.flags, own.environ, default_data=own.data_folder / "hub")

    def which_hub(self) -> str:
        """Return the option by which another command finds this hub; empty for the default one."""
        data = self.settings().data
        is_default = data == current_settings().data_folder / "hub"
        return "" if is_default else f" --data {shlex.quote(str(data))}"

    def run(self, action: Callable[[Hub], Awaitable[T]], *, may_make: bool = False) -> T:
        """Do something with an opened hub, beside a running one too, and return the result.

        Args:
            action: what to do.
            may_make: where there is no hub yet, begin one.

        Raises:
            HubNotFound: if there is none.
        """
        settings = self.settings()
        if not may_make and not has_hub(settings):
            raise HubNotFound(settings.data)
        return asyncio.run(_inside(settings, action))

    def show(self, content: Any, rows: Sequence[Sequence[str]] = ()) -> None:
        """Print a result: as JSON where it was asked for, else as lines with columns."""
        if self.is_json:
            self.console.result(json.dumps(content, indent=2) + "\n")
        else:
            self.console.result(columns(rows))


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as lines, each column as wide as its longest text."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "".join(f"{line}\n" for line in lines)


def value_of_stdin(what: str) -> str:
    """Return what stands on stdin; a terminal asks for it and does not show it.

    Raises:
        UsageError: if it is not text.
    """
    if sys.stdin.isatty():
        return click.prompt(what.capitalize(), hide_input=True, err=True)
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise UsageError("What stands on stdin is not text in UTF-8") from error


async def _inside(settings: HubSettings, action: Callable[[Hub], Awaitable[T]]) -> T:
    async with open_hub(settings) as hub:
        return await action(hub)


def hub_command(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command its invocation as first argument, and the options that make one."""

    @functools.wraps(function)
    def call(*, data: Path | None, config: Path | None, is_json: bool, **parameters: Any) -> None:
        flags = {"data": data, "config": config}
        function(HubInvocation(_console(), flags, is_json), **parameters)

    return DATA(CONFIG(JSON(call)))


def _console() -> Console:
    console = click.get_current_context().find_object(Console)
    assert console is not None
    return console
