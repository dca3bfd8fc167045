"""Queries on where the objects are that the rows speak of: one place for all hubs on the rows."""

from sqlalchemy import Connection, delete, insert, select

from coghub.database.schema import properties
from coghub.domain.ids import new_id

ID = "storage-id"
"""What the mark in the place says; it goes along when the objects are moved."""
PLACE = "storage-place"
"""How the place is called by the hub that marked it."""


def place_id(connection: Connection) -> str:
    """Return the id of the place, which is made once."""
    known = _value(connection, ID)
    if known is None:
        known = new_id()
        connection.execute(insert(properties).values(name=ID, value=known))
    return known


def marked_place(connection: Connection) -> str | None:
    """Return how the place is called once it is marked."""
    return _value(connection, PLACE)


def note_marked(connection: Connection, place: str) -> None:
    """Say that the place is marked, and how it is called now."""
    connection.execute(delete(properties).where(properties.c.name == PLACE))
    connection.execute(insert(properties).values(name=PLACE, value=place))


def _value(connection: Connection, name: str) -> str | None:
    return connection.execute(select(properties.c.value).where(properties.c.name == name)).scalar()
