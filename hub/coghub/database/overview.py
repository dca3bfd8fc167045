"""Queries that count what there is, for those who look after a hub."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, func, select

from coghub.database.columns import MICROSECOND
from coghub.database.schema import (
    accounts,
    blobs,
    files,
    instances,
    models,
    prediction_files,
    predictions,
    versions,
)
from coghub.domain.prediction import Status

RUNNING = predictions.c.completed_at.is_(None)


def open_by_version(connection: Connection) -> Sequence[RowMapping]:
    """Return how many predictions wait and run, by version and deployment, the longest first."""
    waiting = func.count().filter(predictions.c.status == Status.STARTING)
    query = (
        select(
            accounts.c.name.label("owner"),
            models.c.name.label("model"),
            versions.c.id.label("version_id"),
            predictions.c.deployment_id,
            waiting.label("waiting"),
            (func.count() - waiting).label("running"),
            func.min(predictions.c.created_at).label("oldest"),
        )
        .select_from(predictions)
        .join(versions, versions.c.key == predictions.c.version_key)
        .join(models, models.c.id == versions.c.model_id)
        .join(accounts, accounts.c.id == models.c.owner_id)
        .where(RUNNING)
        .group_by(versions.c.key, accounts.c.name, models.c.name, versions.c.id)
        .group_by(predictions.c.deployment_id)
        .order_by(waiting.desc())
    )
    return connection.execute(query).mappings().all()


def usage_by_model(
    connection: Connection, since: datetime, *, account_id: int | None
) -> Sequence[RowMapping]:
    """Return predictions and how long they ran since a moment, by model; of one account or all."""
    owners = accounts.alias("owners")
    query = (
        _usage(since, account_id)
        .add_columns((owners.c.name + "/" + models.c.name).label("name"))
        .join(models, models.c.id == predictions.c.model_id)
        .join(owners, owners.c.id == models.c.owner_id)
        .group_by(models.c.id, owners.c.name, models.c.name)
    )
    return connection.execute(query).mappings().all()


def usage_by_account(connection: Connection, since: datetime) -> Sequence[RowMapping]:
    """Return predictions and how long they ran since a moment, by account."""
    query = (
        _usage(since, None)
        .add_columns(accounts.c.name)
        .join(accounts, accounts.c.id == predictions.c.account_id)
        .group_by(accounts.c.id, accounts.c.name)
    )
    return connection.execute(query).mappings().all()


def _usage(since: datetime, account_id: int | None) -> Select[*tuple[Any, ...]]:
    took = func.sum(predictions.c.completed_at - predictions.c.started_at)
    count = func.count()
    query = (
        select(
            count.label("predictions"),
            func.count().filter(predictions.c.status == Status.FAILED).label("failed"),
            func.coalesce(took, 0).label("took"),
        )
        .select_from(predictions)
        .where(predictions.c.created_at >= since)
        .order_by(count.desc())
        .limit(MAX_ROWS)
    )
    return query if account_id is None else query.where(predictions.c.account_id == account_id)


MAX_ROWS = 50
SECOND = timedelta(seconds=1) // MICROSECOND
"""In what differences of moments are, such as `took`."""


def sizes(connection: Connection) -> dict[str, tuple[int, int]]:
    """Return how many there are of what takes space, and how many bytes that is."""
    tables = {
        "Layers and manifests of models": blobs,
        "Files of predictions": prediction_files,
        "Uploaded files": files,
    }
    found = dict[str, tuple[int, int]]()
    for name, table in tables.items():
        query = select(func.count(), func.coalesce(func.sum(table.c.size_bytes), 0))
        number, size_bytes = connection.execute(query.select_from(table)).one()
        found[name] = (number, size_bytes)
    return found


def counts(connection: Connection) -> dict[str, int]:
    """Return how many rows there are of what people count."""
    tables = {"Accounts": accounts, "Models": models, "Versions": versions}
    found = {
        name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for name, table in tables.items()
    }
    running = select(func.count()).select_from(instances).where(instances.c.stopped_at.is_(None))
    return {**found, "Instances": connection.execute(running).scalar_one()}
