"""What happened since the server started, counted for `/metrics`."""

from bisect import bisect_left

from cog.server.wire import WireCompleted

BOUNDS_S = (
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
    300.0,
    1800.0,
)
"""Upper ends of the histograms' buckets: from a no-op to half an hour."""


class Histogram:
    """How many durations fell into which bucket."""

    __slots__ = ("counts", "sum_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        """One for each bound, not cumulated, and one for what is above all of them."""
        self.sum_s = 0.0

    def add(self, duration_s: float) -> None:
        self.counts[bisect_left(BOUNDS_S, duration_s)] += 1
        self.sum_s += duration_s


class Statistics:
    """Counts of predictions."""

    def __init__(self) -> None:
        self.ended_by_status = {"succeeded": 0, "failed": 0, "canceled": 0}
        self.refused = 0
        """For want of a slot and of a place in the queue."""
        self.waited = Histogram()
        """From the request to the slot."""
        self.ran = Histogram()
        """What `predict_time` says."""

    def began(self, waited_s: float) -> None:
        self.waited.add(waited_s)

    def ended(self, outcome: WireCompleted) -> None:
        self.ended_by_status[outcome.status] += 1
        self.ran.add(outcome.predict_time_s)
