"""The tables of the registry."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary, String, Table

from coghub.database.columns import Json, Moment
from coghub.database.metadata import metadata

blobs = Table(
    "blobs",
    metadata,
    Column("digest", String(80), primary_key=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("used_at", Moment, nullable=False, index=True),
)
"""`used_at` is renewed by HEAD, mount and upload: gc leaves what was used within its grace.

One with a negative size is going since `created_at`, and is no blob any more: see `removals`.
"""

repository_blobs = Table(
    "repository_blobs",
    metadata,
    Column("repository", String(255), primary_key=True),
    Column("digest", ForeignKey("blobs.digest", ondelete="CASCADE"), primary_key=True, index=True),
)
"""Which repositories a blob may be read from: who can read one cannot thereby read all."""

manifests = Table(
    "manifests",
    metadata,
    Column("repository", String(255), primary_key=True),
    Column("digest", String(80), primary_key=True, index=True),
    Column("media_type", String(255), nullable=False),
    Column("artifact_type", String(255)),
    Column("subject", String(80)),
    Column("annotations", Json),
    Column("content", LargeBinary, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("used_at", Moment, nullable=False),
    Index("ix_manifests_referrers", "repository", "subject"),
)
"""`used_at` is renewed as a blob's is: an index may name a manifest that was there before."""

manifest_blobs = Table(
    "manifest_blobs",
    metadata,
    Column("repository", String(255), primary_key=True),
    Column("manifest_digest", String(80), primary_key=True),
    Column("digest", String(80), primary_key=True, index=True),
)
"""What a manifest names: blobs, or for an index other manifests. gc takes none of these."""

tags = Table(
    "tags",
    metadata,
    Column("repository", String(255), primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("digest", String(80), nullable=False),
    Column("updated_at", Moment, nullable=False),
)

uploads = Table(
    "uploads",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("repository", String(255), nullable=False),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("used_at", Moment, nullable=False, index=True),
)
"""Uploads under way; how far they are is the size of their file beside the storage."""
