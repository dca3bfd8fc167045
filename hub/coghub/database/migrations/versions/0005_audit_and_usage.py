"""The audit trail, and what was run by day."""

import sqlalchemy as sa
from alembic import op

from coghub.database.columns import Json, Moment

revision = "0005"
down_revision = "0004"

DAY_US = 24 * 3600 * 1_000_000
ENDED = """
    INSERT INTO usage_days
        (day, account_id, model, hardware, predictions, failed, canceled, predict_us)
    SELECT predictions.completed_at / :day_us, predictions.account_id,
        accounts.name || '/' || models.name, '', COUNT(*),
        SUM(CASE WHEN predictions.status = 'failed' THEN 1 ELSE 0 END),
        SUM(CASE WHEN predictions.status = 'canceled' THEN 1 ELSE 0 END),
        COALESCE(SUM(predictions.completed_at - predictions.started_at), 0)
    FROM predictions
    JOIN models ON models.id = predictions.model_id
    JOIN accounts ON accounts.id = models.owner_id
    WHERE predictions.completed_at IS NOT NULL
    GROUP BY predictions.completed_at / :day_us, predictions.account_id, accounts.name, models.name
"""
"""What ended before there were sums; on which hardware, nobody wrote down."""


def upgrade() -> None:
    """Apply it."""
    op.add_column("predictions", sa.Column("hardware", sa.String(length=64), nullable=True))
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("via", sa.String(length=16), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("details", Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_audit_entries_created_at", "audit_entries", ["created_at", "id"], unique=False
    )
    op.create_table(
        "usage_days",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("model", sa.String(length=255), nullable=False),
        sa.Column("hardware", sa.String(length=64), nullable=False),
        sa.Column("predictions", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("canceled", sa.BigInteger(), nullable=False),
        sa.Column("predict_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "day", "account_id", "model", "hardware", name=op.f("pk_usage_days")
        ),
        sqlite_with_rowid=False,
    )
    op.get_bind().execute(sa.text(ENDED).bindparams(day_us=DAY_US))
