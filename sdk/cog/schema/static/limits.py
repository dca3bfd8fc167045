"""How much a source may ask for: a project is never read for minutes, nor until memory is full."""

from collections import deque
from pathlib import PurePath
from typing import Any

from cog.schema.static.unknown import GivesUp, Unknown

MAX_STEPS = 100_000
"""Expressions and statements; each takes microseconds, and real projects need some thousands."""
MAX_WORK = 3_000_000
"""Sum of the weights of all values that were met."""
MAX_WEIGHT = 100_000
"""Of one value: its items, and those inside them, and its characters by the dozen."""
MAX_BITS = 10_000
"""Of an integer."""
MAX_DEPTH = 40
"""Of calls inside calls."""
MAX_FILE_BYTES = 1024**2
MAX_FILES = 300
CHARACTERS = 16
"""As heavy as one item."""
CONTAINERS = (list, tuple, set, frozenset, deque)


class TooMuch(Exception):
    """One value is larger than any interface needs."""


class Budget:
    """What is left for one description."""

    def __init__(self) -> None:
        self.steps = MAX_STEPS
        self.work = MAX_WORK
        self.depth = 0

    def step(self) -> None:
        """Count an expression or a statement."""
        self.steps -= 1
        if self.steps < 0:
            raise GivesUp("the source does too much when it is imported")

    def count(self, value: Any) -> None:
        """Count what a value weighs.

        Raises:
            TooMuch: if it is too large, or holds itself.
        """
        if type(value) in (str, bytes):
            self._spend(len(value) // CHARACTERS)
        elif isinstance(value, (int, float, complex, type(None))) or type(value) is Unknown:
            if isinstance(value, int) and value.bit_length() > MAX_BITS:
                raise TooMuch("a number is too large")
        else:
            self._spend(weight(value))

    def _spend(self, amount: int) -> None:
        self.work -= amount
        if self.work < 0:
            raise GivesUp("the source does too much when it is imported")
        if amount > MAX_WEIGHT:
            raise TooMuch("a value is too large")


def weight(value: Any) -> int:
    """Return how many values are inside of one, up to somewhat above the largest allowed."""
    counted, waiting = 0, [value]
    while waiting and counted <= MAX_WEIGHT:
        one = waiting.pop()
        counted += 1
        if isinstance(one, (str, bytes)):
            counted += len(one) // CHARACTERS
        elif isinstance(one, PurePath):
            counted += len(str(one)) // CHARACTERS
        elif isinstance(one, range):
            counted += min(len(one), MAX_WEIGHT + 1)
        elif isinstance(one, dict):
            counted += len(one)
            waiting.extend(one.keys())
            waiting.extend(one.values())
        elif isinstance(one, CONTAINERS):
            counted += len(one)
            waiting.extend(one)
    return counted
