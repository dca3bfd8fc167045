"""Several hubs: who runs a prediction or an instance, and what others need to know of it."""

import sqlalchemy as sa
from alembic import op

from coghub.database.columns import Json, Moment

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Apply it."""
    op.create_table(
        "hubs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("executor", sa.String(length=16), nullable=False),
        sa.Column("storage", sa.Text(), nullable=False),
        sa.Column("hardware", Json(), nullable=False),
        sa.Column("beat", sa.Integer(), nullable=False),
        sa.Column("is_leaving", sa.Boolean(), nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hubs")),
        sqlite_autoincrement=True,
    )
    op.add_column("predictions", sa.Column("hub_id", sa.Integer(), nullable=True))
    op.add_column("instances", sa.Column("hub_id", sa.Integer(), nullable=True))
    op.add_column("instances", sa.Column("deployment_id", sa.Integer(), nullable=True))
    op.add_column(
        "instances",
        sa.Column("is_training", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("instances", sa.Column("slots", sa.Integer(), nullable=False, server_default="1"))
    op.create_index(
        "ix_instances_occupied",
        "instances",
        ["hub_id"],
        unique=False,
        sqlite_where=sa.text("stopped_at IS NULL"),
        postgresql_where=sa.text("stopped_at IS NULL"),
    )
