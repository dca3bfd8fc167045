"""Queries on the environment variables of models; values come and go sealed."""

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, delete, func, insert, select

from coghub.database.schema import model_variables


def of_model(connection: Connection, model_id: int) -> Sequence[RowMapping]:
    """Return name, is_secret and sealed value of each variable, by name."""
    query = (
        select(model_variables.c.name, model_variables.c.is_secret, model_variables.c.value)
        .where(model_variables.c.model_id == model_id)
        .order_by(model_variables.c.name)
    )
    return connection.execute(query).mappings().all()


def put(
    connection: Connection, model_id: int, name: str, *, sealed: bytes, is_secret: bool
) -> None:
    """Set a variable, in place of one of that name."""
    remove(connection, model_id, name)
    values = {"model_id": model_id, "name": name, "is_secret": is_secret, "value": sealed}
    connection.execute(insert(model_variables).values(values))


def remove(connection: Connection, model_id: int, name: str) -> bool:
    """Remove a variable and tell whether it was there."""
    change = delete(model_variables).where(
        model_variables.c.model_id == model_id, model_variables.c.name == name
    )
    return connection.execute(change).rowcount > 0


def count(connection: Connection, model_id: int) -> int:
    """Return how many variables a model has."""
    query = select(func.count()).where(model_variables.c.model_id == model_id)
    return connection.execute(query).scalar_one()
