"""Requests that a client repeats because it never got the answer: what they ask for is made once.

One official client sends a POST again after a time-out, or where its connection died, and says in a
header how often it did so. Where an equal request was left before its answer, or its connection
ended with the answer, the repeated one is answered with what that one makes. A request whose answer
has been read is never taken for a repeated one: who asks twice for the same gets two.

What is remembered is in memory: it is forgotten with the process, and other hubs do not know it.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from starlette.requests import Request

from coghub.domain.account import Account

REPEATED = "x-stainless-retry-count"
"""A header of that client: how often it sent this before, "0" at first.

Source: Python client 2.0.0b4; it waits 60 s for an answer, and sends a request three times at most.
"""
LOST = "coghub.lost"
"""The extension of a scope that is an event: the request's connection has ended."""
MEMORY_S = 300.0
"""Longer than all times that a client tries."""
ANSWERED_S = 20.0
"""So soon a client asks again whose connection ended with the answer."""
MOST = 4096
"""Of requests that are remembered; the oldest is forgotten first."""


class Attempt:
    """A request that makes something, until it is answered."""

    def __init__(self, request: Request, now_s: float) -> None:
        self.request: Request | None = request
        """None when it has ended."""
        self.begun_s = now_s
        self.answered_s: float | None = None
        """None: it is not, or the client had left before."""
        self.key = b""
        """What repeated requests have in common; empty if it is never repeated."""
        self.made = asyncio.get_running_loop().create_future()
        """Becomes the id of what is made; None if nothing is."""
        self.is_unanswered = False
        """It was made, and then something failed."""
        self._lost: asyncio.Event | None = (request.scope.get("extensions") or {}).get(LOST)
        self._watch: asyncio.Task[None] | None = None

    def gone(self) -> "asyncio.Task[None]":
        """Return what ends when the client goes away; the request's body has been read."""
        if self._watch is None:
            assert self.request is not None
            self._watch = asyncio.create_task(_disconnected(self.request))
        return self._watch

    @property
    def is_left(self) -> bool:
        """Whether the client went away, or will not get the answer for another reason."""
        watch = self._watch
        has_left = watch is not None and watch.done() and not watch.cancelled()
        return self.is_unanswered or has_left

    @property
    def is_lost(self) -> bool:
        """Whether its connection has ended, be that before the answer or with it."""
        return self._lost is not None and self._lost.is_set()

    def tell(self, made_id: str) -> None:
        """Say what was made."""
        self.made.set_result(made_id)

    async def end(self) -> None:
        """Notice a client that is going just now, and watch no longer."""
        if not self.made.done():
            self.made.set_result(None)
        if self._watch is not None:
            await asyncio.sleep(0)
            self._watch.cancel()
        self.request = None


class Repeats:
    """Remembers requests that were not answered."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._attempts = OrderedDict[Attempt, None]()
        self._by_key = dict[bytes, list[Attempt]]()

    @asynccontextmanager
    async def attempt(self, request: Request) -> AsyncGenerator[Attempt]:
        """Watch over a request inside the block, which makes its answer."""
        attempt = Attempt(request, self._now_s())
        try:
            yield attempt
        except BaseException:
            attempt.is_unanswered = True
            raise
        finally:
            await attempt.end()
            if attempt.made.result() is None:
                self._forget(attempt)
            elif not attempt.is_left:
                attempt.answered_s = self._now_s()

    async def earlier(self, attempt: Attempt, account: Account, body: Any) -> str | None:
        """Return the id of what an earlier request made that this one repeats; None: there is none.

        Args:
            attempt: this one; its body has been read.
            account: who asks.
            body: what for, as a value that can be written as JSON.
        """
        request = attempt.request
        count = None if request is None else request.headers.get(REPEATED)
        if request is None or count is None:
            return None
        parts = [account.id, request.url.path, body]
        attempt.key = await asyncio.to_thread(_digest, parts)
        attempt.gone()
        found = None if count == "0" else self._taken(attempt.key)
        self._remember(attempt)
        return None if found is None else await asyncio.shield(found.made)

    def _taken(self, key: bytes) -> Attempt | None:
        same, soon_s = self._by_key.get(key, []), self._now_s() - ANSWERED_S
        left = [it for it in same if it.is_left]
        lost = [
            it for it in same if it.is_lost and it.answered_s is not None and it.answered_s > soon_s
        ]
        for found in (*left, *lost):
            self._forget(found)
            return found
        return None

    def _remember(self, attempt: Attempt) -> None:
        self._attempts[attempt] = None
        self._by_key.setdefault(attempt.key, []).append(attempt)
        old_s = self._now_s() - MEMORY_S
        while self._attempts and (  # a body may take so long that even this one is old
            len(self._attempts) > MOST or next(iter(self._attempts)).begun_s < old_s
        ):
            self._forget(next(iter(self._attempts)))

    def _forget(self, attempt: Attempt) -> None:
        if attempt not in self._attempts:
            return
        del self._attempts[attempt]
        same = self._by_key[attempt.key]
        same.remove(attempt)
        if not same:
            del self._by_key[attempt.key]


def _digest(parts: Any) -> bytes:
    return hashlib.sha256(msgspec.json.encode(parts)).digest()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
