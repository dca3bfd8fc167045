"""Where the rows of a data folder are, written down in it: the rest of it means little without.

The file is there where rows are on a server. Who forgot the setting `database` would begin an empty
hub in the folder of a full one, and who misspelled it as well, in another place of the server.
Rows may move to another server; where a database has none, and the folder's hub has some, it is
refused.
"""

from pathlib import Path

from sqlalchemy import Connection, exists, inspect, select

from coghub.database.database import Database
from coghub.database.schema import accounts
from coghub.domain.errors import DatabaseElsewhere

PLACE = "database-place"


def require_setting(folder: Path, url: str | None) -> None:
    """Do nothing unless rows are on a server, and no setting names one.

    Raises:
        DatabaseElsewhere: if so.
    """
    known = known_place(folder)
    if url is None and known is not None:
        raise DatabaseElsewhere(
            f"The rows of this hub are in {known}, and the setting `database` names nothing",
            hint="Set `COGHUB_DATABASE`; `coghub backup` with it and then `coghub restore` "
            "without it lead back to a file",
        )


async def require_rows(database: Database, file: Path, url: str | None) -> None:
    """Do nothing if the rows are where the setting says, or may begin there.

    Args:
        database: which it names; it may be empty, also of tables.
        file: where the rows are without it.
        url: the setting.

    Raises:
        DatabaseElsewhere: if not.
    """
    require_setting(file.parent, url)
    elsewhere = None if url is None else _other_place(file, url)
    if elsewhere is not None and not await database.read(has_rows):
        message, hint = elsewhere
        raise DatabaseElsewhere(message, hint)


def _other_place(file: Path, url: str) -> tuple[str, str] | None:
    """Return how it is told that rows are elsewhere; None if they are not, or nobody knows."""
    place = file.with_name(PLACE)
    known = known_place(file.parent)
    if known == shown(url):
        return None
    if known is not None:
        hint = f"Correct the setting `database`, or remove {place} to begin an empty hub"
    elif file.exists():
        known = str(file)
        hint = "Move them with `coghub migrate-data`, or rename that file to begin an empty hub"
    else:
        return None
    return f"The rows of this hub are in {known}, and {shown(url)} has none", hint


def note(folder: Path, url: str | None) -> None:
    """Write down where the rows of a data folder are, if a server has them."""
    if url is not None and known_place(folder) != shown(url):
        (folder / PLACE).write_text(f"{shown(url)}\n", encoding="utf-8")


def known_place(folder: Path) -> str | None:
    """Return what is written down."""
    place = folder / PLACE
    return place.read_text("utf-8").strip() if place.is_file() else None


def has_rows(connection: Connection) -> bool:
    """Tell whether a database has the rows of a hub."""
    if not inspect(connection).has_table(accounts.name):
        return False
    return bool(connection.execute(select(exists(select(accounts.c.id)))).scalar_one())


def shown(url: str) -> str:
    """Return what a database is called, without its password."""
    from coghub.database import postgres  # noqa: PLC0415 - its driver loads slowly

    return postgres.shown(url)
