"""Queries on models and versions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, bindparam, delete, insert, select, update

from coghub.database.schema import accounts, model_shares, models, versions
from coghub.database.statements import Statement
from coghub.domain.model import Model, Version, Visibility

latest_versions = versions.alias("latest")

MODEL_COLUMNS = (
    models.c.id,
    models.c.owner_id,
    accounts.c.name.label("owner"),
    models.c.name,
    models.c.visibility,
    models.c.created_at,
    models.c.hardware,
    models.c.description,
    models.c.readme,
    models.c.github_url,
    models.c.paper_url,
    models.c.license_url,
    models.c.weights_url,
    models.c.cover_image_url,
    models.c.run_count,
)

VERSION_COLUMNS = tuple(column for column in versions.c if column.name != "deleted_at")
"""Those of which `version_of` makes a version."""
NOT_DELETED = versions.c.deleted_at.is_(None)


def model_query() -> Select[*tuple[Any, ...]]:
    """Return the select of models with their latest versions; `model_of` reads its rows."""
    version_columns = [column.label(f"latest_{column.name}") for column in latest_versions.c]
    return (
        select(*MODEL_COLUMNS, *version_columns)
        .join(accounts, accounts.c.id == models.c.owner_id)
        .outerjoin(latest_versions, latest_versions.c.key == models.c.latest_version_key)
    )


def model_of(row: RowMapping) -> Model:
    """Return the model of a row of `model_query`."""
    return _model_of(row, _latest_of(row))


def _model_of(row: RowMapping, latest: Version | None) -> Model:
    fields = {column.name: row[column.name] for column in MODEL_COLUMNS}
    fields["visibility"] = Visibility(fields["visibility"])
    return Model(**fields, latest_version=latest)


def _latest_of(row: RowMapping) -> Version | None:
    if row["latest_key"] is None:
        return None
    return Version(**{column.name: row[f"latest_{column.name}"] for column in VERSION_COLUMNS})


def version_of(row: RowMapping) -> Version:
    """Return the version of a row of the table."""
    return Version(**{column.name: row[column.name] for column in VERSION_COLUMNS})


_IS_NAMED = (accounts.c.name == bindparam("owner"), models.c.name == bindparam("name"))
_BY_NAME = Statement(model_query().where(*_IS_NAMED))


def by_name(connection: Connection, owner: str, name: str) -> Model | None:
    """Return the model of that owner and name."""
    row = _BY_NAME.mapping(connection, {"owner": owner, "name": name})
    return None if row is None else model_of(row)


def is_shared(connection: Connection, model_id: int, account_id: int) -> bool:
    """Tell whether a private model was shared with the account."""
    query = select(model_shares.c.model_id).where(
        model_shares.c.model_id == model_id, model_shares.c.account_id == account_id
    )
    return connection.execute(query).first() is not None


def shared_with(connection: Connection, model_id: int) -> Sequence[str]:
    """Return the names of the accounts that a model was shared with, in order."""
    query = (
        select(accounts.c.name)
        .join(model_shares, model_shares.c.account_id == accounts.c.id)
        .where(model_shares.c.model_id == model_id)
        .order_by(accounts.c.name)
    )
    return connection.execute(query).scalars().all()


def share(connection: Connection, model_id: int, account_id: int) -> None:
    """Share a model with an account, once."""
    if not is_shared(connection, model_id, account_id):
        values = {"model_id": model_id, "account_id": account_id}
        connection.execute(insert(model_shares).values(values))


def unshare(connection: Connection, model_id: int, account_id: int) -> None:
    """Share a model with an account no more."""
    connection.execute(
        delete(model_shares).where(
            model_shares.c.model_id == model_id, model_shares.c.account_id == account_id
        )
    )


def add(
    connection: Connection, *, owner_id: int, name: str, now: datetime, fields: Mapping[str, Any]
) -> None:
    """Add a model.

    Raises:
        sqlalchemy.exc.IntegrityError: if the owner has one of that name.
    """
    values = {"owner_id": owner_id, "name": name, "created_at": now, **fields}
    connection.execute(insert(models).values(values))


def change(connection: Connection, model_id: int, fields: Mapping[str, Any]) -> None:
    """Change some columns of a model, if any."""
    if fields:
        connection.execute(update(models).where(models.c.id == model_id).values(fields))


@dataclass(frozen=True, slots=True)
class PushedVersion:
    """What the registry learned of a pushed image."""

    id: str
    cog_version: str
    openapi_schema: Mapping[str, Any]
    config: Mapping[str, Any]
    is_bundle: bool


def add_version(
    connection: Connection, model_id: int, version: PushedVersion, now: datetime
) -> Version:
    """Add a version, once, and make it the model's latest; return it.

    The same image pushed again makes no second version; it becomes the latest again, and one that
    was deleted is back.
    """
    query = select(versions).where(versions.c.model_id == model_id, versions.c.id == version.id)
    row = connection.execute(query).mappings().first()
    if row is None:
        values = {
            "id": version.id,
            "model_id": model_id,
            "cog_version": version.cog_version,
            "openapi_schema": version.openapi_schema,
            "config": version.config,
            "is_bundle": version.is_bundle,
            "created_at": now,
        }
        connection.execute(insert(versions).values(values))
        row = connection.execute(query).mappings().one()
    elif row["deleted_at"] is not None:
        undelete = update(versions).where(versions.c.key == row["key"]).values(deleted_at=None)
        connection.execute(undelete)
    latest = {"latest_version_key": row["key"], "latest_version_at": now}
    change(connection, model_id, latest)
    return version_of(row)


_HOLDERS = (
    select(versions.c.key.label("version_key"), models.c.latest_version_key, *MODEL_COLUMNS)
    .join(models, models.c.id == versions.c.model_id)
    .join(accounts, accounts.c.id == models.c.owner_id)
    .where(versions.c.id == bindparam("key"), NOT_DELETED)
)
_OF_ID = Statement(_HOLDERS)
_NAMED = Statement(_HOLDERS.where(*_IS_NAMED))


@dataclass(frozen=True, slots=True)
class Holder:
    """A model that has a version of some id; no version is read with it."""

    model: Model
    """Without its latest version."""
    version_key: int
    latest_version_key: int | None


def holders_of(connection: Connection, version_id: str) -> Sequence[Holder]:
    """Return every model that has a version of that id: two may hold the same image."""
    return [_holder_of(row) for row in _OF_ID.mappings(connection, {"key": version_id})]


def holder_named(connection: Connection, owner: str, name: str, version_id: str) -> Holder | None:
    """Return the model of that owner and name, if it has a version of that id."""
    row = _NAMED.mapping(connection, {"owner": owner, "name": name, "key": version_id})
    return None if row is None else _holder_of(row)


def _holder_of(row: RowMapping) -> Holder:
    return Holder(_model_of(row, None), row["version_key"], row["latest_version_key"])


_OF_MODEL = select(versions).where(
    versions.c.model_id == bindparam("model"), versions.c.id == bindparam("key"), NOT_DELETED
)


def version_of_model(connection: Connection, model_id: int, version_id: str) -> Version | None:
    """Return the version of a model by its id."""
    values = {"model": model_id, "key": version_id}
    row = connection.execute(_OF_MODEL, values).mappings().first()
    return None if row is None else version_of(row)


def versions_of_model(connection: Connection, model_id: int) -> Sequence[Version]:
    """Return a model's versions, newest first."""
    query = (
        select(versions)
        .where(versions.c.model_id == model_id, NOT_DELETED)
        .order_by(versions.c.created_at.desc(), versions.c.key.desc())
    )
    return [version_of(row) for row in connection.execute(query).mappings()]


def by_version_key(connection: Connection, version_key: int) -> tuple[Version, str] | None:
    """Return a version by its row's number, with its model's full name."""
    query = (
        select(versions, accounts.c.name.label("owner"), models.c.name.label("model"))
        .join(models, models.c.id == versions.c.model_id)
        .join(accounts, accounts.c.id == models.c.owner_id)
        .where(versions.c.key == version_key)
    )
    row = connection.execute(query).mappings().first()
    return None if row is None else (version_of(row), f"{row['owner']}/{row['model']}")


def version_ids(connection: Connection) -> Sequence[str]:
    """Return the ids of all versions that there are."""
    query = select(versions.c.id).where(versions.c.deleted_at.is_(None))
    return connection.execute(query).scalars().all()
