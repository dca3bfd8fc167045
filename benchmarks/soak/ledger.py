"""What was asked and what came of it: each accepted prediction has one end, and one call of it."""

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

ENDED = frozenset({"succeeded", "failed", "canceled"})
KILLED = ("killed by signal", "worker", "instance", "stopped", "died")
"""What an error says where we killed what ran; any other failure is a fault."""


@dataclass
class Entry:
    """One accepted prediction."""

    kind: str
    expected: Any
    """Its output, where it succeeds."""
    most_calls: int = 0
    """That its webhook may be told of the end. One, or two where it also hears of the start: that
    call shows the prediction as it is then, which for a short one is its end."""
    may_be_canceled: bool = False
    end: dict[str, Any] | None = None
    """How it was first seen to have ended."""
    calls: list[str] = field(default_factory=list)
    """The statuses that its webhook was told, as often as that was accepted."""


class Ledger:
    """All predictions of one run; used by many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.entries: dict[str, Entry] = {}
        self.early_calls: dict[str, list[str]] = {}
        """Of predictions whose answer has not been read yet."""
        self.refused: Counter[int] = Counter()
        self.faults: list[str] = []

    def accept(self, prediction_id: str, entry: Entry) -> None:
        """Note a prediction that was answered 200, 201 or 202."""
        with self._lock:
            if prediction_id in self.entries:
                self.faults.append(f"two predictions have the id {prediction_id}")
            entry.calls += self.early_calls.pop(prediction_id, [])
            self.entries[prediction_id] = entry

    def refuse(self, status: int, body: bytes) -> None:
        """Note a request that was not accepted: 429, 409 and 503 say to come again."""
        with self._lock:
            self.refused[status] += 1
            if status not in {409, 429, 503}:
                self.faults.append(f"answered {status}: {body[:200]!r}")

    def fault(self, text: str) -> None:
        """Note what must not be."""
        with self._lock:
            self.faults.append(text)

    def call(self, prediction_id: str, status: str) -> None:
        """Note an accepted webhook."""
        with self._lock:
            entry = self.entries.get(prediction_id)
            calls = self.early_calls.setdefault(prediction_id, []) if entry is None else entry.calls
            calls.append(status)

    def end(self, prediction_id: str, prediction: dict[str, Any]) -> None:
        """Note how a prediction ended; it may be seen again, and must be the same then."""
        seen = {name: prediction.get(name) for name in ("status", "output", "error")}
        with self._lock:
            entry = self.entries[prediction_id]
            if entry.end is None:
                entry.end = seen
                self._check(prediction_id, entry)
            elif entry.end["status"] != seen["status"]:
                self.faults.append(f"{prediction_id} ended twice: {entry.end} and {seen}")

    def _check(self, prediction_id: str, entry: Entry) -> None:
        assert entry.end is not None
        status, error = entry.end["status"], str(entry.end["error"])
        what = f"{entry.kind} {prediction_id}"
        if status == "failed" and not any(it in error.lower() for it in KILLED):
            self.faults.append(f"{what} failed: {error[:300]}")
        if status == "canceled" and not entry.may_be_canceled:
            self.faults.append(f"{what} was canceled by nobody")
        if status == "succeeded" and entry.expected not in (None, entry.end["output"]):
            self.faults.append(f"{what} has the output {str(entry.end['output'])[:100]!r}")

    def unended(self) -> list[str]:
        """Return the ids of accepted predictions of which no end was seen."""
        with self._lock:
            return [each for each, entry in self.entries.items() if entry.end is None]

    def untold(self) -> list[str]:
        """Return the ids of predictions whose webhook has not been told of their end."""
        with self._lock:
            return [each for each, it in self.entries.items() if it.most_calls and not it.calls]

    def closing_faults(self) -> Iterable[str]:
        """Yield what is wrong when all is over."""
        yield from self.faults
        for prediction_id, entry in self.entries.items():
            what = f"{entry.kind} {prediction_id}"
            if entry.end is None:
                yield f"{what} was lost: it has no end"
            elif not _is_told(entry, entry.end["status"]):
                yield f"{what} ended {entry.end['status']}, its webhook was told {entry.calls}"
        yield from (f"a webhook named {each}, which nobody asked for" for each in self.early_calls)

    def counts(self) -> dict[str, Counter[str]]:
        """Return how many ended how, by kind."""
        found: dict[str, Counter[str]] = {}
        for entry in self.entries.values():
            end = "lost" if entry.end is None else entry.end["status"]
            found.setdefault(entry.kind, Counter())[end] += 1
        return found


def _is_told(entry: Entry, status: str) -> bool:
    """Tell whether a webhook was told of the end, of nothing else, and no more than it should."""
    if not entry.most_calls:
        return not entry.calls
    return set(entry.calls) == {status} and len(entry.calls) <= entry.most_calls
