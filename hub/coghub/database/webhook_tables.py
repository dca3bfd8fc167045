"""The tables of webhooks: what was to be told, and how each attempt went."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text, text

from coghub.database.columns import Moment
from coghub.database.metadata import metadata

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column(
        "prediction_id",
        ForeignKey("predictions.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("event", String(16), nullable=False),
    Column("host", String(255), nullable=False),
    Column("url", Text, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("status_code", Integer),
    Column("error", Text),
    Column("created_at", Moment, nullable=False),
    Column("next_at", Moment),
    Column("delivered_at", Moment),
    Index("ix_webhook_deliveries_of_account", "account_id", "created_at", "id"),
    Index(
        "ix_webhook_deliveries_due",
        "account_id",
        "host",
        "next_at",
        sqlite_where=text("next_at IS NOT NULL"),
        postgresql_where=text("next_at IS NOT NULL"),
    ),
)
"""`next_at` is when to try (again); NULL once it is delivered or given up.

`host` is whom `url` calls: many calls to one that is slow must not delay others.
"""

webhook_attempts = Table(
    "webhook_attempts",
    metadata,
    Column(
        "delivery_id", ForeignKey("webhook_deliveries.id", ondelete="CASCADE"), primary_key=True
    ),
    Column("number", Integer, primary_key=True),
    Column("status_code", Integer),
    Column("error", Text),
    Column("response", Text),
    Column("created_at", Moment, nullable=False),
    sqlite_with_rowid=False,
)
"""How each attempt went; `response` is the beginning of what the receiver answered."""
