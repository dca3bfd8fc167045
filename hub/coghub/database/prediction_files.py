"""Queries on the files of predictions."""

from sqlalchemy import Connection, insert, select

from coghub.database.schema import prediction_files
from coghub.domain.file import PredictionFile


def add(connection: Connection, prediction_id: str, file: PredictionFile) -> None:
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


def by_key(connection: Connection, key: str) -> PredictionFile | None:
    """Return a file."""
    table = prediction_files.c
    query = select(
        table.key, table.name, table.content_type, table.size_bytes, table.etag, table.created_at
    ).where(table.key == key)
    row = connection.execute(query).first()
    return None if row is None else PredictionFile(*row)
