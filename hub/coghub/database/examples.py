"""Queries on the examples of models."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from coghub.database.schema import examples, predictions


def add(connection: Connection, prediction_id: str, now: datetime) -> bool:
    """Make a prediction an example of its model, once; False if its data is gone already."""
    query = select(predictions.c.model_id, predictions.c.is_data_removed)
    row = connection.execute(query.where(predictions.c.id == prediction_id)).first()
    if row is None or row.is_data_removed:
        return False
    if not is_one(connection, prediction_id):
        values = {"prediction_id": prediction_id, "model_id": row.model_id, "created_at": now}
        connection.execute(insert(examples).values(values))
    return True


def remove(connection: Connection, prediction_id: str) -> None:
    """Make it none."""
    connection.execute(delete(examples).where(examples.c.prediction_id == prediction_id))


def is_one(connection: Connection, prediction_id: str) -> bool:
    """Tell whether a prediction is an example."""
    query = select(examples.c.model_id).where(examples.c.prediction_id == prediction_id)
    return connection.execute(query).first() is not None


def of_model(connection: Connection, model_id: int, *, limit: int) -> Sequence[str]:
    """Return the ids of a model's examples, the newest first."""
    query = (
        select(examples.c.prediction_id)
        .where(examples.c.model_id == model_id)
        .order_by(examples.c.created_at.desc(), examples.c.prediction_id)
        .limit(limit)
    )
    return connection.execute(query).scalars().all()
