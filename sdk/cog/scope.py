"""What a running prediction can reach: its context, and the metrics it records."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from cog.metrics import Metrics

OnMetric = Callable[[str, Any, str], None]


class Scope:
    """One prediction's scope; outside a prediction an inert one, so that code may always ask."""

    def __init__(self, *, context: Mapping[str, str], on_metric: OnMetric) -> None:
        self.context: dict[str, str] = dict(context)
        """What the request's body gave as `context`."""
        self.metrics = Metrics(on_metric)

    def record_metric(self, key: str, value: Any, mode: str | None = "replace") -> None:
        """Record a metric of this prediction; see `Metrics.record`."""
        self.metrics.record(key, value, mode)

    @contextmanager
    def entered(self) -> Generator["Scope", None, None]:
        """Make this the scope that `current_scope` returns, until the block ends."""
        token = running.set(self)
        try:
            yield self
        finally:
            running.reset(token)

    def __repr__(self) -> str:
        return f"Scope({self.metrics!r})"


running: ContextVar[Scope | None] = ContextVar("cog_running_scope", default=None)
"""The scope of the prediction that this thread or async task works for; set by the worker."""


def current_scope() -> Scope:
    """Return the scope of the running prediction, or an inert one outside of any."""
    return running.get() or Scope(context={}, on_metric=_ignore)


def _ignore(_name: str, _value: Any, _mode: str) -> None:
    """Outside a prediction there is nobody to tell."""
