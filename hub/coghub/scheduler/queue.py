"""Predictions that wait for an instance, in memory; the rows are the truth, this is their order.

Fair between accounts: of those that wait for a version, whose account has the fewest running comes
first, then whose account was served least recently, then who waits longest.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from heapq import merge
from time import monotonic

from coghub.domain.signals import Line, Waiting

LEFT_S = 30.0
"""Longer than a change of a row takes, also where it is tried again."""


class Queue:
    """Who waits, by version and account."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        """Begin empty; `clock` counts seconds."""
        self._clock = clock
        self._lines = dict[Line, dict[int, dict[str, Waiting]]]()
        self._waiting = dict[str, Waiting]()
        self._left = OrderedDict[tuple[str, int], float]()
        """Id and attempt → when it was taken out, as long as rows may not show it yet."""
        self._served = dict[int, int]()
        """Account → when it was served last, as a count of all that were."""
        self._count = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, prediction_id: str) -> bool:
        return prediction_id in self._waiting

    def find(self, prediction_id: str) -> Waiting | None:
        """Return a prediction that waits."""
        return self._waiting.get(prediction_id)

    def ids(self) -> set[str]:
        """Return the ids of all that wait."""
        return set(self._waiting)

    def has_left(self, waiting: Waiting) -> bool:
        """Tell whether a prediction was taken out lately, at this attempt.

        What a row says of it may be older: its end, or its next attempt, is being written.
        """
        left_at = self._left.get((waiting.id, waiting.attempt))
        return left_at is not None and self._clock() - left_at <= LEFT_S

    def add(self, waiting: Waiting) -> None:
        """Let a prediction wait; one that waits already stays where it is."""
        if waiting.id in self._waiting:
            return
        self._waiting[waiting.id] = waiting
        accounts = self._lines.setdefault(waiting.line, {})
        own = accounts.setdefault(waiting.account_id, {})
        own[waiting.id] = waiting
        if len(own) > 1 and waiting.attempt:  # given back: it has its old place in the line
            accounts[waiting.account_id] = dict(sorted(own.items(), key=_age))

    def serve(self, waiting: Waiting) -> None:
        """Let a prediction go to an instance; its account's others come after those of others."""
        self.remove(waiting.id)
        self._count += 1
        self._served[waiting.account_id] = self._count

    def _rank(self, running: Mapping[int, int], waiting: Waiting) -> tuple[int, int, datetime]:
        account_id = waiting.account_id
        return running.get(account_id, 0), self._served.get(account_id, 0), waiting.created_at

    def remove(self, prediction_id: str) -> bool:
        """Let a prediction wait no more, and tell whether it did."""
        waiting = self._waiting.pop(prediction_id, None)
        if waiting is None:
            return False
        self._note_left(waiting)
        accounts = self._lines[waiting.line]
        del accounts[waiting.account_id][prediction_id]
        if not accounts[waiting.account_id]:
            del accounts[waiting.account_id]
        if not accounts:
            del self._lines[waiting.line]
        return True

    def _note_left(self, waiting: Waiting) -> None:
        now_s = self._clock()
        self._left[waiting.id, waiting.attempt] = now_s
        while now_s - next(iter(self._left.values())) > LEFT_S:
            self._left.popitem(last=False)

    def next_for(self, line: Line, running: Mapping[int, int]) -> Waiting | None:
        """Return who is next for a version, given how many of each account run."""
        accounts = self._lines.get(line)
        if not accounts:
            return None
        heads = (next(iter(own.values())) for own in accounts.values())
        return min(heads, key=partial(self._rank, running))

    def versions(self, running: Mapping[int, int]) -> list[Line]:
        """Return the versions that are waited for, in the order in which they are to be served."""
        heads = [self.next_for(line, running) for line in self._lines]
        found = [it for it in heads if it is not None]
        found.sort(key=partial(self._rank, running))
        return [it.line for it in found]

    def waiting_for(self, line: Line) -> Iterator[Waiting]:
        """Yield who waits for a version."""
        for own in self._lines.get(line, {}).values():
            yield from own.values()

    def count(self, line: Line) -> int:
        """Return how many wait for a version."""
        return sum(len(own) for own in self._lines.get(line, {}).values())

    def first_made_at(self) -> datetime | None:
        """Return when the oldest of all that wait was made; None where none waits."""
        lines = (line for accounts in self._lines.values() for line in accounts.values())
        heads = (next(iter(line.values())).created_at for line in lines)
        return min(heads, default=None)

    def oldest(self, line: Line) -> Iterator[Waiting]:
        """Yield who waits for a version by age; to ask for a few is cheap, however many wait."""
        accounts = self._lines.get(line, {}).values()
        return merge(*(own.values() for own in accounts), key=_created_at)


def _age(item: tuple[str, Waiting]) -> datetime:
    return item[1].created_at


def _created_at(waiting: Waiting) -> datetime:
    return waiting.created_at
