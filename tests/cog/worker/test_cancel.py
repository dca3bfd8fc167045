"""Canceling synchronous user code."""

import random
import signal
import sys
from collections import deque
from typing import Any

import pytest

from cog import CancelationException
from cog.worker.cancel import CancelBell, cancel_signal


class WaitingFrames:
    """A connection whose frames have all arrived."""

    def __init__(self) -> None:
        self.canceled: deque[int] = deque()
        self.reads = 0

    def read_waiting(self) -> None:
        self.reads += 1

    def take_cancel(self, seq: int) -> bool:
        found = seq in self.canceled
        self.canceled = deque(it for it in self.canceled if it > seq)
        return found


@pytest.fixture
def frames() -> WaitingFrames:
    return WaitingFrames()


@pytest.fixture
def bell(frames: WaitingFrames) -> Any:
    bell = CancelBell(frames)
    hook = sys.unraisablehook
    bell.install()
    yield bell
    bell.uninstall()
    sys.unraisablehook = hook


def ring() -> None:
    signal.raise_signal(cancel_signal())


def test_a_cancel_interrupts_the_user_code_that_it_names(bell: CancelBell, frames: Any) -> None:
    frames.canceled.append(1)

    with pytest.raises(CancelationException):
        bell.call(1, ring)

    assert bell.is_canceled(1)


def test_a_cancel_of_another_prediction_changes_nothing(bell: CancelBell, frames: Any) -> None:
    frames.canceled.append(1)

    assert bell.call(2, lambda: ring() or "done") == "done"

    assert not bell.is_canceled(2)


def test_outside_of_user_code_the_bell_is_only_noted(bell: CancelBell, frames: Any) -> None:
    frames.canceled.append(1)

    ring()

    assert frames.reads == 0
    assert bell.is_canceled(1)


def test_what_was_noted_interrupts_the_next_piece_of_the_same(
    bell: CancelBell, frames: Any
) -> None:
    frames.canceled.append(1)
    ring()

    with pytest.raises(CancelationException):
        bell.call(1, lambda: None)


def test_user_code_is_told_once(bell: CancelBell, frames: Any) -> None:
    frames.canceled.append(1)

    def swallow() -> str:
        try:
            ring()
        except CancelationException:
            ring()
        return "swallowed"

    assert bell.call(1, swallow) == "swallowed"
    assert bell.is_canceled(1)


def test_code_of_ours_that_user_code_calls_is_not_interrupted(
    bell: CancelBell, frames: Any
) -> None:
    done = []

    def record() -> None:
        with bell.shielded():
            frames.canceled.append(1)
            ring()
            done.append("sent")
        done.append("never")

    with pytest.raises(CancelationException):
        bell.call(1, record)

    assert done == ["sent"]


def test_a_cancel_lost_in_a_finalizer_is_raised_again(bell: CancelBell, frames: Any) -> None:
    class Swallowing:
        def __del__(self) -> None:
            ring()

    def work() -> None:
        frames.canceled.append(1)
        Swallowing()
        while True:
            pass

    with pytest.raises(CancelationException):
        bell.call(1, work)


def test_other_lost_exceptions_are_reported_as_ever(frames: Any, capsys: Any) -> None:
    seen = []
    hook, sys.unraisablehook = sys.unraisablehook, seen.append
    bell = CancelBell(frames)
    bell.install()

    class Raising:
        def __del__(self) -> None:
            raise ValueError

    bell.call(1, Raising)
    bell.uninstall()
    sys.unraisablehook = hook

    assert len(seen) == 1


MODEL = '''
    import asyncio, os, random, subprocess, threading, time
    from typing import Any
    from cog import BasePredictor, CancelationException, current_scope

    class Holding:
        def __del__(self):
            current_scope().record_metric("ready", 1)
            time.sleep(60)

    class Predictor(BasePredictor):
        entered = left = 0

        def predict(self, what: str, n: int = 0) -> Any:
            return getattr(self, what)(n)

        def text(self, n): return n
        def sleeping(self, n):
            self.ready()
            time.sleep(60)
        def locked(self, n):
            self.ready()
            lock = threading.Lock()
            lock.acquire()
            lock.acquire()
        def waiting(self, n):
            self.ready()
            subprocess.run(["sleep", "60"])
        def swallowing(self, n):
            try: self.sleeping(n)
            except CancelationException: return "swallowed"
        def failing(self, n):
            try: self.sleeping(n)
            finally: raise ValueError("while cleaning up")
        def finalizing(self, n):
            Holding()
            time.sleep(60)
        def awaiting(self, n):
            return self.later()
        async def later(self):
            self.ready()
            await asyncio.sleep(60)
        def awaiting_items(self, n):
            return self.later_items()
        async def later_items(self):
            await self.later()
            yield n
        def tasks(self, n): return self.tasks_left()
        async def tasks_left(self): return len(asyncio.all_tasks()) - 1
        def streaming(self, n):
            def items():
                try:
                    for i in range(n):
                        yield i
                    time.sleep(60)
                finally:
                    print("closed")
            return items()
        def racing(self, n):
            """A little of everything, about as long as a cancel takes to come."""
            self.entered += 1
            try:
                current_scope().record_metric("n", n)
                total = sum(range(random.randrange(1000)))
                return self.stream(n) if n % 3 == 0 else n
            finally:
                self.left += 1
        def stream(self, n):
            yield n
            sum(range(random.randrange(500)))
            yield n
        def balance(self, n): return self.entered - self.left
        def ready(self): current_scope().record_metric("ready", 1)
'''


EIGHT, EARLY, LATE = 8, 0, 4
"""Of eight turns one has its cancels before the predictions begin for certain, and one after they
ended: on a busy machine chance alone may bring too few of either."""


@pytest.fixture(scope="module")
def worker(start_worker: Any) -> Any:
    return start_worker(MODEL)


@pytest.mark.slow
@pytest.mark.parametrize(
    "what",
    ["sleeping", "locked", "waiting", "swallowing", "failing", "finalizing", "awaiting"],
)
def test_user_code_is_interrupted_wherever_it_waits(worker: Any, what: str) -> None:
    seq = worker.begin(what=what)
    worker.receive()

    worker.cancel(seq)

    (outcome,) = worker.finish(seq)
    assert (outcome.status, outcome.error, outcome.outputs) == ("canceled", None, [])
    assert ("while cleaning up" in outcome.printed) == (what == "failing")
    assert worker.predict(what="text", n=7).values == [7]


@pytest.mark.slow
@pytest.mark.parametrize("what", ["awaiting", "awaiting_items"])
def test_a_canceled_coroutine_does_not_go_on_in_the_next_prediction(worker: Any, what: str) -> None:
    seq = worker.begin(what=what)
    worker.receive()

    worker.cancel(seq)

    assert worker.finish(seq)[0].status == "canceled"
    assert worker.predict(what="tasks").values == [0]


@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 1_000_000_000])
def test_a_canceled_generator_is_closed(worker: Any, n: int) -> None:
    seq = worker.begin(what="streaming", n=n)
    worker.wait_for_output()

    worker.cancel(seq)

    (outcome,) = worker.finish(seq)
    assert outcome.status == "canceled"
    assert "closed" in outcome.printed


@pytest.mark.slow
def test_a_cancel_that_comes_with_its_prediction_prevents_it(worker: Any) -> None:
    first, second = worker.begin(what="sleeping"), worker.begin(what="sleeping")
    worker.receive()
    worker.cancel(second)
    worker.cancel(first)

    outcomes = worker.finish(first, second)

    assert [outcome.status for outcome in outcomes] == ["canceled", "canceled"]
    assert outcomes[1].metrics == []


@pytest.mark.bare
@pytest.mark.slow
def test_ten_thousand_cancels_at_random_times_hit_nobody_else(worker: Any) -> None:
    """Every second prediction is canceled twice, before, while or after it runs."""
    chance = random.Random(4)
    statuses = {"canceled": 0, "succeeded": 0}

    for turn in range(200):
        waits_for = [worker.begin(what="sleeping")] if turn % EIGHT == EARLY else []
        seqs = [worker.begin(what="racing", n=worker.seq) for _ in range(50)]
        ended = worker.finish(*seqs) if turn % EIGHT == LATE else []
        for seq in [*sorted(seqs[::2] * 2), *waits_for]:
            for _ in range(chance.randrange(2000)):
                pass
            worker.cancel(seq)
        ended = ended or worker.finish(*waits_for, *seqs)[len(waits_for) :]
        for seq, outcome in zip(seqs, ended, strict=True):
            statuses[outcome.status] += 1
            if seq not in seqs[::2]:
                assert (outcome.status, set(outcome.values)) == ("succeeded", {seq - 1})

    assert statuses["canceled"] > 500
    assert statuses["succeeded"] > 5_500
    assert worker.predict(what="balance").values == [0]
