"""Several pieces of work at once, of which the first failure ends the others."""

import threading
from collections.abc import Callable, Iterable

Work = Callable[[], None]
LONGEST_END_S = 5.0
"""For the threads to notice; they are daemons, so that a stubborn one cannot hold the process."""


def run_all(works: Iterable[Work], *, count: int, stop: Callable[[], None]) -> None:
    """Do all the work, `count` pieces at a time, and return when it is done.

    Args:
        works: the pieces, begun in this order.
        count: how many go on at once.
        stop: makes those that go on fail soon; called on the first failure, and on Ctrl-C.

    Raises:
        Exception: the first failure of a piece.
    """
    waiting = list(works)[::-1]
    crew = _Crew(waiting, min(count, len(waiting)))
    try:
        crew.wait()
    except BaseException:
        waiting.clear()
        stop()
        crew.join()
        raise


class _Crew:
    def __init__(self, waiting: list[Work], count: int) -> None:
        self.waiting = waiting
        self.failures: list[BaseException] = []
        self.changed = threading.Condition()
        self.active = count
        self.threads = [
            threading.Thread(target=self._run, name=f"transfer {number}", daemon=True)
            for number in range(count)
        ]
        for thread in self.threads:
            thread.start()

    def wait(self) -> None:
        with self.changed:
            while self.active and not self.failures:
                self.changed.wait()
        if self.failures:
            raise self.failures[0]

    def join(self) -> None:
        for thread in self.threads:
            thread.join(LONGEST_END_S)

    def _next(self) -> Work | None:
        with self.changed:
            return self.waiting.pop() if self.waiting else None

    def _run(self) -> None:
        try:
            while work := self._next():
                work()
        except BaseException as error:  # noqa: BLE001 - raised again by who waits
            self.failures.append(error)
        finally:
            with self.changed:
                self.active -= 1
                self.changed.notify_all()
