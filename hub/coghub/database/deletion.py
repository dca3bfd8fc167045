"""Queries that take models and versions away, with what was made of them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, exists, select, update

from coghub.database import manifests as manifest_rows
from coghub.database.schema import (
    instances,
    models,
    prediction_files,
    predictions,
    versions,
)
from coghub.domain.model import Model, Version


def delete_model(connection: Connection, model_id: int) -> None:
    """Remove a model that has no versions."""
    connection.execute(delete(models).where(models.c.id == model_id))


def has_versions(connection: Connection, model_id: int) -> bool:
    """Tell whether a model has versions, those that are being removed included."""
    return connection.execute(select(exists().where(versions.c.model_id == model_id))).scalar_one()


def was_run_by_others(connection: Connection, version_key: int, account_id: int) -> bool:
    """Tell whether another account made a prediction with a version."""
    others = exists().where(
        predictions.c.version_key == version_key, predictions.c.account_id != account_id
    )
    return connection.execute(select(others)).scalar_one()


def has_open_predictions(connection: Connection, version_key: int) -> bool:
    """Tell whether predictions of a version have not ended."""
    under_way = exists().where(
        predictions.c.version_key == version_key, predictions.c.completed_at.is_(None)
    )
    return connection.execute(select(under_way)).scalar_one()


def mark_deleted(connection: Connection, model: Model, version: Version, now: datetime) -> None:
    """Let a version exist no more for users, and the registry forget its image."""
    connection.execute(update(versions).where(versions.c.key == version.key).values(deleted_at=now))
    newest = (
        select(versions.c.key, versions.c.id, versions.c.created_at)
        .where(versions.c.model_id == model.id, versions.c.deleted_at.is_(None))
        .order_by(versions.c.created_at.desc(), versions.c.key.desc())
    )
    row = connection.execute(newest).first()
    if model.latest_version is not None and model.latest_version.key == version.key:
        latest = (None, None) if row is None else (row.key, row.created_at)
        values = dict(zip(("latest_version_key", "latest_version_at"), latest, strict=True))
        connection.execute(update(models).where(models.c.id == model.id).values(values))
    digest = f"sha256:{version.id}"
    tagged = manifest_rows.by_tag(connection, model.full_name, manifest_rows.LATEST)
    manifest_rows.remove(connection, model.full_name, digest)
    if row is not None and tagged is not None and tagged["digest"] == digest:
        follower = f"sha256:{row.id}"
        manifest_rows.tag(connection, model.full_name, manifest_rows.LATEST, follower, now)


def deleted_versions(connection: Connection) -> Sequence[int]:
    """Return the keys of deleted versions of which no instance runs."""
    runs = exists().where(
        instances.c.version_key == versions.c.key, instances.c.stopped_at.is_(None)
    )
    query = select(versions.c.key).where(versions.c.deleted_at.is_not(None), ~runs)
    return connection.execute(query).scalars().all()


def some_predictions(
    connection: Connection, version_key: int, *, limit: int
) -> tuple[Sequence[str], Sequence[str]]:
    """Return the ids of some predictions of a version, and the keys of their files."""
    of_version = select(predictions.c.id).where(predictions.c.version_key == version_key)
    ids = connection.execute(of_version.limit(limit)).scalars().all()
    of_them = prediction_files.c.prediction_id.in_(ids)
    keys = connection.execute(select(prediction_files.c.key).where(of_them)).scalars().all()
    return ids, keys


def delete_predictions(connection: Connection, ids: Sequence[str]) -> None:
    """Remove predictions and the rows of their files."""
    connection.execute(delete(prediction_files).where(prediction_files.c.prediction_id.in_(ids)))
    connection.execute(delete(predictions).where(predictions.c.id.in_(ids)))


def forget_version(connection: Connection, version_key: int) -> None:
    """Remove a version's row, unless it was pushed again meanwhile."""
    connection.execute(
        delete(versions).where(versions.c.key == version_key, versions.c.deleted_at.is_not(None))
    )
