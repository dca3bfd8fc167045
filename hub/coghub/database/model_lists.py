"""Queries that list and search models."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, func, or_

from coghub.database.models import model_of, model_query
from coghub.database.paging import mapped, page_of
from coghub.database.schema import accounts, models
from coghub.domain.model import Model, ModelOrder, Visibility
from coghub.domain.page import Cursor, Page

CHANGED_AT = func.coalesce(models.c.latest_version_at, models.c.created_at)
IS_PUBLIC = models.c.visibility == Visibility.PUBLIC


def public(
    connection: Connection, order: ModelOrder, cursor: Cursor | None, *, limit: int
) -> Page[Model]:
    """Return a page of the models that everyone may see."""
    moment = models.c.created_at if order.by == "model_created_at" else CHANGED_AT
    page = page_of(
        connection,
        model_query().where(IS_PUBLIC),
        (moment, models.c.id),
        cursor,
        limit=limit,
        is_ascending=order.is_ascending,
    )
    return mapped(page, model_of)


def with_words(connection: Connection, words: Sequence[str], *, limit: int) -> Sequence[Model]:
    """Return public models that have each of the words in name, owner, description or readme."""
    query = (
        model_query()
        .where(IS_PUBLIC, and_(*(_has(word) for word in words)))
        .order_by(models.c.run_count.desc(), CHANGED_AT.desc())
        .limit(limit)
    )
    return [model_of(row) for row in connection.execute(query).mappings()]


def of_owner(connection: Connection, owner: str) -> Sequence[Model]:
    """Return an owner's models, public or not, by name."""
    query = model_query().where(accounts.c.name == owner).order_by(models.c.name)
    return [model_of(row) for row in connection.execute(query).mappings()]


def _has(word: str) -> ColumnElement[bool]:
    fields = (accounts.c.name, models.c.name, models.c.description, models.c.readme)
    return or_(*(field.icontains(word, autoescape=True) for field in fields))
