"""News between hubs by PostgreSQL's NOTIFY, and the locks that a hub has as long as it lives.

There are two connections: one listens, the other one tells, and holds the locks of its session.
"""

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

import msgspec
import psycopg
import structlog

from coghub.database.bus import Bus
from coghub.domain.errors import DatabaseUnreachable
from coghub.domain.peers import News, Topic

log = structlog.get_logger()

T = TypeVar("T")

CHANNEL = "coghub"
MOST_BYTES = 7500
"""Of one message: PostgreSQL takes 7999."""
AGAIN_S = 1.0
"""Between two tries to listen."""
LEAD_LOCK = 0x636F6768_7562_03
"""The key of the lock of the hub that does what one does for all: "coghub", and a number."""
KEEPALIVES = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
"""Let each end find in seconds that the other one is gone without a word: of the hub's server its
client, and of a hub's machine, for whose locks others wait, the server."""
LIMITS: Mapping[str, Any] = {"connect_timeout": 10, "tcp_user_timeout": 15_000, **KEEPALIVES}
"""Of every connection."""


class Message(msgspec.Struct, array_like=True):
    """What is sent."""

    teller: str
    news: list[tuple[Topic, str]]


class PostgresBus(Bus):
    """See `Bus`.

    Args:
        connect: makes a connection that commits by itself.
        url: for connections on the event loop.
        hub_lock: the key of the lock that says that a hub works with the rows.
        unreachable: makes the error of a connection that does not work.
    """

    is_shared = True

    def __init__(
        self,
        connect: Callable[[], "psycopg.Connection[Any]"],
        url: str,
        hub_lock: int,
        unreachable: Callable[[psycopg.Error], DatabaseUnreachable],
    ) -> None:
        self._connect = connect
        self._url = url
        self._hub_lock = hub_lock
        self._unreachable = unreachable
        self._session: psycopg.Connection[Any] | None = None
        self._leads = False
        self._named = ""
        """What the session is called."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="database-bus")
        self._name = os.urandom(8).hex()

    async def hear(
        self, on_news: Callable[[Sequence[News]], None], on_gap: Callable[[], None]
    ) -> None:
        """See `Bus`."""
        while True:
            try:
                await self._listen(on_news, on_gap)
            except psycopg.Error as error:
                log.warning("other hubs are not heard", error=str(error).partition("\n")[0])
            except Exception:  # as a message of another version; after it the rows are read
                log.exception("other hubs are not heard")
            await asyncio.sleep(AGAIN_S)

    async def _listen(
        self, on_news: Callable[[Sequence[News]], None], on_gap: Callable[[], None]
    ) -> None:
        connection = await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, application_name="coghub news", **LIMITS
        )
        async with connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            on_gap()
            async for notice in connection.notifies():
                message = msgspec.json.decode(notice.payload, type=Message)
                if message.teller != self._name:
                    on_news([News(topic, key) for topic, key in message.news])

    async def tell(self, news: Sequence[News]) -> None:
        """See `Bus`."""
        await self._run(lambda session: self._tell(session, news))

    def _tell(self, session: "psycopg.Connection[Any]", news: Sequence[News]) -> None:
        for text in messages(self._name, news):
            session.execute("SELECT pg_notify(%s, %s)", (CHANNEL, text))

    async def keep(self, hub_id: int, *, leads: bool) -> bool:
        """See `Bus`."""
        return await self._run(lambda session: self._keep(session, hub_id, leads=leads))

    def _keep(self, session: "psycopg.Connection[Any]", hub_id: int, *, leads: bool) -> bool:
        if self._named != (name := session_of(hub_id)):
            session.execute("SELECT set_config('application_name', %s, false)", (name,))
            self._named = name
        if leads and not self._leads:
            row = session.execute("SELECT pg_try_advisory_lock(%s)", (LEAD_LOCK,)).fetchone()
            self._leads = row is not None and bool(row[0])
        elif self._leads and not leads:
            session.execute("SELECT pg_advisory_unlock(%s)", (LEAD_LOCK,))
            self._leads = False
        else:
            session.execute("SELECT 1")
        return self._leads

    async def cut_off(self, hub_id: int) -> None:
        """See `Bus`."""
        await self._run(lambda session: session.execute(_CUT_OFF, (session_of(hub_id),)))

    async def close(self) -> None:
        """See `Bus`."""
        await asyncio.to_thread(self.let_go)

    def claim(self) -> None:
        """Hold what says that a hub works with the rows.

        Raises:
            psycopg.Error: if the server cannot be used.
        """
        self._thread.submit(self._claim).result()

    def _claim(self) -> None:
        session = self._connect()
        try:
            self._take_lock(session)
        except BaseException:
            session.close()
            raise
        self._session, self._leads, self._named = session, False, ""

    def _take_lock(self, session: "psycopg.Connection[Any]") -> None:
        if not session.info.host.startswith("/"):
            for name, value in KEEPALIVES.items():
                session.execute("SELECT set_config(%s, %s, false)", (f"tcp_{name}", str(value)))
        query = "SELECT pg_try_advisory_lock_shared(%s)"
        row = session.execute(query, (self._hub_lock,)).fetchone()
        if row is None or not row[0]:
            raise psycopg.OperationalError("another process has the database for itself")

    def let_go(self) -> None:
        """End the session, and its locks with it; what is under way comes first."""
        self._thread.submit(self._let_go).result()

    def _let_go(self) -> None:
        session, self._session, self._leads = self._session, None, False
        if session is not None:
            with suppress(psycopg.Error):
                session.close()

    async def _run(self, work: Callable[["psycopg.Connection[Any]"], T]) -> T:
        return await asyncio.wrap_future(self._thread.submit(self._work, work))

    def _work(self, work: Callable[["psycopg.Connection[Any]"], T]) -> T:
        try:
            if self._session is None:
                self._claim()
            assert self._session is not None
            return work(self._session)
        except psycopg.Error as error:
            if self._session is None or self._session.closed:
                self._let_go()
            raise self._unreachable(error) from error


def session_of(hub_id: int) -> str:
    """Return what the session of a hub is called, with its locks."""
    return f"coghub hub {hub_id}"


_CUT_OFF = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = %s"
)


def messages(teller: str, news: Sequence[News]) -> Iterator[str]:
    """Yield what is to be sent, in pieces that PostgreSQL takes."""
    piece, size = list[tuple[Topic, str]](), 0
    for it in dict.fromkeys(news):
        piece.append((it.topic, it.key))
        size += len(it.key) + 10
        if size > MOST_BYTES - 200:
            yield _text(teller, piece)
            piece, size = list[tuple[Topic, str]](), 0
    if piece:
        yield _text(teller, piece)


def _text(teller: str, piece: list[tuple[Topic, str]]) -> str:
    return msgspec.json.encode(Message(teller, piece)).decode()
