"""Queries on the hubs that share the rows, and on what is left of those that are gone."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, delete, func, insert, or_, select, update

from coghub.database import properties
from coghub.database.predictions import WAITING, waiting_of
from coghub.database.schema import hubs, instances, predictions
from coghub.domain.hardware import Hardware
from coghub.domain.instance import Stage
from coghub.domain.peers import Peer, PeerInstance
from coghub.domain.prediction import Status
from coghub.domain.signals import Waiting, line_of

KEY_MARK = "key-mark"
"""The property that tells by which key secrets in the rows are encrypted."""


def add(connection: Connection, peer: Peer) -> int:
    """Add a hub that starts and return its id; its `id` and `beat` are not looked at."""
    values = {
        "place": peer.place,
        "executor": peer.executor,
        "storage": peer.storage,
        "hardware": peer.hardware,
        "beat": 0,
        "is_leaving": peer.is_leaving,
        "started_at": peer.started_at,
    }
    return connection.execute(insert(hubs).values(values).returning(hubs.c.id)).scalar_one()


def every(connection: Connection) -> Sequence[Peer]:
    """Return all hubs, the first one first; some may be gone without having said so."""
    return [_peer(row) for row in connection.execute(select(hubs).order_by(hubs.c.id)).mappings()]


def _peer(row: RowMapping) -> Peer:
    return Peer(
        id=row["id"],
        place=row["place"],
        executor=row["executor"],
        storage=row["storage"],
        hardware=msgspec.convert(row["hardware"], tuple[Hardware, ...]),
        beat=row["beat"],
        is_leaving=row["is_leaving"],
        started_at=row["started_at"],
    )


def beat(connection: Connection, hub_id: int, *, is_leaving: bool = False) -> bool:
    """Say that a hub lives, and whether it takes nothing more; False if others struck it off."""
    values = {"beat": hubs.c.beat + 1, "is_leaving": is_leaving}
    return connection.execute(update(hubs).where(hubs.c.id == hub_id).values(values)).rowcount > 0


def remove(connection: Connection, peer: Peer) -> bool:
    """Strike off a hub whose beat is still as it was seen; False if it lives."""
    gone = delete(hubs).where(hubs.c.id == peer.id, hubs.c.beat == peer.beat)
    return connection.execute(gone).rowcount > 0


def remove_id(connection: Connection, hub_id: int) -> None:
    """Strike off a hub that has ended."""
    connection.execute(delete(hubs).where(hubs.c.id == hub_id))


def remove_but(connection: Connection, hub_id: int, *, place: str | None) -> None:
    """Strike off hubs that cannot live beside one: those of its place, or with None all others."""
    change = delete(hubs).where(hubs.c.id != hub_id)
    connection.execute(change if place is None else change.where(hubs.c.place == place))


def key_mark(connection: Connection, mark: str) -> str:
    """Return the mark of the key by which secrets are encrypted; the first one is kept."""
    return properties.find_or_make(connection, KEY_MARK, lambda: mark)


# --- what others have, and what is left ---


def instances_of(connection: Connection, hub_ids: Collection[int]) -> Sequence[PeerInstance]:
    """Return the instances of some hubs that are ready, or on their way."""
    columns = instances.c
    query = select(
        columns.id,
        columns.hub_id,
        columns.version_key,
        columns.deployment_id,
        columns.is_training,
        columns.hardware,
        columns.stage,
        columns.slots,
        columns.created_at,
    ).where(columns.stopped_at.is_(None), columns.hub_id.in_(hub_ids))
    return [_instance(row) for row in connection.execute(query).mappings()]


def _instance(row: RowMapping) -> PeerInstance:
    return PeerInstance(
        id=row["id"],
        hub_id=row["hub_id"],
        line=line_of(
            row["version_key"],
            is_training=row["is_training"],
            deployment_id=row["deployment_id"],
        ),
        hardware=row["hardware"],
        stage=Stage(row["stage"]),
        slots=row["slots"],
        created_at=row["created_at"],
    )


def running(connection: Connection, hub_ids: Collection[int]) -> dict[int, int]:
    """Return how many predictions of each account run on some hubs."""
    columns = predictions.c
    query = (
        select(columns.account_id, func.count())
        .where(columns.completed_at.is_(None), columns.hub_id.in_(hub_ids))
        .group_by(columns.account_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def left_behind(connection: Connection) -> Sequence[Waiting]:
    """Return the predictions that a hub ran which is gone."""
    columns = predictions.c
    was_run = or_(
        columns.hub_id.not_in(select(hubs.c.id)),
        columns.hub_id.is_(None) & (columns.status == Status.PROCESSING),  # by an older version
    )
    return _waiting(connection, columns.completed_at.is_(None), was_run)


def run_by(connection: Connection, hub_id: int) -> Sequence[Waiting]:
    """Return the predictions that were given to instances of a hub."""
    columns = predictions.c
    return _waiting(connection, columns.completed_at.is_(None), columns.hub_id == hub_id)


def waiting(connection: Connection, among: Collection[str] | None = None) -> Sequence[Waiting]:
    """Return the predictions that wait for an instance, the oldest first."""
    columns = predictions.c
    which = [] if among is None else [columns.id.in_(among)]
    return _waiting(
        connection,
        columns.completed_at.is_(None),
        columns.hub_id.is_(None),
        columns.status == Status.STARTING,
        *which,
    )


def _waiting(connection: Connection, *which: Any) -> Sequence[Waiting]:
    columns = predictions.c
    query = select(*WAITING).where(*which).order_by(columns.created_at, columns.id)
    return [waiting_of(row) for row in connection.execute(query).mappings()]


_LEFT_INSTANCES = (
    instances.c.stopped_at.is_(None),
    or_(instances.c.hub_id.is_(None), instances.c.hub_id.not_in(select(hubs.c.id))),
)


def has_left_instances(connection: Connection) -> bool:
    """Tell whether there are instances of hubs that are gone."""
    return connection.execute(select(instances.c.id).where(*_LEFT_INSTANCES)).first() is not None


def end_instances(connection: Connection, now: datetime) -> int:
    """Mark the instances of hubs that are gone as stopped, and return how many there were."""
    change = (
        update(instances)
        .where(*_LEFT_INSTANCES)
        .values(stage=Stage.STOPPED, stopped_at=now, error="The hub was stopped")
    )
    return connection.execute(change).rowcount
