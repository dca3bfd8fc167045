"""Pages of a query, by the place of the last row: as quick at the millionth row as at the first."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, and_, or_

from coghub.domain.page import Cursor, Page

T = TypeVar("T")

MOST_SIZE = 16 * 1024**2
"""Of a page's rows: characters, or what is as large."""


def page_of(  # noqa: PLR0913 - named, and each of another type
    connection: Connection,
    query: Select[*tuple[Any, ...]],
    order: tuple[ColumnElement[Any], ColumnElement[Any]],
    cursor: Cursor | None,
    *,
    limit: int,
    is_ascending: bool = False,
    size_of: Callable[[RowMapping], int] = lambda _: 0,
) -> Page[RowMapping]:
    """Return the rows of a page.

    Args:
        connection: of the transaction.
        query: everything, without an order; its rows have the columns `page_moment`, `page_key`.
        order: the moment and the key by which rows are ordered.
        cursor: where the page is; None for the first.
        limit: most rows of a page.
        is_ascending: the oldest come first.
        size_of: how much of `MOST_SIZE` a row takes; a page that is full of few has few.
    """
    is_backward = cursor is not None and cursor.is_backward
    rises = is_ascending is not is_backward
    moment, key = order
    query = query.add_columns(moment.label("page_moment"), key.label("page_key"))
    if cursor is not None:
        query = query.where(_behind(moment, key, cursor, rises=rises))
    wanted = (moment.asc(), key.asc()) if rises else (moment.desc(), key.desc())
    with connection.execute(query.order_by(*wanted).limit(limit + 1)) as result:
        shown, has_more = _fitting(result.mappings(), limit, size_of)
    if is_backward:
        shown.reverse()
    return Page(
        shown,
        next=_place(shown, -1) if has_more or is_backward else None,
        previous=_place(shown, 0, is_backward=True)
        if (has_more if is_backward else cursor is not None)
        else None,
    )


def mapped(page: Page[RowMapping], make: Callable[[RowMapping], T]) -> Page[T]:
    """Return the page with what its rows mean."""
    return Page([make(row) for row in page.items], page.next, page.previous)


def _fitting(
    rows: Iterable[RowMapping], limit: int, size_of: Callable[[RowMapping], int]
) -> tuple[list[RowMapping], bool]:
    """Return the first rows, one at least, and whether there are more than fit."""
    shown, size = list[RowMapping](), 0
    for row in rows:
        size += size_of(row)
        if shown and (len(shown) == limit or size > MOST_SIZE):
            return shown, True
        shown.append(row)
    return shown, False


def _behind(
    moment: ColumnElement[Any], key: ColumnElement[Any], cursor: Cursor, *, rises: bool
) -> ColumnElement[bool]:
    """Say it twice, so that an index on the moment is used."""
    if rises:
        further = or_(moment > cursor.moment, key > cursor.key)
        return and_(moment >= cursor.moment, further)
    return and_(moment <= cursor.moment, or_(moment < cursor.moment, key < cursor.key))


def _place(rows: list[RowMapping], index: int, *, is_backward: bool = False) -> Cursor | None:
    if not rows:
        return None
    row = rows[index]
    return Cursor(row["page_moment"], row["page_key"], is_backward=is_backward)
