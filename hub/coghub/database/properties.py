"""Queries on single values of the hub itself."""

from collections.abc import Callable

from sqlalchemy import Connection, delete, insert, select

from coghub.database.schema import properties


def find(connection: Connection, name: str) -> str | None:
    """Return a value, if it is there."""
    return connection.execute(select(properties.c.value).where(properties.c.name == name)).scalar()


def find_or_make(connection: Connection, name: str, make: Callable[[], str]) -> str:
    """Return a value; one that is not there is made, and kept for ever."""
    known = find(connection, name)
    if known is None:
        known = make()
        connection.execute(insert(properties).values(name=name, value=known))
    return known


def put(connection: Connection, name: str, value: str) -> None:
    """Keep a value in place of the one that was there."""
    connection.execute(delete(properties).where(properties.c.name == name))
    connection.execute(insert(properties).values(name=name, value=value))
