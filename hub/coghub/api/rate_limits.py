"""How many requests a token may make, and the headers by which Replicate tells what is left.

A bucket of each token fills evenly and holds what is allowed in a minute, so that short bursts
pass. Nothing is limited unless a setting says so; clients then read Replicate's numbers.
"""

import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import Scope

from coghub.domain.errors import Throttled
from coghub.hub_settings import HubSettings

Header = tuple[bytes, bytes]

PREDICTIONS_PER_MINUTE = 600
OTHERS_PER_MINUTE = 3000
"""What Replicate allows."""
MAX_BUCKETS = 10_000
"""Of tokens that are remembered; who was forgotten begins anew."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What becomes of a request."""

    remaining: int
    reset_s: int
    """In so many seconds nothing of it is used."""
    retry_after_s: int = 0
    """Not 0: it is refused."""

    @property
    def headers(self) -> list[Header]:
        """What every answer tells."""
        return [
            (b"ratelimit-remaining", str(self.remaining).encode()),
            (b"ratelimit-reset", str(self.reset_s).encode()),
        ]

    def require(self) -> None:
        """Do nothing if the request may be answered.

        Raises:
            Throttled: if not.
        """
        if self.retry_after_s:
            raise Throttled(self.retry_after_s)


class RateLimits:
    """Counts the requests of every token."""

    def __init__(self, settings: HubSettings, now_s: Callable[[], float] = time.monotonic) -> None:
        self._predictions = settings.predictions_per_minute
        self._others = settings.requests_per_minute
        self._now_s = now_s
        self._full_at = OrderedDict[tuple[bytes, bool], float]()
        """When a bucket will be full; that says all of it."""

    def take(self, scope: Scope) -> Allowance:
        """Count a request, if it may be answered."""
        makes_prediction = scope["method"] == "POST" and scope["path"].endswith("/predictions")
        limit = self._predictions if makes_prediction else self._others
        token = dict(scope["headers"]).get(b"authorization")
        if not limit or token is None:
            usual = PREDICTIONS_PER_MINUTE if makes_prediction else OTHERS_PER_MINUTE
            return Allowance(usual, 1)
        return self._taken((hashlib.sha256(token).digest(), makes_prediction), limit)

    def _taken(self, key: tuple[bytes, bool], limit: int) -> Allowance:
        now_s, each_s = self._now_s(), 60 / limit
        full_at = max(self._full_at.pop(key, now_s), now_s) + each_s
        late_s = full_at - now_s - 60
        if is_refused := late_s > 1e-6:  # noqa: PLR2004 - less than a clock tells
            full_at -= each_s
        self._full_at[key] = full_at
        if len(self._full_at) > MAX_BUCKETS:
            self._full_at.popitem(last=False)
        used_s = full_at - now_s
        remaining = max(int((60 - used_s) / each_s + 1e-6), 0)
        retry_after_s = max(math.ceil(late_s), 1) if is_refused else 0
        return Allowance(remaining, max(math.ceil(used_s), 1), retry_after_s)
