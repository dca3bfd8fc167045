"""Queries on the files of predictions."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from coghub.database.schema import prediction_files
from coghub.domain.file import PredictionFile


def add(connection: Connection, prediction_id: str | None, file: PredictionFile) -> None:
    """Add a file of a prediction."""
    connection.execute(
        insert(prediction_files).values(
            key=file.key,
            prediction_id=prediction_id,
            name=file.name,
            content_type=file.content_type,
            size_bytes=file.size_bytes,
            etag=file.etag,
            created_at=file.created_at,
        )
    )


def give_to(connection: Connection, prediction_id: str, keys: Sequence[str]) -> None:
    """Let files belong to a prediction that is being made."""
    change = update(prediction_files).where(prediction_files.c.key.in_(keys))
    connection.execute(change.values(prediction_id=prediction_id))


def delete_all(connection: Connection, keys: Sequence[str]) -> None:
    """Remove the rows of files."""
    connection.execute(delete(prediction_files).where(prediction_files.c.key.in_(keys)))


def keys_of(connection: Connection, prediction_ids: Sequence[str]) -> Sequence[str]:
    """Return the keys of the files of some predictions."""
    query = select(prediction_files.c.key).where(
        prediction_files.c.prediction_id.in_(prediction_ids)
    )
    return connection.execute(query).scalars().all()


def unowned(connection: Connection, before: datetime, *, limit: int) -> Sequence[str]:
    """Return keys of files that were made before a moment for a prediction that never was."""
    query = select(prediction_files.c.key).where(
        prediction_files.c.prediction_id.is_(None), prediction_files.c.created_at < before
    )
    return connection.execute(query.limit(limit)).scalars().all()


def by_key(connection: Connection, key: str) -> PredictionFile | None:
    """Return a file."""
    table = prediction_files.c
    query = select(
        table.key, table.name, table.content_type, table.size_bytes, table.etag, table.created_at
    ).where(table.key == key)
    row = connection.execute(query).first()
    return None if row is None else PredictionFile(*row)
