"""Passwords: kept as argon2 hashes, which take time and memory to make on purpose."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from coghub.database import accounts as rows
from coghub.database import sessions
from coghub.database.audit import Audit
from coghub.database.database import Database
from coghub.domain.account import Account
from coghub.domain.audit import Action
from coghub.domain.clock import Clock, utc_now
from coghub.domain.errors import RequestInvalid

MIN_CHARACTERS = 10
MAX_CHARACTERS = 1024
AT_ONCE = 2
"""Hashes that are made at the same time: each takes 64 MiB, and a core for a while."""


class Passwords:
    """The passwords of a hub's accounts."""

    def __init__(
        self, database: Database, hasher: PasswordHasher | None = None, now: Clock = utc_now
    ) -> None:
        self._database = database
        self._hasher = hasher or PasswordHasher()
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._nobodys = ""
        self._audit = Audit(now)

    async def change(self, account: Account, password: str, *, kept_session: str = "") -> None:
        """Give an account a password; all its sessions end, but one.

        Args:
            account: whose.
            password: the new one.
            kept_session: the hash of the session that goes on.

        Raises:
            RequestInvalid: if it is too short or too long.
        """
        self.require_good(password)
        hashed = await self._hashed(password)
        note = self._audit.of(Action.PASSWORD_CHANGE, account.name)

        def keep(connection: rows.Connection) -> None:
            rows.set_password_hash(connection, account.id, hashed)
            sessions.end_all(connection, account.id, but=kept_session)
            note(connection)

        await self._database.write(keep)

    def require_good(self, password: str) -> None:
        """Do nothing if an account may have this password.

        Raises:
            RequestInvalid: if it is too short or too long.
        """
        if not MIN_CHARACTERS <= len(password) <= MAX_CHARACTERS:
            raise RequestInvalid(
                f"A password has from {MIN_CHARACTERS} to {MAX_CHARACTERS} characters"
            )

    async def has_one(self, account: Account) -> bool:
        """Tell whether an account has a password."""
        return await self._kept(account) is not None

    async def fits(self, account: Account | None, password: str) -> bool:
        """Tell whether it is the account's password; of nobody it takes as long to say no."""
        kept = None if account is None else await self._kept(account)
        if kept is None:
            kept = self._nobodys = self._nobodys or await self._hashed("nobody's")
            account = None
        if len(password) > MAX_CHARACTERS:
            return False
        async with self._turns:
            is_right = await asyncio.to_thread(self._verify, kept, password)
        return is_right and account is not None

    async def _kept(self, account: Account) -> str | None:
        return await self._database.read(lambda c: rows.password_hash(c, account.id))

    async def _hashed(self, password: str) -> str:
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, password)

    def _verify(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False
