"""What a running prediction can reach: its context, and the metrics it records."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from cog.metrics import Metrics

OnMetric = Callable[[str, Any, str], None]


class Scope:
    """One prediction's scope; outside a prediction an inert one, so that code may always ask."""

    def __init__(self, *, context: Mapping[str, str], on_metric: OnMetric | None) -> None:
        self.context: dict[str, str] = dict(context)
        """What the request's body gave as `context`."""
        self.metrics = Metrics(on_metric) if on_metric else _NoMetrics()

    def record_metric(self, key: str, value: Any, mode: str | None = "replace") -> None:
        """Record a metric of this prediction; see `Metrics.record`."""
        self.metrics.record(key, value, mode)

    @contextmanager
    def entered(self) -> Generator["Scope", None, None]:
        """Make this the scope that `current_scope` returns, until the block ends."""
        token = running.set(self)
        _entered.append(self)
        try:
            yield self
        finally:
            _entered.remove(self)
            running.reset(token)

    def __repr__(self) -> str:
        return f"Scope({self.metrics!r})"


running: ContextVar[Scope | None] = ContextVar("cog_running_scope", default=None)
"""The scope of the prediction that this thread or async task works for; set by the worker."""

_entered: list[Scope] = []
"""All scopes in use: threads of the user's own have no context variables of their parent."""


def current_scope() -> Scope:
    """Return the scope of the running prediction, or an inert one outside of any.

    A thread that the model started belongs to the prediction that runs alone, and to none
    while several run.
    """
    scope = running.get()
    if scope is None and len(_entered) == 1:
        scope = next(iter(_entered), None)
    return scope or Scope(context={}, on_metric=None)


class _NoMetrics(Metrics):
    """Outside a prediction there is nobody to tell, and nothing to complain about."""

    def __init__(self) -> None:
        super().__init__(lambda _name, _value, _mode: None)

    def record(self, key: str, value: Any, mode: str | None = "replace") -> None:
        """Do nothing."""

    def delete(self, key: str) -> None:
        """Do nothing."""
