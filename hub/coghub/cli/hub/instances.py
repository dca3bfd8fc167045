"""`coghub instances`: which models run, and how far those are that start."""

from dataclasses import replace
from typing import Any

import click

from coghub.cli.hub.invocation import HubInvocation, hub_command
from coghub.database import instances as rows
from coghub.domain.clock import iso
from coghub.domain.instance import InstanceRecord, Stage
from coghub.opening import is_served

MOST = 1000
"""Instances that are shown: those that run come first."""
SHORT_VERSION = 12
"""Characters of a version's id that tell it from a model's others."""
ENDED = frozenset({Stage.STOPPED, Stage.FAILED})


@click.command("instances")
@click.option("--all", "is_all", is_flag=True, help="Also those that have stopped.")
@hub_command
def command(invocation: HubInvocation, *, is_all: bool) -> None:
    """List the running copies of models; `coghub logs ID` has what one printed at its start."""
    found = invocation.run(lambda hub: hub.database.read(lambda c: rows.every(c, limit=MOST)))
    if not is_served(invocation.settings().data):
        found = [_ended(it) for it in found]  # a hub that was killed has not written it down
    shown = [it for it in found if is_all or it.stage not in ENDED]
    invocation.show([_json(it) for it in shown], [_row(it) for it in shown])


def _ended(instance: InstanceRecord) -> InstanceRecord:
    return instance if instance.stage in ENDED else replace(instance, stage=Stage.STOPPED)


def _json(instance: InstanceRecord) -> dict[str, Any]:
    return {
        "id": instance.id,
        "model": instance.model,
        "version": instance.version_id,
        "stage": instance.stage.value,
        "hardware": instance.hardware,
        "executor": instance.executor,
        "created_at": iso(instance.created_at),
        "ready_at": iso(instance.ready_at) if instance.ready_at else None,
        "stopped_at": iso(instance.stopped_at) if instance.stopped_at else None,
        "error": instance.error,
    }


def _row(instance: InstanceRecord) -> tuple[str, ...]:
    version = f"{instance.model}:{instance.version_id[:SHORT_VERSION]}"
    reason = (instance.error or "").partition("\n")[0]
    return (
        instance.id,
        instance.stage.value,
        instance.hardware,
        iso(instance.created_at),
        version,
        reason,
    )
