"""A free slot for a prediction that is about to be made: it need not wait, and its row says so.

One change of the database less is made before an instance hears of the prediction.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from coghub.database import attempts
from coghub.scheduler.run import Run


@dataclass(frozen=True, slots=True)
class KeptSlot:
    """See `coghub.domain.signals.Slot`."""

    run: Run
    on_begin: Callable[[Run], None]
    on_free: Callable[[Run], None]

    @property
    def columns(self) -> Mapping[str, Any]:
        """What the prediction's row holds from the start."""
        return attempts.given(self.run.member.hardware, self.run.parts.hub_id())

    def begin(self, values: Mapping[str, Any]) -> None:
        """Run the prediction, whose row was written with these values."""
        self.run.assigned = attempts.assigned_of(values)
        self.on_begin(self.run)

    def free(self) -> None:
        """Let others have the slot."""
        self.on_free(self.run)
