"""Queries that name the deployments of predictions and instances, as far as somebody sees them."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, Select, select

from coghub.database.schema import accounts, deployments, predictions
from coghub.domain.account import Account

FULL_NAME = (accounts.c.name + "/" + deployments.c.name).label("full_name")


def of_predictions(
    connection: Connection, viewer: Account, prediction_ids: Collection[str]
) -> Mapping[str, str]:
    """Return `owner/name` by prediction, of the deployments that are still there."""
    query = (
        select(predictions.c.id, FULL_NAME)
        .join_from(predictions, deployments, deployments.c.id == predictions.c.deployment_id)
        .join(accounts, accounts.c.id == deployments.c.owner_id)
        .where(predictions.c.id.in_(prediction_ids))
    )
    return _pairs(connection, viewer, query)


def of_ids(
    connection: Connection, viewer: Account, deployment_ids: Collection[int]
) -> Mapping[int, str]:
    """Return `owner/name` by a deployment's id."""
    query = (
        select(deployments.c.id, FULL_NAME)
        .join(accounts, accounts.c.id == deployments.c.owner_id)
        .where(deployments.c.id.in_(deployment_ids))
    )
    return _pairs(connection, viewer, query)


def _pairs(
    connection: Connection, viewer: Account, query: Select[*tuple[Any, ...]]
) -> dict[Any, str]:
    if not viewer.is_admin:
        query = query.where(deployments.c.owner_id == viewer.id)
    return {row[0]: row[1] for row in connection.execute(query)}
