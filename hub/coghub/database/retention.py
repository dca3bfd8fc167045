"""Queries that remove what predictions were given and made, once it was kept long enough."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select, text, update

from coghub.database.schema import examples, prediction_events, prediction_files, predictions
from coghub.domain.prediction import Source

HAS_DATA = text("NOT is_data_removed")
"""Word for word as in the condition of the index: SQLite uses the index for nothing else."""


def outdated(connection: Connection, before: datetime, *, limit: int) -> Sequence[str]:
    """Return ids of predictions of the API that ended before a moment and still have data.

    Those that a model shows as examples are kept.
    """
    query = select(predictions.c.id).where(
        predictions.c.completed_at.is_not(None),
        HAS_DATA,
        predictions.c.completed_at < before,
        predictions.c.source == Source.API,
        predictions.c.id.not_in(select(examples.c.prediction_id)),
    )
    return connection.execute(query.limit(limit)).scalars().all()


def remove(connection: Connection, prediction_ids: Sequence[str]) -> None:
    """Remove input, output, logs and the rows of files; what is left says how it ended."""
    for table in (prediction_events, prediction_files, examples):
        connection.execute(delete(table).where(table.c.prediction_id.in_(prediction_ids)))
    change = update(predictions).where(predictions.c.id.in_(prediction_ids))
    emptied = {"input": dict[str, str](), "output": None, "logs": "", "is_data_removed": True}
    connection.execute(change.values(emptied))


def unused_uploads(connection: Connection, account_id: int, uploads: Sequence[str]) -> list[str]:
    """Return those of some uploaded files that no input of the account's pages names any more."""
    left = set(uploads)
    query = select(predictions.c.input).where(
        predictions.c.account_id == account_id,
        predictions.c.source == Source.WEB,
        predictions.c.is_data_removed.is_(False),
    )
    for given in connection.execute(query).scalars():
        if not left:
            break
        text = str(given)
        left = {it for it in left if it not in text}
    return sorted(left)
