"""Trainings: predictions that have a destination."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Apply it."""
    op.add_column("predictions", sa.Column("destination", sa.String(length=255), nullable=True))
    op.create_index(
        "ix_predictions_trainings",
        "predictions",
        ["account_id", "created_at", "id"],
        unique=False,
        sqlite_where=sa.text("destination IS NOT NULL"),
        postgresql_where=sa.text("destination IS NOT NULL"),
    )
