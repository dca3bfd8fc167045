"""The table of the hubs that work with the rows."""

from sqlalchemy import Boolean, Column, Integer, String, Table, Text

from coghub.database.columns import Json, Moment
from coghub.database.metadata import metadata

hubs = Table(
    "hubs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("place", Text, nullable=False),
    Column("executor", String(16), nullable=False),
    Column("storage", Text, nullable=False),
    Column("hardware", Json, nullable=False),
    Column("beat", Integer, nullable=False),
    Column("is_leaving", Boolean, nullable=False),
    Column("started_at", Moment, nullable=False),
    sqlite_autoincrement=True,
)
"""Each running hub has a row; what rows of other tables say of a hub without one is left behind.

`beat` grows every few seconds. An id is never used again: predictions and instances remember it.
"""
