"""The databases that a hub is measured on: a file of SQLite, and a server of PostgreSQL."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import old_predictions
from tests.postgres_server import PostgresServer, missing, server

DEFAULTS: tuple[str, ...] = ()
"""What the server is set to: nothing, so it is as durable as it comes (`fsync`, and each commit
waits for the disk)."""


@dataclass(frozen=True)
class Rows:
    """Where the rows of one hub are."""

    environ: Mapping[str, str]
    """What the hub is told of it."""
    fill: Callable[[int], None]
    """Adds so many old predictions; the hub is stopped meanwhile."""
    some_ids: Callable[[], list[str]]
    """Returns ids of predictions, spread over all."""


@contextmanager
def _file(folder: Path) -> Iterator[Rows]:
    path = folder / "hub.db"
    yield Rows(
        {},
        lambda count: old_predictions.fill_file(path, count),
        lambda: old_predictions.some_ids_of_file(path),
    )


@contextmanager
def _server(folder: Path) -> Iterator[Rows]:
    del folder  # a server that runs as another user may not get there
    with server(DEFAULTS) as found:
        assert isinstance(found, PostgresServer), found
        url = found.url(found.make())
        yield Rows(
            {"COGHUB_DATABASE": url},
            lambda count: old_predictions.fill_server(url, count),
            lambda: old_predictions.some_ids_of_server(url),
        )


@dataclass(frozen=True)
class Database:
    """A kind of database."""

    name: str
    mark: str
    """What the names of its tables in the README end with."""
    rows: Callable[[Path], AbstractContextManager[Rows]]
    """Has a new one for the block; a hub's data folder is named, which is not there yet."""
    missing: Callable[[], str | None]
    """Returns why it cannot be had here."""


SQLITE = Database("sqlite", "", _file, lambda: None)
POSTGRESQL = Database("postgresql", " on PostgreSQL", _server, missing)
DATABASES = {it.name: it for it in (SQLITE, POSTGRESQL)}
