"""`cog env`: the environments that were made for projects."""

import json
import re
from dataclasses import asdict
from typing import Any

import click

from coghub.build.bundle import Store
from coghub.build.environment import EnvironmentRecord, Environments
from coghub.cli.invocation import Invocation
from coghub.domain.errors import UsageError
from coghub.domain.size import UNITS, size_text
from coghub.engines.documents import documents_of

SHOWN_PACKAGES = 5
"""Of an environment, so that a line stays one; `--json` has all of them."""
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)B?", re.IGNORECASE)

as_json = click.option("--json", "is_json", is_flag=True, help="Print JSON, for scripts.")


@click.group("env")
def command() -> None:
    """List the environments that were made for projects, or remove old ones.

    An environment is made again when a project needs it.
    """


@command.command("list")
@as_json
@click.pass_obj
def list_environments(invocation: Invocation, *, is_json: bool) -> None:
    """List the environments, the most recently used first."""
    records = Environments(invocation.settings).list()
    if is_json:
        invocation.console.result(_json(records))
        return
    if not records:
        invocation.console.say("No environments yet")
    for record in records:
        invocation.console.result(line_of(record))


@command.command("prune")
@click.option(
    "--budget",
    "budget_text",
    default="20GB",
    show_default=True,
    metavar="SIZE",
    help="Keep the most recently used up to this size; 0 keeps none.",
)
@as_json
@click.pass_obj
def prune(invocation: Invocation, *, budget_text: str, is_json: bool) -> None:
    """Remove the least recently used environments; those in use stay.

    What was unpacked or noted for bundles, projects and environments that are gone goes too.
    """
    environments = Environments(invocation.settings)
    removed = environments.prune(size_of(budget_text))
    documents_of(invocation.settings).prune({record.key for record in environments.list()})
    unpacked = Store(invocation.settings).prune()
    if is_json:
        invocation.console.result(_json(removed))
        return
    for record in removed:
        invocation.console.result(line_of(record))
    freed = sum(record.size_bytes for record in removed)
    noun = "environment" if len(removed) == 1 else "environments"
    invocation.console.say(f"Removed {len(removed)} {noun}, {size_text(freed)}")
    if unpacked:
        invocation.console.say(f"Removed what was unpacked of old bundles: {unpacked}")


def size_of(text: str) -> int:
    """Return the bytes of a size such as "20GB".

    Raises:
        UsageError: if it is no size.
    """
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise UsageError(f"Not a size such as 500MB or 20GB: {text}")
    return int(float(match[1]) * UNITS[match[2].upper()])


def line_of(record: EnvironmentRecord) -> str:
    """Return what a person is shown of an environment."""
    used = f"{record.used_at:%Y-%m-%d %H:%M} UTC"
    state = " (in use)" if record.is_in_use else ""
    packages = ", ".join(record.requirements[:SHOWN_PACKAGES]) or "no packages"
    rest = len(record.requirements) - SHOWN_PACKAGES
    packages += f" and {rest} more" if rest > 0 else ""
    return (
        f"{record.key}  Python {record.python_version}  "
        f"{size_text(record.size_bytes):>9}  used {used}{state}  {packages}\n"
    )


def _json(records: tuple[EnvironmentRecord, ...]) -> str:
    shown: list[dict[str, Any]] = [
        {
            **asdict(record),
            "folder": str(record.folder),
            "created_at": record.created_at.isoformat(),
            "used_at": record.used_at.isoformat(),
        }
        for record in records
    ]
    return json.dumps(shown, indent=2) + "\n"
