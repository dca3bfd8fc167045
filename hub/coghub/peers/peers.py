"""The other hubs of a database, as one hub sees them.

1. `join` adds a row for this hub; `run` lets it live by raising its beat every few seconds.
2. A hub whose beat did not change for `LEASE_S`, while the database answered, is struck off: who
   does so needs no clock but his own. What it ran is left behind, and taken up by whoever sees it.
3. What others have is read with each beat, and when they tell that it changed.
4. One of all hubs leads: it does what must be done once, such as webhooks and clocks.

A hub that finds its own row gone stood still for too long: what it runs was given to others.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from time import monotonic

import structlog
from sqlalchemy import Connection

from coghub.database import hubs as rows
from coghub.database.bus import Bus
from coghub.database.database import Database
from coghub.domain.beside import beside
from coghub.domain.clock import Clock
from coghub.domain.errors import DatabaseUnreachable, HubsDiffer
from coghub.domain.hardware import Hardware
from coghub.domain.peers import News, Peer, PeerInstance, Topic
from coghub.domain.signals import Line
from coghub.peers.telling import Telling

log = structlog.get_logger()

BEAT_S = 2.0
LEASE_S = 12.0
"""A hub that shows no life for so long is gone."""
KEEP_S = 4.0
"""Longest wait for the session that has the locks."""
AGAIN_S = 1.0
"""Between two tries while the database does not answer."""
NEWS_PAUSE_S = 0.1
"""Between two looks at what others have, however often they tell that it changed."""


@dataclass(frozen=True, slots=True)
class Here:
    """What this hub is to others."""

    place: str
    """Its machine and data folder."""
    storage: str
    """Where its objects are."""
    hardware: tuple[Hardware, ...]


@dataclass(slots=True)
class _Seen:
    """When the beat of a hub was seen to change."""

    beat: int
    at_s: float


@dataclass(slots=True)
class Listeners:
    """Who hears of others."""

    on_news: Callable[[Sequence[News]], None] = lambda _: None
    on_gap: Callable[[], None] = lambda: None
    """News may have been missed."""
    on_gone: Callable[[], None] = lambda: None
    """Another hub is no more, and may have left something behind."""
    on_changed: Callable[[], None] = lambda: None
    """Others have other instances."""
    on_lost: Callable[[], None] = lambda: None
    """This hub was taken for dead, and begins anew."""


class Peers:
    """Knows them; where a database has one hub, there are none."""

    def __init__(self, database: Database, bus: Bus, here: Here, now: Clock) -> None:
        self._database = database
        self._bus = bus
        self._here = here
        self._now = now
        self._telling = Telling(bus)
        self._seen = dict[int, _Seen]()
        self._to_cut_off = set[int]()
        self._looked_at_s = monotonic()
        self._beat_at_s = -BEAT_S
        self._look_soon = asyncio.Event()
        self._is_blind = False
        self._executor = ""
        self._is_leaving = False
        self.me = 0
        """The id of this hub; 0 as long as it has none."""
        self.others: Mapping[int, Peer] = {}
        """Those that live and take predictions."""
        self.instances: Sequence[PeerInstance] = ()
        """What they have that is ready, or on its way."""
        self.running: Counter[int] = Counter()
        """Account → how many of its predictions they run."""
        self.leads = asyncio.Event()
        """This hub does what one does for all."""
        self.leads_not = asyncio.Event()
        self.leads_not.set()
        self.listeners = Listeners()

    # --- what others have ---

    @property
    def hardware(self) -> tuple[Hardware, ...]:
        """What all hubs offer together."""
        found = {it.sku: it for it in self._here.hardware}
        for peer in self.others.values():
            for it in peer.hardware:
                known = found.get(it.sku)
                capacity = it.capacity + (known.capacity if known else 0)
                found[it.sku] = replace(known or it, capacity=capacity)
        return tuple(found.values())

    def of_line(self, line: Line) -> list[PeerInstance]:
        """Return the instances of others that serve those who wait there."""
        return [it for it in self.instances if it.line == line]

    @property
    def rank(self) -> int:
        """How many hubs come before this one, where all would do the same."""
        return sum(1 for it in self.others if it < self.me)

    # --- telling ---

    def tell(self, topic: Topic, key: str = "") -> None:
        """Let others know something, if there are any; those that leave hear of ends too."""
        if self._seen or topic is Topic.HUBS:
            self._telling.add(News(topic, key))

    # --- life ---

    async def join(self, executor: str) -> None:
        """Become one of the hubs of the database.

        Raises:
            HubsDiffer: if others work in a way that does not go together with this one.
        """
        self._executor = executor
        await self._add_row()
        try:
            await self._agree()
        except BaseException:
            await self._database.write(lambda c: rows.remove_id(c, self.me))
            raise
        self.tell(Topic.HUBS)

    async def _add_row(self) -> None:
        here = self._here
        mine = Peer(
            id=0,
            place=here.place,
            executor=self._executor,
            storage=here.storage,
            hardware=here.hardware,
            beat=0,
            is_leaving=self._is_leaving,
            started_at=self._now(),
        )
        place = here.place if self._bus.is_shared else None

        def add(connection: Connection) -> int:
            hub_id = rows.add(connection, mine)
            rows.remove_but(connection, hub_id, place=place)
            return hub_id

        self.me = await self._database.write(add)

    async def _agree(self) -> None:
        """Wait until all who live go together with this hub; one that does not may be dead."""
        first = dict[int, int]()
        while True:
            await self.look()
            odd = [it for it in self.others.values() if self._differs(it)]
            if not odd:
                return
            for peer in odd:
                if peer.beat > first.setdefault(peer.id, peer.beat):
                    raise self._difference(peer)
            # Two that wait for each other must not take each other for dead.
            await self._database.write(lambda c: rows.beat(c, self.me))
            await asyncio.sleep(BEAT_S / 2)

    def _differs(self, peer: Peer) -> bool:
        mine = (self._here.storage, self._executor)
        return (peer.storage, peer.executor) != mine

    def _difference(self, peer: Peer) -> HubsDiffer:
        return HubsDiffer(
            f"The hub in {peer.place} works with the same database, and otherwise: its objects are "
            f"in {peer.storage}, and it runs models by `{peer.executor}`",
            hint="Give all hubs of a database the same `storage` and `executor`",
        )

    @property
    def is_shared(self) -> bool:
        """Whether there can be other hubs."""
        return self._bus.is_shared

    async def run(self) -> None:
        """Live until canceled."""
        if not self._bus.is_shared:
            self._lead(leads=True)
            await asyncio.Event().wait()
        async with beside(self._telling.run(), self._bus.hear(self._on_news, self._on_gap)):
            while True:
                await self._live()
                await self._pause()

    async def _pause(self) -> None:
        """Wait for the next beat, or until others tell that something changed."""
        left_s = max(0.0, self._beat_at_s + BEAT_S - monotonic())
        try:
            async with asyncio.timeout(max(left_s, NEWS_PAUSE_S)):
                await self._look_soon.wait()
        except TimeoutError:
            return
        await asyncio.sleep(NEWS_PAUSE_S)
        self._look_soon.clear()

    async def _live(self) -> None:
        try:
            if monotonic() - self._beat_at_s >= BEAT_S:
                await self._beat()
            await self.look()
            self._is_blind = False
        except DatabaseUnreachable as error:
            self._lead(leads=False)
            if not self._is_blind:
                log.warning("other hubs are not seen", error=error.message)
            self._is_blind = True
            await asyncio.sleep(AGAIN_S)
        except Exception:
            log.exception("other hubs are not seen")
            await asyncio.sleep(AGAIN_S)

    async def _beat(self) -> None:
        lives = await self._database.write(
            lambda c: rows.beat(c, self.me, is_leaving=self._is_leaving)
        )
        self._beat_at_s = monotonic()
        if not lives:
            await self._begin_anew()
        try:
            async with asyncio.timeout(KEEP_S):
                leads = await self._bus.keep(self.me, leads=not self._is_leaving)
        except TimeoutError:  # its connection hangs, and its lock may be another's soon
            leads = False
        self._lead(leads=leads)

    def _lead(self, *, leads: bool) -> None:
        if leads == self.leads.is_set():
            return
        log.info("hub leads" if leads else "hub leads no more", hub_id=self.me)
        gained, lost = (self.leads, self.leads_not) if leads else (self.leads_not, self.leads)
        lost.clear()
        gained.set()

    async def _begin_anew(self) -> None:
        log.error("hub was taken for dead", hub_id=self.me)
        self._lead(leads=False)
        await self._add_row()
        self.listeners.on_lost()
        self.tell(Topic.HUBS)

    async def leave(self) -> None:
        """Take nothing more, and lead no more; others hear of it.

        Raises:
            DatabaseUnreachable: if they do not.
        """
        self._is_leaving = True
        await self._database.write(lambda c: rows.beat(c, self.me, is_leaving=True))
        self.tell(Topic.HUBS)
        self._lead(leads=await self._bus.keep(self.me, leads=False))

    async def end(self) -> None:
        """Be none of the hubs any more; what this one ran is left to others."""
        hub_id, self.me = self.me, 0
        try:
            await self._database.write(lambda c: rows.remove_id(c, hub_id))
        except DatabaseUnreachable as error:  # others find that it is gone
            log.warning("hub ends without saying so", error=error.message)
        finally:
            self.tell(Topic.HUBS)
            await self._telling.flush()
            await self._bus.close()

    # --- seeing ---

    def _on_news(self, news: Sequence[News]) -> None:
        if any(it.topic in {Topic.INSTANCES, Topic.HUBS} for it in news):
            self._look_soon.set()
        self.listeners.on_news(news)

    def _on_gap(self) -> None:
        self._look_soon.set()
        self.listeners.on_gap()

    async def look(self) -> None:
        """See who lives and what they have; strike off who does not."""
        there = [it for it in await self._database.read(rows.every) if it.id != self.me]
        gone = [it for it in there if self._is_gone(it)]
        self._looked_at_s = monotonic()
        for peer in gone:
            if await self._database.write(lambda c, peer=peer: rows.remove(c, peer)):
                log.warning("hub is gone", hub_id=peer.id, place=peer.place)
                self._to_cut_off.add(peer.id)
        await self._cut_off()
        living = {it.id: it for it in there if it not in gone}
        is_less = len(living) < len(self._seen)
        self._seen = {key: it for key, it in self._seen.items() if key in living}
        self.others = {key: it for key, it in living.items() if not it.is_leaving}
        if is_less:
            self.listeners.on_gone()
        await self._look_at_instances()

    async def _cut_off(self) -> None:
        """End the sessions of hubs that are gone: one that stands still has locks for ever."""
        for hub_id in list(self._to_cut_off):
            with suppress(DatabaseUnreachable, TimeoutError):  # then at the next look
                async with asyncio.timeout(KEEP_S):
                    await self._bus.cut_off(hub_id)
                self._to_cut_off.discard(hub_id)

    async def _look_at_instances(self) -> None:
        ids = list(self.others)
        before = self.instances
        if ids:
            self.instances, running = await self._database.read(
                lambda c: (rows.instances_of(c, ids), rows.running(c, ids))
            )
            self.running = Counter(running)
        else:
            self.instances, self.running = (), Counter()
        if before != self.instances:
            self.listeners.on_changed()

    def _is_gone(self, peer: Peer) -> bool:
        """Tell whether a hub showed no life for too long, as far as this one could see it."""
        now_s = monotonic()
        seen = self._seen.get(peer.id)
        if seen is None or seen.beat != peer.beat:
            self._seen[peer.id] = _Seen(peer.beat, now_s)
            return False
        if now_s - self._looked_at_s > 2 * BEAT_S:  # the database was away, for others too
            seen.at_s = now_s
        return now_s - seen.at_s > LEASE_S
