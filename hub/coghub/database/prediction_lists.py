"""Queries that list predictions."""

from sqlalchemy import Connection, RowMapping, select

from coghub.database.paging import page_of
from coghub.database.predictions import SHOWN, Filter
from coghub.database.schema import predictions
from coghub.domain.page import Cursor, Page


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
        query = query.where(predictions.c.source == wanted.source)
    return page_of(connection, query, (made, predictions.c.id), cursor, limit=limit)
