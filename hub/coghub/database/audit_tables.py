"""The tables of who did what, and how much was run."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table

from coghub.database.columns import Json, Moment
from coghub.database.metadata import metadata

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("created_at", Moment, nullable=False),
    Column("account_id", Integer),
    Column("actor", String(64), nullable=False),
    Column("via", String(16), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("details", Json, nullable=False),
    Index("ix_audit_entries_created_at", "created_at", "id"),
    sqlite_autoincrement=True,
)
"""Changes that accounts and operators made; no row is ever changed, or goes with what it names."""

usage_days = Table(
    "usage_days",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("account_id", Integer, primary_key=True, autoincrement=False),
    Column("model", String(255), primary_key=True),
    Column("hardware", String(64), primary_key=True),
    Column("predictions", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("canceled", BigInteger, nullable=False),
    Column("predict_us", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Sums over predictions that have ended, which outlive these and their models.

`day` counts from 1970-01-01 in UTC; `hardware` is empty for what ended while it waited.
`predict_us` is how long they ran, in microseconds.
"""
