"""Trying again what may work the next time."""

from collections.abc import Callable
from typing import TypeVar

from coghub.domain.errors import RegistryBusy, RegistryUnreachable

Result = TypeVar("Result")

RETRIES = 5
FIRST_WAIT_S = 0.5
"""Doubles with each try: a broken connection is back in a moment, a restart takes 15 s in all."""
LONGEST_WAIT_S = 120.0
"""Whatever a server says in `Retry-After`."""
BUSY = frozenset({408, 429, 499}) | frozenset(range(500, 600)) - {501, 505}


class Retries:
    """Repeats an attempt while its failure is one that passes."""

    def __init__(self, wait: Callable[[float], object], count: int = RETRIES) -> None:
        self.wait = wait
        """Waits for some seconds; may raise, to end the work."""
        self.count = count

    def run(self, attempt: Callable[[], Result], progress: Callable[[], int] = lambda: 0) -> Result:
        """Return the attempt's result; the count begins anew whenever there was progress.

        Raises:
            RegistryError: the last one, when all attempts have failed.
        """
        failed, reached = 0, progress()
        while True:
            try:
                return attempt()
            except (RegistryBusy, RegistryUnreachable) as error:
                if progress() > reached:
                    failed, reached = 0, progress()
                failed += 1
                if failed > self.count or getattr(error, "is_final", False):
                    raise
                self.wait(self._wait_s(error, failed))

    @staticmethod
    def _wait_s(error: RegistryBusy | RegistryUnreachable, failed: int) -> float:
        wanted = error.retry_after_s if isinstance(error, RegistryBusy) else None
        if wanted is None:
            wanted = FIRST_WAIT_S * 2 ** (failed - 1)
        return min(wanted, LONGEST_WAIT_S)
