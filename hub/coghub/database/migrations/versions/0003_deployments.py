"""Deployments and their releases."""

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply it."""
