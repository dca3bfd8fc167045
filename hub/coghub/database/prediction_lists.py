"""Queries that list predictions."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, RowMapping, TextClause, select, text

from coghub.database.paging import page_of
from coghub.database.predictions import SHOWN, Filter
from coghub.database.schema import predictions
from coghub.domain.page import Cursor, Page
from coghub.domain.prediction import Source

MADE_BY: Mapping[Source, TextClause] = {it: text(f"source = '{it.value}'") for it in Source}
"""Word for word as in the condition of an index: the few of the web are found among a million."""
TRAININGS = text("destination IS NOT NULL")
"""Word for word the same."""
NO_TRAININGS = predictions.c.destination.is_(None)


def of_account(
    connection: Connection, account_id: int, wanted: Filter, cursor: Cursor | None, *, limit: int
) -> Page[RowMapping]:
    """Return a page of an account's predictions, the newest first."""
    made = predictions.c.created_at
    query = select(*SHOWN).where(predictions.c.account_id == account_id)
    if wanted.created_after is not None:
        query = query.where(made >= wanted.created_after)
    if wanted.created_before is not None:
        query = query.where(made < wanted.created_before)
    if wanted.source is not None:
        query = query.where(MADE_BY[wanted.source])
    if wanted.model_id is not None:
        query = query.where(predictions.c.model_id == wanted.model_id)
    if wanted.deployment_id is not None:
        query = query.where(predictions.c.deployment_id == wanted.deployment_id)
    query = query.where(TRAININGS if wanted.is_training else NO_TRAININGS)
    if wanted.status is not None:
        query = query.where(predictions.c.status == wanted.status)
    order = (made, predictions.c.id)
    return page_of(connection, query, order, cursor, limit=limit, size_of=_size_of)


def _size_of(row: RowMapping) -> int:
    return len(row["logs"]) + _size(row["input"]) + _size(row["output"])


def _size(value: Any) -> int:
    """Return about how many characters a value has as JSON."""
    match value:
        case str():
            return len(value)
        case list():
            return 8 * len(value) + sum(map(_size, value))
        case dict():
            return 8 * len(value) + sum(map(_size, value.values()))
        case _:
            return 8
