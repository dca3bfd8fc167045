"""Queries on instances: what operators see of them, also when they are gone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, func, insert, select, update

from coghub.database.schema import accounts, hubs, instances, manifests, models, versions
from coghub.domain.instance import InstanceRecord, Stage
from coghub.domain.signals import Line, deployment_of, is_training

MAX_LOG_CHARACTERS = 256 * 1024
"""Of an instance's transcript; the end of it, where the reason of a failure is."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """An instance that is to start, as other hubs need to know it."""

    record: InstanceRecord
    hub_id: int
    line: Line
    slots: int
    known: int
    """How many instances of the same line its hub knows of at other hubs."""


def add(connection: Connection, beginning: Beginning) -> bool:
    """Add an instance that is to start; False if another hub was faster to start one for it.

    One that is there already was added by an earlier try whose answer did not come: nobody else
    makes its id.
    """
    record, line = beginning.record, beginning.line
    columns = instances.c
    if connection.execute(select(columns.id).where(columns.id == record.id)).first() is not None:
        return True
    deployment_id = deployment_of(line)
    others_ids = select(hubs.c.id).where(hubs.c.id != beginning.hub_id, ~hubs.c.is_leaving)
    others = select(func.count()).where(
        columns.version_key == record.version_key,
        columns.stopped_at.is_(None),
        columns.hub_id.in_(others_ids),
        columns.is_training == is_training(line),
        columns.deployment_id.is_not_distinct_from(deployment_id),
    )
    if connection.execute(others).scalar_one() > beginning.known:
        return False
    connection.execute(
        insert(instances).values(
            id=record.id,
            version_key=record.version_key,
            hardware=record.hardware,
            executor=record.executor,
            hub_id=beginning.hub_id,
            deployment_id=deployment_id,
            is_training=is_training(line),
            slots=beginning.slots,
            stage=record.stage,
            created_at=record.created_at,
        )
    )
    return True


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an instance is."""

    stage: Stage
    slots: int
    error: str | None
    logs: str


def keep(connection: Connection, instance_id: str, progress: Progress, now: datetime) -> None:
    """Write down how far an instance is."""
    values: dict[str, Any] = {
        "stage": progress.stage,
        "slots": progress.slots,
        "error": progress.error,
        "logs": progress.logs[-MAX_LOG_CHARACTERS:],
    }
    if progress.stage is Stage.READY:
        values["ready_at"] = now
    if progress.stage in {Stage.STOPPED, Stage.FAILED}:
        values["stopped_at"] = now
    connection.execute(update(instances).where(instances.c.id == instance_id).values(values))


def end(connection: Connection, instance_id: str, error: str, now: datetime) -> None:
    """Write down that an instance has failed, if nothing says yet that it has ended."""
    connection.execute(
        update(instances)
        .where(instances.c.id == instance_id, instances.c.stopped_at.is_(None))
        .values(stage=Stage.FAILED, error=error, stopped_at=now)
    )


def manifest_of(connection: Connection, repository: str, version_id: str) -> bytes | None:
    """Return the manifest that a version was made from."""
    query = select(manifests.c.content).where(
        manifests.c.repository == repository, manifests.c.digest == f"sha256:{version_id}"
    )
    return connection.execute(query).scalar()


def wanted_hardware(connection: Connection, model_id: int) -> str | None:
    """Return the sku that a model's owner chose."""
    return connection.execute(select(models.c.hardware).where(models.c.id == model_id)).scalar()


def every(connection: Connection, *, limit: int) -> Sequence[InstanceRecord]:
    """Return the newest instances, those that run first."""
    query = (
        _select()
        .order_by(instances.c.stopped_at.isnot(None), instances.c.created_at.desc())
        .limit(limit)
    )
    return [_record(row) for row in connection.execute(query).mappings()]


def by_id(connection: Connection, instance_id: str) -> InstanceRecord | None:
    """Return an instance."""
    query = _select().where(instances.c.id == instance_id)
    row = connection.execute(query).mappings().first()
    return None if row is None else _record(row)


def _select() -> Select[*tuple[Any, ...]]:
    return (
        select(
            instances,
            versions.c.id.label("version_id"),
            accounts.c.name.label("owner"),
            models.c.name.label("model_name"),
        )
        .join(versions, versions.c.key == instances.c.version_key)
        .join(models, models.c.id == versions.c.model_id)
        .join(accounts, accounts.c.id == models.c.owner_id)
    )


def _record(row: RowMapping) -> InstanceRecord:
    return InstanceRecord(
        id=row["id"],
        version_key=row["version_key"],
        version_id=row["version_id"],
        model=f"{row['owner']}/{row['model_name']}",
        hardware=row["hardware"],
        executor=row["executor"],
        stage=Stage(row["stage"]),
        created_at=row["created_at"],
        ready_at=row["ready_at"],
        stopped_at=row["stopped_at"],
        error=row["error"],
        logs=row["logs"],
    )
