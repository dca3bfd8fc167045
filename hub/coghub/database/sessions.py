"""Queries on the sessions of browsers."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from coghub.database.accounts import COLUMNS, account_of
from coghub.database.schema import accounts, sessions
from coghub.domain.account import Account

_BY_KEY = (
    select(*COLUMNS, sessions.c.expires_at)
    .join(sessions, sessions.c.account_id == accounts.c.id)
    .where(sessions.c.key_hash == bindparam("key"))
)


def add(
    connection: Connection, *, key_hash: str, account_id: int, now: datetime, expires_at: datetime
) -> None:
    """Add a session; those that are over go meanwhile."""
    connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
    values = {
        "key_hash": key_hash,
        "account_id": account_id,
        "created_at": now,
        "expires_at": expires_at,
    }
    connection.execute(insert(sessions).values(values))


def by_key(connection: Connection, key_hash: str) -> tuple[Account, datetime] | None:
    """Return whose session it is, and when it ends."""
    row = connection.execute(_BY_KEY, {"key": key_hash}).mappings().first()
    return None if row is None else (account_of(row), row["expires_at"])


def prolong(connection: Connection, key_hash: str, expires_at: datetime) -> None:
    """Let a session end later."""
    change = update(sessions).where(sessions.c.key_hash == key_hash)
    connection.execute(change.values(expires_at=expires_at))


def end(connection: Connection, key_hash: str) -> None:
    """End a session."""
    connection.execute(delete(sessions).where(sessions.c.key_hash == key_hash))


def end_all(connection: Connection, account_id: int, *, but: str = "") -> None:
    """End all sessions of an account, but one."""
    connection.execute(
        delete(sessions).where(sessions.c.account_id == account_id, sessions.c.key_hash != but)
    )
