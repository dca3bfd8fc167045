"""Every table. A change needs a migration in `migrations/versions`.

Those that stand apart have modules of their own, and are named here as well.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from coghub.database.audit_tables import audit_entries, usage_days
from coghub.database.columns import Json, Moment
from coghub.database.deployment_tables import deployment_releases, deployments
from coghub.database.hub_tables import hubs
from coghub.database.metadata import metadata
from coghub.database.registry_tables import (
    blobs,
    manifest_blobs,
    manifests,
    repository_blobs,
    tags,
    uploads,
)
from coghub.database.webhook_tables import webhook_attempts, webhook_deliveries

__all__ = [
    "accounts",
    "audit_entries",
    "blobs",
    "collection_models",
    "collections",
    "deployment_releases",
    "deployments",
    "examples",
    "files",
    "hubs",
    "instances",
    "manifest_blobs",
    "manifests",
    "metadata",
    "model_shares",
    "model_variables",
    "models",
    "prediction_events",
    "prediction_files",
    "predictions",
    "properties",
    "repository_blobs",
    "sessions",
    "tags",
    "tokens",
    "uploads",
    "usage_days",
    "versions",
    "webhook_attempts",
    "webhook_deliveries",
]

properties = Table(
    "properties",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)
"""Single values of the hub itself, such as its webhook secret's seed."""

# --- accounts ---

accounts = Table(
    "accounts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("password_hash", Text),
    Column("is_admin", Boolean, nullable=False, default=False),
    Column("webhook_secret", LargeBinary),
    Column("created_at", Moment, nullable=False),
)
"""`webhook_secret` is encrypted, and made when it is first asked for."""

tokens = Table(
    "tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("hint", String(16), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("revoked_at", Moment),
)
"""`token_hash` is SHA-256 in hex: a token has 256 random bits, so nothing slower is needed.

`hint` is the token's beginning, by which people tell theirs apart.
"""

sessions = Table(
    "sessions",
    metadata,
    Column("key_hash", String(64), primary_key=True),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False, index=True),
)
"""Browsers that somebody signed in with; `key_hash` is SHA-256 in hex of what the cookie holds."""

# --- models ---

models = Table(
    "models",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("owner_id", ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(128), nullable=False),
    Column("visibility", String(16), nullable=False),
    Column("hardware", String(64)),
    Column("description", Text),
    Column("readme", Text),
    Column("github_url", Text),
    Column("paper_url", Text),
    Column("license_url", Text),
    Column("weights_url", Text),
    Column("cover_image_url", Text),
    Column("run_count", Integer, nullable=False, default=0),
    Column("latest_version_key", Integer),
    Column("latest_version_at", Moment),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("owner_id", "name"),
)

model_shares = Table(
    "model_shares",
    metadata,
    Column("model_id", ForeignKey("models.id", ondelete="CASCADE"), primary_key=True),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
)
"""Accounts that may use a private model."""

model_variables = Table(
    "model_variables",
    metadata,
    Column("model_id", ForeignKey("models.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("is_secret", Boolean, nullable=False),
    Column("value", LargeBinary, nullable=False),
)
"""Environment variables of a model's instances; `value` is encrypted."""

collections = Table(
    "collections",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("slug", String(64), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("full_description", Text),
    Column("created_at", Moment, nullable=False),
)

collection_models = Table(
    "collection_models",
    metadata,
    Column("collection_id", ForeignKey("collections.id", ondelete="CASCADE"), primary_key=True),
    Column("model_id", ForeignKey("models.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("position", Integer, nullable=False),
)
"""Which models are in a collection, the one with the least `position` first."""

versions = Table(
    "versions",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("id", String(64), nullable=False, index=True),
    Column("model_id", ForeignKey("models.id", ondelete="CASCADE"), nullable=False),
    Column("cog_version", String(64), nullable=False),
    Column("openapi_schema", Json, nullable=False),
    Column("config", Json, nullable=False),
    Column("is_bundle", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("deleted_at", Moment),
    UniqueConstraint("model_id", "id"),
    Index(
        "ix_versions_deleted",
        "deleted_at",
        sqlite_where=text("deleted_at IS NOT NULL"),
        postgresql_where=text("deleted_at IS NOT NULL"),
    ),
    sqlite_autoincrement=True,
)
"""`deleted_at` is when it stopped to exist for users; its row goes when all that it made is gone.

A key is never used again: versions are remembered by it.
"""

# --- predictions ---

predictions = Table(
    "predictions",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("model_id", ForeignKey("models.id", ondelete="CASCADE"), nullable=False),
    Column(
        "version_key", ForeignKey("versions.key", ondelete="CASCADE"), nullable=False, index=True
    ),
    Column("status", String(16), nullable=False),
    Column("source", String(8), nullable=False),
    Column("input", Json, nullable=False),
    Column("secret_input", LargeBinary),
    Column("output", Json),
    Column("logs", Text, nullable=False, default=""),
    Column("error", Text),
    Column("metrics", Json),
    Column("base_url", Text, nullable=False),
    Column("webhook", Text),
    Column("webhook_events", Json),
    Column("stream_key", String(64), nullable=False, unique=True),
    Column("attempt", Integer, nullable=False, default=0),
    Column("failed_attempts", Integer, nullable=False, default=0),
    Column("is_data_removed", Boolean, nullable=False, default=False),
    Column("is_inline", Boolean, nullable=False, default=False),
    Column("destination", String(255)),
    Column("hardware", String(64)),
    Column("hub_id", Integer),
    Column("deployment_id", Integer),
    Column("deployment", String(128)),
    Column("deadline", Moment),
    Column("created_at", Moment, nullable=False),
    Column("started_at", Moment),
    Column("completed_at", Moment),
    Index("ix_predictions_of_account", "account_id", "created_at", "id"),
    Index("ix_predictions_of_model", "model_id", "created_at", "id"),
    Index("ix_predictions_created_at", "created_at"),
    Index(
        "ix_predictions_of_web",
        "source",
        "account_id",
        "created_at",
        "id",
        sqlite_where=text("source = 'web'"),
        postgresql_where=text("source = 'web'"),
    ),
    Index(
        "ix_predictions_trainings",
        "account_id",
        "created_at",
        "id",
        sqlite_where=text("destination IS NOT NULL"),
        postgresql_where=text("destination IS NOT NULL"),
    ),
    Index(
        "ix_predictions_of_deployment",
        "deployment_id",
        "created_at",
        sqlite_where=text("deployment_id IS NOT NULL"),
        postgresql_where=text("deployment_id IS NOT NULL"),
    ),
    Index(
        "ix_predictions_open",
        "account_id",
        "created_at",
        sqlite_where=text("completed_at IS NULL"),
        postgresql_where=text("completed_at IS NULL"),
    ),
    Index(
        "ix_predictions_kept",
        "completed_at",
        sqlite_where=text("completed_at IS NOT NULL AND NOT is_data_removed"),
        postgresql_where=text("completed_at IS NOT NULL AND NOT is_data_removed"),
    ),
)
"""`secret_input` holds the values of `Secret` inputs, encrypted, until the prediction ends.

`is_inline` says that its maker waited for it, and on plain http is given files as data URIs.
`destination` is the model, `owner/name`, that gets what a training makes; NULL is no training.
`hardware` is what it was given to; NULL as long as it was given to none.
`hub_id` is the hub that runs it, or has run it; NULL while it waits.
`base_url` is how its maker reached the hub: webhooks carry URLs, and have no request to ask.
`attempt` counts the times it was given to an instance; `failed_attempts` those that died with it.
`deployment` is the name of the one it was made by; it outlives that.
Output and logs grow as rows of `prediction_events`, and are folded in here at the end.
"""

prediction_events = Table(
    "prediction_events",
    metadata,
    Column("prediction_id", ForeignKey("predictions.id", ondelete="CASCADE"), primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("content", Json, nullable=False),
    Column("created_at", Moment, nullable=False),
    sqlite_with_rowid=False,
)
"""What a prediction told, in order; `sequence` counts from 1 and is the event id of streams.

`kind` is `logs` (content: a text) or `output` (content: {"chunk", "index"}).
"""

prediction_files = Table(
    "prediction_files",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("prediction_id", ForeignKey("predictions.id", ondelete="CASCADE"), index=True),
    Column("name", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("etag", String(64), nullable=False),
    Column("created_at", Moment, nullable=False),
)
"""Files in and out of predictions, under URLs that nobody can guess; `key` is that part of them."""

examples = Table(
    "examples",
    metadata,
    Column("prediction_id", ForeignKey("predictions.id", ondelete="CASCADE"), primary_key=True),
    Column("model_id", ForeignKey("models.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", Moment, nullable=False),
)
"""Predictions that a model's owner shows to everyone who sees the model; their data is kept."""

# --- files ---

files = Table(
    "files",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("md5", String(32), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("metadata", Json, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False, index=True),
    Index("ix_files_of_account", "account_id", "created_at", "id"),
)
"""What clients uploaded for their inputs."""

# --- instances ---

instances = Table(
    "instances",
    metadata,
    Column("id", String(26), primary_key=True),
    Column(
        "version_key", ForeignKey("versions.key", ondelete="CASCADE"), nullable=False, index=True
    ),
    Column("hardware", String(64), nullable=False),
    Column("executor", String(16), nullable=False),
    Column("hub_id", Integer),
    Column("deployment_id", Integer),
    Column("is_training", Boolean, nullable=False, server_default=false()),
    Column("slots", Integer, nullable=False, server_default="1"),
    Column("stage", String(16), nullable=False),
    Column("error", Text),
    Column("logs", Text, nullable=False, default=""),
    Column("created_at", Moment, nullable=False, index=True),
    Column("ready_at", Moment),
    Column("stopped_at", Moment),
    Index(
        "ix_instances_occupied",
        "hub_id",
        sqlite_where=text("stopped_at IS NULL"),
        postgresql_where=text("stopped_at IS NULL"),
    ),
)
"""`hub_id` is the hub that has it; the deployment, if any, has it for itself."""
