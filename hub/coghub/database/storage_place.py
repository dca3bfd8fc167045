"""Queries on where the objects are that the rows speak of: one place for all hubs on the rows."""

from sqlalchemy import Connection

from coghub.database import properties
from coghub.domain.ids import new_id

ID = "storage-id"
"""What the mark in the place says; it goes along when the objects are moved."""
PLACE = "storage-place"
"""How the place is called by the hub that marked it."""


def place_id(connection: Connection) -> str:
    """Return the id of the place, which is made once."""
    return properties.find_or_make(connection, ID, new_id)


def marked_place(connection: Connection) -> str | None:
    """Return how the place is called once it is marked."""
    return properties.find(connection, PLACE)


def note_marked(connection: Connection, place: str) -> None:
    """Say that the place is marked, and how it is called now."""
    properties.put(connection, PLACE, place)
