"""All connections there are: how many there may be, and how long each may wait for its client.

Every few seconds one look at all of them compares what each shows with what it showed before.
Serving a request therefore costs nothing for this: no timer is set and no clock is read.
"""

import asyncio
import resource
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple, Protocol

TICK_S = 5.0
"""Between two looks; limits are that coarse."""
MAX_BODIES_BYTES = 512 * 1024**2
"""Of all bodies that are being received: each may have 100 MiB, and anyone may send many."""
SMALL_BODY_BYTES = 256 * 1024
"""A body up to this is received however many others are."""
RESERVED_DESCRIPTORS = 128
"""For the worker's pipes, files and outgoing calls."""


class Stage(str, Enum):
    """Whom a connection waits for."""

    IDLE = "idle"
    """For a request, if one comes."""
    HEAD = "head"
    """For the rest of a request's head."""
    BODY = "body"
    """For the rest of its body."""
    SERVING = "serving"
    """For us."""
    UNREAD = "unread"
    """For the client to read what it was sent."""


class Progress(NamedTuple):
    """Where a connection stands."""

    stage: Stage
    request: object
    """Another object for each request."""
    size_bytes: int
    """Changes as long as bytes come or go."""


class _Limit(NamedTuple):
    quiet_s: float
    """Without any change."""
    total_s: float
    """At the same stage of the same request."""


LIMITS = {
    # Load balancers keep idle connections for up to ten minutes, and should hang up first.
    Stage.IDLE: _Limit(620, 620),
    Stage.HEAD: _Limit(60, 60),
    Stage.BODY: _Limit(60, 3600),
    Stage.SERVING: _Limit(float("inf"), float("inf")),
    Stage.UNREAD: _Limit(120, float("inf")),
}


class Watched(Protocol):
    """A connection, as far as it is watched."""

    def progress(self) -> Progress: ...
    def give_up(self) -> None: ...
    def turn_away(self) -> None: ...
    def close_when_idle(self) -> None: ...


class _Seen(NamedTuple):
    progress: Progress | None
    quiet_s: float
    total_s: float


_NEW = _Seen(None, 0.0, 0.0)


class Connections:
    """The connections, the oldest first."""

    def __init__(
        self, *, limit: int = 1_000_000, bodies_limit_bytes: int = MAX_BODIES_BYTES
    ) -> None:
        self._seen: dict[Watched, _Seen] = {}
        self._limit = limit
        self._room_bytes = bodies_limit_bytes

    def __iter__(self) -> Iterator[Watched]:
        return iter(tuple(self._seen))

    def __len__(self) -> int:
        return len(self._seen)

    def add(self, connection: Watched) -> None:
        """Take a connection; where there are too many, in place of one that is idle."""
        if len(self._seen) >= self._limit:
            idle = (it for it in self._seen if it.progress().stage is Stage.IDLE)
            given_up = next(idle, None)
            if given_up is None:
                connection.turn_away()
            else:
                self.discard(given_up)
                given_up.give_up()
        self._seen[connection] = _NEW

    def discard(self, connection: Watched) -> None:
        self._seen.pop(connection, None)

    def hold(self, piece_bytes: int, body_bytes: int) -> bool:
        """Count a piece of a body that is being received, and tell whether there is room for it."""
        self._room_bytes -= piece_bytes
        return self._room_bytes >= 0 or body_bytes <= SMALL_BODY_BYTES

    def let_go(self, body_bytes: int) -> None:
        """Count a body no more: it is a request now, or was dropped."""
        self._room_bytes += body_bytes

    def watch(self) -> None:
        """Look now, and again for as long as the event loop runs."""
        self.tick()
        asyncio.get_running_loop().call_later(TICK_S, self.watch)

    def tick(self) -> None:
        """Look once, and give up on those who have waited too long."""
        for connection in self:
            seen = _look(self._seen[connection], connection.progress())
            self._seen[connection] = seen
            assert seen.progress is not None
            limit = LIMITS[seen.progress.stage]
            if seen.quiet_s >= limit.quiet_s or seen.total_s >= limit.total_s:
                connection.give_up()


def affordable_connections() -> int:
    """Return how many connections this process may have, by its limit of open files."""
    open_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if open_files == resource.RLIM_INFINITY:
        return 1_000_000
    return max(open_files - RESERVED_DESCRIPTORS, open_files // 2)


def _look(before: _Seen, now: Progress) -> _Seen:
    was = before.progress
    if was is None or was.stage is not now.stage or was.request is not now.request:
        return _Seen(now, 0.0, 0.0)
    is_quiet = was.size_bytes == now.size_bytes
    return _Seen(now, before.quiet_s + TICK_S if is_quiet else 0.0, before.total_s + TICK_S)
