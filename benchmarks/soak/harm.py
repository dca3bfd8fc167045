"""Kills what runs, as a lack of memory would: workers, and whole instances of a hub."""

import os
import random
import signal
import threading
from collections import Counter
from contextlib import suppress

from benchmarks.soak.memory import Memory
from benchmarks.soak.processes import processes

LOOK_S = 1.0


class Harm:
    """Kills at random times and looks at the memory meanwhile, until it is told to stop."""

    def __init__(self, root: int, victims: frozenset[str], *, every_s: float, seed: int) -> None:
        self.killed: Counter[str] = Counter()
        self.memory = Memory()
        self._root = root
        self._victims = victims
        self._every_s = every_s
        self._dice = random.Random(seed)  # noqa: S311 - no secret
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Do no more."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        left_s = self._every_s
        while not self._stop.wait(LOOK_S):
            self.memory.look(self._root)
            left_s -= LOOK_S
            if left_s <= 0:
                self._kill()
                left_s = self._every_s * self._dice.uniform(0.5, 1.5)

    def _kill(self) -> None:
        alive = [each for each in processes(self._root) if each.kind in self._victims]
        if alive:
            victim = self._dice.choice(alive)
            with suppress(ProcessLookupError):
                os.kill(victim.pid, signal.SIGKILL)
                self.killed[victim.kind] += 1
