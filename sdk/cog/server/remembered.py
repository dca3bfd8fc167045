"""Predictions that ended and whose events may still be asked for by a client that lost them."""

import asyncio
from collections import OrderedDict
from typing import NamedTuple

from cog.server.prediction import Prediction

REMEMBER_S = 600.0
MAX_BYTES = 256 * 1024**2
"""Of all events together; the oldest go first, the last one stays however large it is."""


class _Kept(NamedTuple):
    prediction: Prediction
    size_bytes: int
    expiry: asyncio.TimerHandle


class Remembered:
    """Forgets each after a while."""

    def __init__(self, *, remember_s: float = REMEMBER_S, max_bytes: int = MAX_BYTES) -> None:
        self._remember_s = remember_s
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._size_bytes = 0

    def keep(self, prediction: Prediction) -> None:
        """Keep a prediction that has ended, in place of an earlier one of that id."""
        self.forget(prediction.id)
        loop = asyncio.get_running_loop()
        expiry = loop.call_later(self._remember_s, self.forget, prediction.id)
        kept = _Kept(prediction, prediction.events.size_bytes, expiry)
        self._kept[prediction.id] = kept
        self._size_bytes += kept.size_bytes
        while self._size_bytes > self._max_bytes and len(self._kept) > 1:
            self.forget(next(iter(self._kept)))

    def find(self, prediction_id: str) -> Prediction | None:
        kept = self._kept.get(prediction_id)
        return None if kept is None else kept.prediction

    def forget(self, prediction_id: str) -> None:
        """Forget one; does nothing if it is not known."""
        kept = self._kept.pop(prediction_id, None)
        if kept is not None:
            kept.expiry.cancel()
            self._size_bytes -= kept.size_bytes
