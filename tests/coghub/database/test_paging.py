"""Pages of any list lead through every row once, in both directions."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table, create_engine, insert, select

from coghub.database import paging
from coghub.database.columns import EPOCH, Moment
from coghub.database.paging import page_of

table = Table("rows", MetaData(), Column("key", Integer, primary_key=True), Column("at", Moment))


@given(
    moments=st.lists(st.integers(0, 3), max_size=12),
    limit=st.integers(1, 5),
    is_ascending=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_pages_lead_through_every_row_once_and_back(moments, limit, is_ascending):
    """Many rows have the same moment: a page may end between two of these."""
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        table.create(connection)
        for key, moment in enumerate(moments, 1):
            at = EPOCH + timedelta(seconds=moment)
            connection.execute(insert(table).values(key=key, at=at))

        def read(cursor):
            order = (table.c.at, table.c.key)
            return page_of(
                connection, select(table), order, cursor, limit=limit, is_ascending=is_ascending
            )

        pages = [read(None)]
        while pages[-1].next:
            pages.append(read(pages[-1].next))
        back = [pages[-1]]
        while back[-1].previous:
            back.append(read(back[-1].previous))
    engine.dispose()

    ordered = sorted(((m, key) for key, m in enumerate(moments, 1)), reverse=not is_ascending)
    assert [row["key"] for page in pages for row in page.items] == [key for _, key in ordered]
    assert [page.items for page in back] == [page.items for page in reversed(pages)]


def test_a_page_of_large_rows_has_few_of_them_and_leads_on(monkeypatch):
    """A row that is too large for any page has one of its own."""
    monkeypatch.setattr(paging, "MOST_SIZE", 10)
    sizes = {1: 4, 2: 4, 3: 4, 4: 100, 5: 1}
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        table.create(connection)
        for key in sizes:
            connection.execute(insert(table).values(key=key, at=EPOCH))
        pages, cursor = [], None
        while cursor or not pages:
            order = (table.c.at, table.c.key)
            page = page_of(
                connection, select(table), order, cursor, limit=9, is_ascending=True,
                size_of=lambda row: sizes[row["key"]],
            )  # fmt: skip
            pages.append([row["key"] for row in page.items])
            cursor = page.next
    engine.dispose()

    assert pages == [[1, 2], [3], [4], [5]]
