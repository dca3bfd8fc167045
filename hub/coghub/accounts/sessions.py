"""Who is signed in with a browser: a key in a cookie, of which the hub keeps the hash."""

from dataclasses import dataclass
from datetime import timedelta

from coghub.accounts.accounts import hash_of
from coghub.database import sessions as rows
from coghub.database.database import Database
from coghub.domain.account import Account
from coghub.domain.clock import Clock
from coghub.domain.ids import new_key

LENGTH = timedelta(days=30)
"""Without a visit."""
PROLONGED_AFTER = timedelta(days=1)
"""A visit is written down so seldom."""


@dataclass(frozen=True, slots=True)
class Session:
    """A browser of an account."""

    account: Account
    key_hash: str
    csrf: str
    """What a form of this session sends along; other sites cannot know it."""


class Sessions:
    """The sessions of a hub."""

    def __init__(self, database: Database, now: Clock) -> None:
        self._database = database
        self._now = now

    async def begin(self, account: Account) -> str:
        """Return the key of a new session; it is not shown again."""
        key, now = new_key(), self._now()
        await self._database.write(
            lambda c: rows.add(
                c,
                key_hash=hash_of(key),
                account_id=account.id,
                now=now,
                expires_at=now + LENGTH,
            )
        )
        return key

    async def find(self, key: str) -> Session | None:
        """Return the session of a key, if it is not over."""
        key_hash, now = hash_of(key), self._now()
        found = await self._database.peek(lambda c: rows.by_key(c, key_hash))
        if found is None or found[1] <= now:
            return None
        account, expires_at = found
        if expires_at - now < LENGTH - PROLONGED_AFTER:
            await self._database.write(lambda c: rows.prolong(c, key_hash, now + LENGTH))
        return Session(account, key_hash, hash_of(f"csrf {key}"))

    async def end(self, session: Session) -> None:
        """Sign out."""
        await self._database.write(lambda c: rows.end(c, session.key_hash))
