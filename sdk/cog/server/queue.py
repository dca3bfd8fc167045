"""Predictions that wait for a slot, in their order."""

from cog.server.run import Run

MAX_QUEUED_BYTES = 512 * 1024**2
"""Of all bodies whose predictions wait; a body may have 100 MiB, and a queue be long."""


class Queue:
    """A bounded line; with a size of 0 nobody waits."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._runs: dict[str, Run] = {}

    def __len__(self) -> int:
        return len(self._runs)

    def __contains__(self, prediction_id: str) -> bool:
        return prediction_id in self._runs

    @property
    def ids(self) -> list[str]:
        """The ids of those that wait, the next one first."""
        return list(self._runs)

    @property
    def runs(self) -> list[Run]:
        """All that wait, the next one first."""
        return list(self._runs.values())

    def has_room(self, size_bytes: int) -> bool:
        """Tell whether one more may wait, with a body of this size."""
        if len(self._runs) >= self.size:
            return False
        waiting_bytes = sum(run.size_bytes for run in self._runs.values())
        return not self._runs or waiting_bytes + size_bytes <= MAX_QUEUED_BYTES

    def position(self, prediction_id: str) -> int | None:
        """Return 1 for the next one to get a slot; None for what does not wait."""
        return 1 + self.ids.index(prediction_id) if prediction_id in self._runs else None

    def add(self, run: Run) -> None:
        """Put one at the end."""
        self._runs[run.prediction.id] = run

    def take(self) -> Run:
        """Take out who waits longest."""
        return self._runs.pop(next(iter(self._runs)))

    def leave(self, prediction_id: str) -> None:
        """Take one out, if it waits."""
        self._runs.pop(prediction_id, None)
