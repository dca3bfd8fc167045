"""What can be done with accounts and tokens."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from coghub.database import accounts as rows
from coghub.database.audit import Audit
from coghub.database.database import Database
from coghub.domain.account import ANONYMOUS, Account, Token, is_account_name
from coghub.domain.audit import Action, identify
from coghub.domain.clock import Clock
from coghub.domain.errors import (
    AccountNotFound,
    Conflict,
    NotFound,
    RequestInvalid,
    Unauthenticated,
)
from coghub.domain.ids import TOKEN_PREFIX, new_token

HINT_CHARACTERS = len(TOKEN_PREFIX) + 4
"""Of a token's beginning, kept in clear so that its owner can tell it from others."""


class Accounts:
    """The accounts of a hub."""

    def __init__(self, database: Database, now: Clock) -> None:
        self._database = database
        self._now = now
        self._audit = Audit(now)
        self._anonymous: Account | None = None

    async def anonymous(self) -> Account:
        """Return the account of what is run without one; it is made when it is first needed."""
        if self._anonymous is None:
            now = self._now()
            with suppress(IntegrityError):  # it is there already
                await self._database.write(
                    lambda c: rows.add(c, name=ANONYMOUS, is_admin=False, now=now)
                )
            self._anonymous = await self.get(ANONYMOUS)
        return self._anonymous

    async def anonymous_id(self) -> int | None:
        """Return the number of that account, if it was made."""
        if self._anonymous is None:
            self._anonymous = await self._database.peek(lambda c: rows.by_name(c, ANONYMOUS))
        return self._anonymous.id if self._anonymous else None

    async def create(self, name: str, *, is_admin: bool = False) -> Account:
        """Add an account.

        Raises:
            RequestInvalid: if the name cannot be one.
            Conflict: if it is taken.
        """
        if not is_account_name(name):
            raise RequestInvalid(
                f"Not a name for a user: {name}",
                hint="Use lower case letters, digits, `-`, `_` and `.`; some words are reserved",
            )
        now, note = self._now(), self._audit.of(Action.ACCOUNT_CREATE, name, is_admin=is_admin)

        def add(connection: Connection) -> None:
            rows.add(connection, name=name, is_admin=is_admin, now=now)
            note(connection)

        try:
            await self._database.write(add)
        except IntegrityError as error:
            raise Conflict(f"A user of that name exists: {name}") from error
        return await self.get(name)

    async def get(self, name: str) -> Account:
        """Return the account of that name.

        Raises:
            AccountNotFound: if there is none.
        """
        account = await self._database.read(lambda c: rows.by_name(c, name))
        if account is None:
            raise AccountNotFound(name)
        return account

    async def list(self) -> Sequence[Account]:
        """Return all accounts, by name."""
        return await self._database.read(rows.every)

    async def authenticate(self, token: str) -> Account:
        """Return whose token it is.

        Raises:
            Unauthenticated: if it is nobody's, or revoked.
        """
        return await self.authenticate_hash(hash_of(token))

    async def authenticate_hash(self, token_hash: str) -> Account:
        """Return whose token it is that has this hash.

        Raises:
            Unauthenticated: if it is nobody's, or revoked.
        """
        account = await self._database.peek(lambda c: rows.by_token(c, token_hash))
        if account is None:
            raise Unauthenticated("You did not pass a valid authentication token")
        identify(account)
        return account

    async def create_token(self, name: str) -> str:
        """Return a new token of the account; it is not shown again.

        Raises:
            AccountNotFound: if there is no such account.
        """
        account, token, now = await self.get(name), new_token(), self._now()
        hint, token_hash = token[:HINT_CHARACTERS], hash_of(token)
        note = self._audit.of(Action.TOKEN_CREATE, name, token=hint)

        def add(connection: Connection) -> None:
            rows.add_token(
                connection, account_id=account.id, token_hash=token_hash, hint=hint, now=now
            )
            note(connection)

        await self._database.write(add)
        return token

    async def tokens(self, account: Account) -> Sequence[Token]:
        """Return what is known of an account's valid tokens, the newest first."""
        return await self._database.read(lambda c: rows.tokens_of(c, account.id))

    async def revoke_token_of(self, account: Account, token_id: int) -> None:
        """Make one of an account's tokens worthless.

        Raises:
            NotFound: if it has none of that number.
        """
        now, note = self._now(), self._audit.of(Action.TOKEN_REVOKE, account.name, token=token_id)

        def revoke(connection: Connection) -> bool:
            was_valid = rows.revoke_token_of(connection, account.id, token_id, now)
            if was_valid:
                note(connection)
            return was_valid

        if not await self._database.write(revoke):
            raise NotFound("No such token, or it is revoked already")

    async def revoke_token(self, token: str) -> None:
        """Make a token worthless.

        Raises:
            NotFound: if it is nobody's.
        """
        token_hash, now, hint = hash_of(token), self._now(), token[:HINT_CHARACTERS]
        owner = await self._database.read(lambda c: rows.by_token(c, token_hash))
        note = self._audit.of(Action.TOKEN_REVOKE, owner.name if owner else "", token=hint)

        def revoke(connection: Connection) -> bool:
            was_valid = rows.revoke_token(connection, token_hash, now)
            if was_valid:
                note(connection)
            return was_valid

        if not await self._database.write(revoke):
            raise NotFound("No such token, or it is revoked already")

    async def revoke_tokens(self, name: str) -> int:
        """Make all tokens of an account worthless, and return how many there were.

        Raises:
            AccountNotFound: if there is no such account.
        """
        account, now = await self.get(name), self._now()
        note = self._audit.of(Action.TOKEN_REVOKE, name, count="all")

        def revoke(connection: Connection) -> int:
            note(connection)
            return rows.revoke_tokens(connection, account.id, now)

        return await self._database.write(revoke)


def hash_of(token: str) -> str:
    """Return what is kept of a token, or of a session's key."""
    return hashlib.sha256(token.encode()).hexdigest()
