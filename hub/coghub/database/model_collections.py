"""Queries on collections of models."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, insert, or_, select, update

from coghub.database.models import model_of, model_query
from coghub.database.schema import collection_models, collections, models
from coghub.domain.collection import Collection
from coghub.domain.model import Model

COLUMNS = tuple(column for column in collections.c if column.name != "created_at")


def add(connection: Connection, slug: str, now: datetime, fields: Mapping[str, Any]) -> None:
    """Add a collection.

    Raises:
        sqlalchemy.exc.IntegrityError: if there is one of that slug.
    """
    connection.execute(insert(collections).values(slug=slug, created_at=now, **fields))


def change(connection: Connection, collection_id: int, fields: Mapping[str, Any]) -> None:
    """Change some columns of a collection, if any."""
    if fields:
        query = update(collections).where(collections.c.id == collection_id)
        connection.execute(query.values(**fields))


def remove(connection: Connection, collection_id: int) -> None:
    """Remove a collection; its models stay."""
    connection.execute(delete(collections).where(collections.c.id == collection_id))


def by_slug(connection: Connection, slug: str) -> Collection | None:
    """Return the collection of that slug."""
    row = connection.execute(select(*COLUMNS).where(collections.c.slug == slug)).mappings().first()
    return None if row is None else _collection_of(row)


def every(connection: Connection) -> Sequence[Collection]:
    """Return all collections, by name."""
    query = select(*COLUMNS).order_by(collections.c.name, collections.c.slug)
    return [_collection_of(row) for row in connection.execute(query).mappings()]


def with_words(connection: Connection, words: Sequence[str], *, limit: int) -> Sequence[Collection]:
    """Return collections that have each of the words in name, slug or description, by name."""
    fields = (collections.c.name, collections.c.slug, collections.c.description)
    has = [or_(*(field.icontains(word, autoescape=True) for field in fields)) for word in words]
    query = select(*COLUMNS).where(*has).order_by(collections.c.name, collections.c.slug)
    return [_collection_of(row) for row in connection.execute(query.limit(limit)).mappings()]


def models_of(connection: Connection, collection_id: int) -> Sequence[Model]:
    """Return the models of a collection, in their order."""
    query = (
        model_query()
        .join(collection_models, collection_models.c.model_id == models.c.id)
        .where(collection_models.c.collection_id == collection_id)
        .order_by(collection_models.c.position, models.c.id)
    )
    return [model_of(row) for row in connection.execute(query).mappings()]


def put(connection: Connection, collection_id: int, model_id: int) -> None:
    """Put a model at the end of a collection; one that is in it goes there too."""
    take(connection, collection_id, model_id)
    last = select(func.max(collection_models.c.position)).where(
        collection_models.c.collection_id == collection_id
    )
    position = (connection.execute(last).scalar() or 0) + 1
    values = {"collection_id": collection_id, "model_id": model_id, "position": position}
    connection.execute(insert(collection_models).values(values))


def take(connection: Connection, collection_id: int, model_id: int) -> None:
    """Take a model out of a collection."""
    connection.execute(
        delete(collection_models).where(
            collection_models.c.collection_id == collection_id,
            collection_models.c.model_id == model_id,
        )
    )


def _collection_of(row: RowMapping) -> Collection:
    return Collection(**{column.name: row[column.name] for column in COLUMNS})
