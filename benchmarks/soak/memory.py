"""The memory of what runs, looked at all the time, and the rule by which it is called flat."""

import statistics
from collections import defaultdict

from benchmarks.soak.processes import processes

WARM_UP_SHARE = 0.1
"""Of the samples: what is made once is made in this time."""
GROWTH = 1.2
SLACK_MIB = 20


class Memory:
    """Samples of resident memory, by what a process is."""

    def __init__(self) -> None:
        self.samples: dict[str, list[float]] = defaultdict(list)

    def look(self, root: int) -> None:
        """Note what a process and those below it use: of each kind the largest."""
        seen: dict[str, float] = {}
        for each in processes(root):
            seen[each.kind] = max(seen.get(each.kind, 0), each.resident_mib)
        for kind, mib in seen.items():
            self.samples[kind].append(mib)

    def thirds(self, kind: str) -> tuple[float, float]:
        """Return the medians of the first and of the last third."""
        samples = self.samples[kind]
        warm = samples[int(len(samples) * WARM_UP_SHARE) :]
        third = max(1, len(warm) // 3)
        return statistics.median(warm[:third]), statistics.median(warm[-third:])

    def faults(self) -> list[str]:
        """Return of what the memory is not flat."""
        found = []
        for kind in self.samples:
            first, last = self.thirds(kind)
            if last > first * GROWTH + SLACK_MIB:
                found.append(f"the memory of the {kind} grew from {first:.0f} to {last:.0f} MiB")
        return found
