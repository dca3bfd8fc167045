"""What is known of the model's setup: when, how it went, what it printed."""

import time
from datetime import datetime, timezone
from typing import Any

from cog.server.events import EventLog

MAX_LOG_BYTES = 1024**2
"""Of what setup printed, the first and the last half: every look at the health repeats it."""


class SetupRecord:
    """One start of a worker, as `/health-check` shows it."""

    def __init__(self) -> None:
        self.started_at = _now()
        self._started_s = time.perf_counter()
        self.duration_s: float | None = None
        """How long it took; None before its end."""
        self.completed_at: str | None = None
        self.status = "starting"
        self._printed = EventLog(MAX_LOG_BYTES)

    def add_log(self, source: str, text: str) -> None:
        self._printed.add("log", {"data": text, "source": source})

    def end(self, error: str | None) -> None:
        """Note how it ended; what went wrong is the last line of its logs."""
        self.completed_at = _now()
        self.duration_s = time.perf_counter() - self._started_s
        self.status = "succeeded" if error is None else "failed"
        if error is not None:
            is_mid_line = self._printed.has_logs and not self._printed.logs.endswith("\n")
            self.add_log("stderr", "\n" * is_mid_line + error)

    def fields(self) -> dict[str, Any]:
        shown = {"started_at": self.started_at, "status": self.status, "logs": self._printed.logs}
        return shown if self.completed_at is None else {**shown, "completed_at": self.completed_at}


def _now() -> str:
    return datetime.now(timezone.utc).isoformat()
