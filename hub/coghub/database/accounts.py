"""Queries on accounts and tokens."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, RowMapping, bindparam, insert, select, update

from coghub.database.schema import accounts, tokens
from coghub.database.statements import Statement
from coghub.domain.account import Account, Token

COLUMNS = (accounts.c.id, accounts.c.name, accounts.c.is_admin, accounts.c.created_at)


def account_of(row: RowMapping) -> Account:
    """Return the account of a row that has the columns `COLUMNS`."""
    return Account(**{column.name: row[column.name] for column in COLUMNS})


def by_name(connection: Connection, name: str) -> Account | None:
    """Return the account of that name."""
    row = connection.execute(select(*COLUMNS).where(accounts.c.name == name)).mappings().first()
    return None if row is None else account_of(row)


_BY_TOKEN = Statement(
    select(*COLUMNS)
    .join(tokens, tokens.c.account_id == accounts.c.id)
    .where(tokens.c.token_hash == bindparam("key"), tokens.c.revoked_at.is_(None))
)


def by_token(connection: Connection, token_hash: str) -> Account | None:
    """Return whose token it is, unless it is revoked or unknown."""
    row = _BY_TOKEN.mapping(connection, {"key": token_hash})
    return None if row is None else account_of(row)


def every(connection: Connection) -> Sequence[Account]:
    """Return all accounts, by name."""
    rows = connection.execute(select(*COLUMNS).order_by(accounts.c.name)).mappings()
    return [account_of(row) for row in rows]


def add(connection: Connection, *, name: str, is_admin: bool, now: datetime) -> None:
    """Add an account.

    Raises:
        sqlalchemy.exc.IntegrityError: if the name is taken.
    """
    connection.execute(insert(accounts).values(name=name, is_admin=is_admin, created_at=now))


def add_token(
    connection: Connection, *, account_id: int, token_hash: str, hint: str, now: datetime
) -> None:
    """Add a token to an account."""
    values = {"account_id": account_id, "token_hash": token_hash, "hint": hint, "created_at": now}
    connection.execute(insert(tokens).values(values))


def tokens_of(connection: Connection, account_id: int) -> Sequence[Token]:
    """Return an account's tokens that are not revoked, the newest first."""
    query = (
        select(tokens.c.id, tokens.c.hint, tokens.c.created_at)
        .where(tokens.c.account_id == account_id, tokens.c.revoked_at.is_(None))
        .order_by(tokens.c.id.desc())
    )
    return [Token(*row) for row in connection.execute(query)]


def revoke_token_of(connection: Connection, account_id: int, token_id: int, now: datetime) -> bool:
    """Revoke one of an account's tokens and tell whether it was valid until now."""
    change = (
        update(tokens)
        .where(
            tokens.c.id == token_id,
            tokens.c.account_id == account_id,
            tokens.c.revoked_at.is_(None),
        )
        .values(revoked_at=now)
    )
    return connection.execute(change).rowcount > 0


def password_hash(connection: Connection, account_id: int) -> str | None:
    """Return the hash of an account's password, if it has one."""
    query = select(accounts.c.password_hash).where(accounts.c.id == account_id)
    return connection.execute(query).scalar()


def set_password_hash(connection: Connection, account_id: int, hashed: str) -> None:
    """Keep the hash of an account's password."""
    change = update(accounts).where(accounts.c.id == account_id)
    connection.execute(change.values(password_hash=hashed))


def revoke_token(connection: Connection, token_hash: str, now: datetime) -> bool:
    """Revoke a token and tell whether it was valid until now."""
    change = (
        update(tokens)
        .where(tokens.c.token_hash == token_hash, tokens.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    return connection.execute(change).rowcount > 0


def revoke_tokens(connection: Connection, account_id: int, now: datetime) -> int:
    """Revoke all tokens of an account and return how many were valid until now."""
    change = (
        update(tokens)
        .where(tokens.c.account_id == account_id, tokens.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    return connection.execute(change).rowcount


def webhook_secret(connection: Connection, account_id: int) -> bytes | None:
    """Return the sealed key with which an account's webhooks are signed, if it was made."""
    query = select(accounts.c.webhook_secret).where(accounts.c.id == account_id)
    return connection.execute(query).scalar()


def set_webhook_secret(connection: Connection, account_id: int, sealed: bytes) -> None:
    """Keep the sealed key, unless there is one."""
    connection.execute(
        update(accounts)
        .where(accounts.c.id == account_id, accounts.c.webhook_secret.is_(None))
        .values(webhook_secret=sealed)
    )
