"""`coghub versions`: what was pushed to a model."""

from collections.abc import Sequence
from typing import Any

import click

from coghub.cli.hub.invocation import HubInvocation, hub_command
from coghub.cli.hub.lookup import model_named
from coghub.database import models as rows
from coghub.domain.clock import iso
from coghub.domain.model import Version
from coghub.parts import Hub


@click.command("versions")
@click.argument("model", metavar="OWNER/MODEL")
@hub_command
def command(invocation: HubInvocation, *, model: str) -> None:
    """List a model's versions, the newest first."""

    async def find(hub: Hub) -> Sequence[Version]:
        found = await model_named(hub, model)
        return await hub.database.read(lambda c: rows.versions_of_model(c, found.id))

    versions = invocation.run(find)
    invocation.show([_json(it) for it in versions], [_row(it) for it in versions])


def _json(version: Version) -> dict[str, Any]:
    return {
        "id": version.id,
        "created_at": iso(version.created_at),
        "cog_version": version.cog_version,
        "kind": _kind(version),
    }


def _row(version: Version) -> tuple[str, ...]:
    return version.id, iso(version.created_at), _kind(version), f"Cog {version.cog_version}"


def _kind(version: Version) -> str:
    return "bundle" if version.is_bundle else "image"
