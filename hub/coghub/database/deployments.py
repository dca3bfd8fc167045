"""Queries on deployments and their releases."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    RowMapping,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from coghub.database.paging import mapped, page_of
from coghub.database.schema import (
    accounts,
    deployment_releases,
    deployments,
    model_shares,
    models,
    predictions,
    versions,
)
from coghub.domain.deployment import Configuration, Deployment, Release
from coghub.domain.model import Visibility
from coghub.domain.page import Cursor, Page

releases = deployment_releases
model_owners = accounts.alias("model_owners")

RELEASE_COLUMNS = (
    releases.c.number,
    releases.c.version_key,
    releases.c.hardware,
    releases.c.min_instances,
    releases.c.max_instances,
    releases.c.created_by,
    releases.c.created_at.label("released_at"),
    versions.c.id.label("version_id"),
    models.c.name.label("model_name"),
    model_owners.c.name.label("model_owner"),
)


def _query() -> Select[*tuple[Any, ...]]:
    """Return the select of deployments with their current releases."""
    is_current = and_(
        releases.c.deployment_id == deployments.c.id,
        releases.c.number == deployments.c.release_number,
    )
    return (
        select(
            deployments.c.id,
            deployments.c.owner_id,
            accounts.c.name.label("owner"),
            deployments.c.name,
            deployments.c.created_at,
            *RELEASE_COLUMNS,
        )
        .join(accounts, accounts.c.id == deployments.c.owner_id)
        .join(releases, is_current)
        .join(versions, versions.c.key == releases.c.version_key)
        .join(models, models.c.id == versions.c.model_id)
        .join(model_owners, model_owners.c.id == models.c.owner_id)
    )


def _deployment(row: RowMapping) -> Deployment:
    return Deployment(
        id=row["id"],
        owner_id=row["owner_id"],
        owner=row["owner"],
        name=row["name"],
        created_at=row["created_at"],
        current_release=_release(row),
    )


def _release(row: RowMapping) -> Release:
    return Release(
        number=row["number"],
        model=f"{row['model_owner']}/{row['model_name']}",
        version_key=row["version_key"],
        version_id=row["version_id"],
        configuration=Configuration(row["hardware"], row["min_instances"], row["max_instances"]),
        created_at=row["released_at"],
        created_by=row["created_by"],
    )


_BY_NAME = _query().where(
    accounts.c.name == bindparam("owner"), deployments.c.name == bindparam("key")
)


def by_name(connection: Connection, owner: str, name: str) -> Deployment | None:
    """Return the deployment of that owner and name."""
    row = connection.execute(_BY_NAME, {"owner": owner, "key": name}).mappings().first()
    return None if row is None else _deployment(row)


def page_of_owner(
    connection: Connection, owner_id: int, cursor: Cursor | None, *, limit: int
) -> Page[Deployment]:
    """Return a page of an account's deployments, the newest first."""
    query = _query().where(deployments.c.owner_id == owner_id)
    order = (deployments.c.created_at, deployments.c.id)
    return mapped(page_of(connection, query, order, cursor, limit=limit), _deployment)


def of_model(connection: Connection, owner_id: int, model_id: int) -> Sequence[Deployment]:
    """Return an account's deployments that run a model, the oldest first."""
    is_of = and_(deployments.c.owner_id == owner_id, versions.c.model_id == model_id)
    rows = connection.execute(_query().where(is_of).order_by(deployments.c.id)).mappings()
    return [_deployment(row) for row in rows]


def every(connection: Connection) -> Sequence[Deployment]:
    """Return all deployments, the oldest first."""
    rows = connection.execute(_query().order_by(deployments.c.id)).mappings()
    return [_deployment(row) for row in rows]


def barred(connection: Connection) -> frozenset[int]:
    """Return the ids of those whose owners may not run the model that they name any more."""
    shared = exists().where(
        model_shares.c.model_id == models.c.id, model_shares.c.account_id == deployments.c.owner_id
    )
    may_run = or_(
        models.c.visibility == Visibility.PUBLIC,
        models.c.owner_id == deployments.c.owner_id,
        accounts.c.is_admin,
        shared,
    )
    rows = connection.execute(_query().where(~may_run)).mappings()
    return frozenset(row["id"] for row in rows)


def releases_of(connection: Connection, deployment_id: int, *, limit: int) -> Sequence[Release]:
    """Return releases of a deployment whose versions are still there, the newest first."""
    query = (
        select(*RELEASE_COLUMNS)
        .join(versions, versions.c.key == releases.c.version_key)
        .join(models, models.c.id == versions.c.model_id)
        .join(model_owners, model_owners.c.id == models.c.owner_id)
        .where(releases.c.deployment_id == deployment_id, versions.c.deleted_at.is_(None))
        .order_by(releases.c.number.desc())
        .limit(limit)
    )
    return [_release(row) for row in connection.execute(query).mappings()]


def add(connection: Connection, *, owner_id: int, name: str, now: datetime) -> int:
    """Add a deployment, and return its id; `release` gives it what it runs.

    Raises:
        sqlalchemy.exc.IntegrityError: if the owner has one of that name.
    """
    values = {"owner_id": owner_id, "name": name, "release_number": 0, "created_at": now}
    added = connection.execute(insert(deployments).values(values).returning(deployments.c.id))
    return added.scalar_one()


def release(
    connection: Connection,
    deployment_id: int,
    *,
    version_key: int,
    configuration: Configuration,
    created_by: str,
    now: datetime,
) -> bool:
    """Make a release, which is current from now on; False if the deployment is gone."""
    change = (
        update(deployments)
        .where(deployments.c.id == deployment_id)
        .values(release_number=deployments.c.release_number + 1)
        .returning(deployments.c.release_number)
    )
    number = connection.execute(change).scalar()
    if number is None:
        return False
    values = {
        "deployment_id": deployment_id,
        "number": number,
        "version_key": version_key,
        "hardware": configuration.hardware,
        "min_instances": configuration.min_instances,
        "max_instances": configuration.max_instances,
        "created_by": created_by,
        "created_at": now,
    }
    connection.execute(insert(releases).values(values))
    return True


def remove(connection: Connection, deployment_id: int) -> None:
    """Remove a deployment with its releases; its predictions stay."""
    connection.execute(delete(deployments).where(deployments.c.id == deployment_id))


def was_used_since(connection: Connection, deployment_id: int, moment: datetime) -> bool:
    """Tell whether a prediction of a deployment was made, or ended, since, or has not ended."""
    columns = predictions.c
    used = exists().where(
        columns.deployment_id == deployment_id,
        or_(
            columns.completed_at.is_(None),
            columns.completed_at > moment,
            columns.created_at > moment,
        ),
    )
    return connection.execute(select(used)).scalar_one()


def is_deployed(connection: Connection, version_key: int) -> bool:
    """Tell whether a deployment runs a version now."""
    current = exists().where(
        releases.c.version_key == version_key,
        releases.c.deployment_id == deployments.c.id,
        releases.c.number == deployments.c.release_number,
    )
    return connection.execute(select(current)).scalar_one()


def kept_instances(connection: Connection, sku: str, *, but: int) -> int:
    """Return how many instances are kept on some hardware, for all deployments but one."""
    query = (
        select(func.coalesce(func.sum(releases.c.min_instances), 0))
        .join(
            deployments,
            and_(
                deployments.c.id == releases.c.deployment_id,
                deployments.c.release_number == releases.c.number,
            ),
        )
        .where(releases.c.hardware == sku, deployments.c.id != but)
    )
    return connection.execute(query).scalar_one()
