"""Fills a hub's database with predictions that ended long ago, as copies of one that was made."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

SPAN_S = 300 * 24 * 3600
"""The old predictions are spread over so long before the one that they are copied from."""
WEB_EVERY = 5
"""Every fifth was made on a page and not by the API."""
LOGS = "".join(f"step {number} of 20: loss 0.{number:03d}\n" for number in range(20))
SOME = 1000


def fill(database: Path, count: int) -> None:
    """Add copies of the newest prediction and of what it told; the hub is stopped meanwhile."""
    with _opened(database) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(predictions)")]
        values = {name: name for name in columns} | {
            "id": "lower(hex(randomblob(13)))",
            "stream_key": "hex(randomblob(22))",
            "logs": ":logs",
            "source": f"CASE WHEN number % {WEB_EVERY} THEN 'api' ELSE 'web' END",
        }
        for name in ("created_at", "started_at", "completed_at"):
            values[name] = f"{name} - number * {SPAN_S * 1_000_000 // count}"
        connection.execute(
            f"""
            WITH RECURSIVE
                numbers(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers LIMIT :count),
                newest AS (SELECT * FROM predictions ORDER BY created_at DESC LIMIT 1)
            INSERT INTO predictions ({", ".join(columns)})
            SELECT {", ".join(values[name] for name in columns)} FROM numbers, newest
            """,  # noqa: S608 - of names that the database itself gave
            {"count": count, "logs": LOGS},
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


def some_ids(database: Path) -> list[str]:
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
