"""Fills a hub's database with predictions that ended long ago, as copies of one that was made."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg

SPAN_S = 300 * 24 * 3600
"""The old predictions are spread over so long before the one that they are copied from."""
WEB_EVERY = 5
"""Every fifth was made on a page and not by the API."""
LOGS = "".join(f"step {number} of 20: loss 0.{number:03d}\n" for number in range(20))
SOME = 1000


def _copied(columns: Sequence[str], count: int, *, id_sql: str, key_sql: str) -> str:
    """Return what is selected for the columns of the copy of that `number`."""
    values = {name: name for name in columns} | {
        "id": id_sql,
        "stream_key": key_sql,
        "logs": f"'{LOGS}'",
        "source": f"CASE number % {WEB_EVERY} WHEN 0 THEN 'web' ELSE 'api' END",
    }
    for name in ("created_at", "started_at", "completed_at"):
        values[name] = f"{name} - number * {SPAN_S * 1_000_000 // count}"
    return ", ".join(values[name] for name in columns)


def fill_file(database: Path, count: int) -> None:
    """Add copies of the newest prediction and of what it told; the hub is stopped meanwhile."""
    with _opened(database) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(predictions)")]
        random = {"id_sql": "lower(hex(randomblob(13)))", "key_sql": "hex(randomblob(22))"}
        connection.execute(
            f"""
            WITH RECURSIVE
                numbers(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers LIMIT :count),
                newest AS (SELECT * FROM predictions ORDER BY created_at DESC LIMIT 1)
            INSERT INTO predictions ({", ".join(columns)})
            SELECT {_copied(columns, count, **random)} FROM numbers, newest
            """,  # noqa: S608 - of names that the database itself gave
            {"count": count},
        )
        connection.execute(
            """
            INSERT OR IGNORE INTO prediction_events
                (prediction_id, sequence, kind, content, created_at)
            SELECT new.id, sequence, kind, content, new.completed_at
            FROM predictions new, prediction_events old
            WHERE old.prediction_id = (SELECT max(prediction_id) FROM prediction_events)
            ORDER BY new.id
            """
        )
        connection.commit()


def fill_server(url: str, count: int) -> None:
    """Do the same on PostgreSQL.

    It is told at last what the table holds, as its own daemon does within a minute.
    """
    random = {"id_sql": "left(md5(random()::text), 26)", "key_sql": "md5(random()::text)"}
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        found = connection.execute("SELECT * FROM predictions LIMIT 0").description or ()
        columns = [column.name for column in found]
        added = f"""
            WITH newest AS (SELECT * FROM predictions ORDER BY created_at DESC LIMIT 1)
            INSERT INTO predictions ({", ".join(columns)})
            SELECT {_copied(columns, count, **random)}
            FROM generate_series(1::bigint, {count}) number, newest
            """  # noqa: S608 - of names that the database itself gave
        connection.execute(added.encode())
        connection.execute(
            """
            INSERT INTO prediction_events (prediction_id, sequence, kind, content, created_at)
            SELECT new.id, sequence, kind, content, new.completed_at
            FROM predictions new, prediction_events old
            WHERE old.prediction_id = (SELECT max(prediction_id) FROM prediction_events)
            ORDER BY new.id
            ON CONFLICT DO NOTHING
            """
        )
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def some_ids_of_server(url: str) -> list[str]:
    """Return ids of predictions, spread over all."""
    query = """
        SELECT id FROM (SELECT id, row_number() OVER (ORDER BY created_at) AS number,
            count(*) OVER () AS total FROM predictions) AS numbered
        WHERE number % greatest(1, total / %s) = 0
        """
    with closing(psycopg.connect(url)) as connection:
        return [
            row[0] for row in connection.execute(query.replace("number %", "number %%"), [SOME])
        ]


def some_ids_of_file(database: Path) -> list[str]:
    """Return ids of predictions, spread over all."""
    with _opened(database) as connection:
        [count] = connection.execute("SELECT max(rowid) FROM predictions").fetchone()
        query = "SELECT id FROM predictions WHERE rowid % ? = 0"
        return [row[0] for row in connection.execute(query, [max(1, count // SOME)])]


@contextmanager
def _opened(database: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-1000000")
        yield connection
