"""Names of Cog 0.13's experiments, which models still import."""

from typing import Any

from cog.scope import current_scope


class ExperimentalFeatureWarning(FutureWarning):
    """Never issued; models name it to silence it."""


def emit_metric(name: str, value: Any) -> None:
    """Record a metric of the running prediction, as `current_scope().record_metric` does."""
    current_scope().record_metric(name, value)
