"""What happened since the hub started, counted for `/metrics` as plain values."""

from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass, field

BOUNDS_S = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
"""Upper ends of the histograms' buckets: from a page to half an hour."""


class Histogram:
    """How many durations fell into which bucket."""

    __slots__ = ("counts", "sum_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        """One for each bound, not cumulated, and one for what is above all of them."""
        self.sum_s = 0.0

    def add(self, duration_s: float) -> None:
        """Count one."""
        self.counts[bisect_left(BOUNDS_S, duration_s)] += 1
        self.sum_s += duration_s


def _histograms() -> defaultdict[str, Histogram]:
    return defaultdict(Histogram)


@dataclass(slots=True)
class Statistics:
    """Counts of one hub; changed on the event loop's thread alone."""

    runs: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Model, hardware and status → predictions that ended on an instance."""
    waited: defaultdict[str, Histogram] = field(default_factory=_histograms)
    """Hardware → from a prediction's making to its start."""
    ran: defaultdict[str, Histogram] = field(default_factory=_histograms)
    """Hardware → from its start to its end."""
    boots: defaultdict[str, Histogram] = field(default_factory=_histograms)
    """Hardware → from the wish for an instance to its being ready."""
    boot_failures: Counter[str] = field(default_factory=Counter)
    deaths: Counter[str] = field(default_factory=Counter)
    """Hardware → instances that were ready, and ended without being told to."""
    webhooks: Counter[str] = field(default_factory=Counter)
    """`delivered`, `failed` (and due again) or `given up` → attempts."""
    requests: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    """Surface, method and status → answers that were begun."""
    answered: defaultdict[str, Histogram] = field(default_factory=_histograms)
    """Surface → from a request to the beginning of its answer."""
    received_bytes: Counter[str] = field(default_factory=Counter)
    sent_bytes: Counter[str] = field(default_factory=Counter)
    """Surface → bytes of bodies."""
