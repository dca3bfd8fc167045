"""The tables of deployments."""

from sqlalchemy import Column, ForeignKey, Integer, String, Table, UniqueConstraint

from coghub.database.columns import Moment
from coghub.database.metadata import metadata

deployments = Table(
    "deployments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("owner_id", ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(128), nullable=False),
    Column("release_number", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("owner_id", "name"),
    sqlite_autoincrement=True,
)
"""`release_number` is the current release's. An id is never used again: predictions remember it."""

deployment_releases = Table(
    "deployment_releases",
    metadata,
    Column("deployment_id", ForeignKey("deployments.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column(
        "version_key", ForeignKey("versions.key", ondelete="CASCADE"), nullable=False, index=True
    ),
    Column("hardware", String(64), nullable=False),
    Column("min_instances", Integer, nullable=False),
    Column("max_instances", Integer, nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("created_at", Moment, nullable=False),
)
"""What each deployment ran, one after the other; `created_by` is an account's name.

No version goes that a current release needs; older releases go with theirs.
"""
