"""Takes secrets out of text that a model wrote: logs come in pieces, and errors quote inputs."""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from urllib.parse import quote

from coghub.domain.prediction import REDACTED

LEAST_CHARACTERS = 4
"""Shorter ones are no secrets, and would take letters out of every word."""
MAX_VALUES = 256
"""How many secrets are looked for: each costs time with every line."""
PIECE_CHARACTERS = 2048
"""Longer secrets are looked for in pieces, so that no more than this is ever kept back."""


class Redactor:
    """Takes a prediction's secrets out of its logs, also where one is split between two pieces."""

    def __init__(self, values: Iterable[str]) -> None:
        shapes = {shape for value in islice(values, MAX_VALUES) for shape in _shapes(value)}
        self._shapes = sorted(shapes, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, self._shapes))) if shapes else None
        self._kept = ""

    def feed(self, text: str) -> str:
        """Return what may be shown by now; an end that may begin a secret waits for the next."""
        if self._pattern is None:
            return text
        text = self._kept + text
        shown = self._complete(self._pattern, text)
        self._kept = text[shown:]
        return self._pattern.sub(REDACTED, text[:shown])

    def flush(self) -> str:
        """Return what was kept back, once nothing follows."""
        kept, self._kept = self._kept, ""
        return self.redact(kept)

    def redact(self, text: str) -> str:
        """Return a whole text without the secrets."""
        return text if self._pattern is None else self._pattern.sub(REDACTED, text)

    def _complete(self, pattern: re.Pattern[str], text: str) -> int:
        """Return how much of a text no longer depends on what follows; it splits no secret."""
        tail = text[-PIECE_CHARACTERS:]
        begun = min((_begun(tail, shape) for shape in self._shapes), default=len(tail))
        shown = len(text) - len(tail) + begun
        for match in pattern.finditer(text):
            if match.start() < shown < match.end():
                return match.start()
        return shown


def redact(text: str, values: Iterable[str]) -> str:
    """Return a whole text without the secrets."""
    return Redactor(values).redact(text)


def _shapes(value: str) -> Iterator[str]:
    """Yield a secret as it is, as JSON and Python quote it, and as it stands in a URL."""
    for text in {value, value.strip()}:
        if len(text) >= LEAST_CHARACTERS:
            yield from _pieces(text)
            yield from _pieces(json.dumps(text)[1:-1])
            yield from _pieces(json.dumps(text, ensure_ascii=False)[1:-1])
            yield from _pieces(repr(text)[1:-1])
            yield from _pieces(quote(text, safe="", errors="replace"))


def _pieces(text: str) -> Iterator[str]:
    for start in range(0, len(text), PIECE_CHARACTERS):
        piece = text[start : start + PIECE_CHARACTERS]
        if len(piece) >= LEAST_CHARACTERS:
            yield piece


def _begun(tail: str, shape: str) -> int:
    """Return from where on a text may be the beginning of a secret; its length if nowhere."""
    place = tail.find(shape[0], max(0, len(tail) - len(shape) + 1))
    while place >= 0:
        if shape.startswith(tail[place:]):
            return place
        place = tail.find(shape[0], place + 1)
    return len(tail)
