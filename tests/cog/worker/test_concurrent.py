"""Async predictors in a real worker."""

from typing import Any

import pytest

from cog.worker.messages import Metric, Output

pytestmark = pytest.mark.slow

MODEL = """
    import asyncio, gc, logging, os, sys, threading, time, weakref
    from typing import Any
    from cog import BasePredictor, CancelationException, current_scope

    gc.disable()
    logging.basicConfig(format="logged %(message)s")

    class Predictor(BasePredictor):
        async def setup(self):
            self.loop = asyncio.get_running_loop()
            self.gate = asyncio.Event()
            self.ticks = 0
            self.ticking = asyncio.create_task(self.tick())

        async def tick(self):
            while True:
                self.ticks += 1
                await asyncio.sleep(0.001)

        async def predict(self, what: str = "text", n: int = 0) -> Any:
            return await getattr(self, what)(n)

        async def text(self, n): return n
        async def same_loop(self, n):
            before = self.ticks
            while self.ticks == before: await asyncio.sleep(0.001)
            return self.loop is asyncio.get_running_loop()
        async def raising(self, n): raise RuntimeError("boo")
        async def leaking(self, n):
            class Tensor: pass
            tensor = Tensor()
            self.weak = weakref.ref(tensor)
            raise RuntimeError("out of memory")
        async def leaked(self, n): return self.weak() is not None
        async def giving_up(self, n): raise CancelationException("enough")
        async def leaving(self, n): sys.exit(3)
        async def task_leaving(self, n):
            async def leave(): sys.exit(3)
            asyncio.create_task(leave())
            await asyncio.sleep(0.01)
            return "still here"
        async def canceling_itself(self, n): raise asyncio.CancelledError
        async def gated(self, n):
            print(f"{n} waits")
            current_scope().record_metric("n", n)
            await self.gate.wait()
            await asyncio.to_thread(print, f"{n} goes")
            sys.stdout.buffer.write(b"%d in bytes\\n" % n)
            thread = threading.Thread(target=print, args=(f"{n} lost",))
            thread.start()
            thread.join()
            logging.warning("%d", n)
            print(f"{n} warns", file=sys.stderr, end="")
            return n
        async def open_gate(self, n):
            self.gate.set()
            self.gate = asyncio.Event()
        async def behind_gate(self, n):
            await self.gate.wait()
            return n
        async def blocking(self, n):
            self.gate.set()
            self.gate = asyncio.Event()
            for _ in range(10): await asyncio.sleep(0)
            while not os.path.exists("go on"): time.sleep(0.001)
        async def sleeping(self, n):
            current_scope().record_metric("ready", 1)
            await asyncio.sleep(60)
        async def swallowing(self, n):
            try: await self.sleeping(n)
            except asyncio.CancelledError: return "swallowed"
        async def late_printing(self, n):
            async def later():
                await self.gate.wait()
                print("late")
            self.later = asyncio.create_task(later())
        def healthcheck(self):
            return self.ticks > 0
"""

STREAM = """
    import asyncio
    from cog import AsyncConcatenateIterator
    async def predict(n: int) -> AsyncConcatenateIterator[str]:
        try:
            for i in range(n):
                yield str(i)
            await asyncio.sleep(0 if n < 10 else 60)
            if n == 5: raise ValueError("five")
        finally:
            print("closed")
"""


@pytest.fixture(scope="module")
def worker(start_worker: Any) -> Any:
    """A worker with four slots."""
    return start_worker(MODEL, env={"COG_MAX_CONCURRENCY": "4"})


@pytest.fixture(scope="module")
def stream(start_worker: Any) -> Any:
    return start_worker(STREAM, flags=["--predict", "predict.py:predict"])


def test_it_says_how_many_may_run(worker: Any) -> None:
    assert (worker.loaded.slots, worker.loaded.is_async) == (4, True)


def test_setup_and_predictions_share_a_loop_that_turns(worker: Any) -> None:
    assert worker.predict(what="same_loop").values == [True]


def test_predictions_run_at_once_with_their_own_logs_and_metrics(worker: Any) -> None:
    first, second = worker.begin(what="gated", n=1), worker.begin(what="gated", n=2)
    opener = worker.begin(what="open_gate")

    outcomes = worker.finish(first, second, opener)

    for n, outcome in enumerate(outcomes[:2], start=1):
        assert outcome.values == [n]
        assert [metric.value for metric in outcome.metrics] == [n]
        by_stream = {"stdout": "", "stderr": ""}
        for log in outcome.logs:
            by_stream[log.stream] += log.text
        assert by_stream == {
            "stdout": f"{n} waits\n{n} goes\n{n} in bytes\n",
            "stderr": f"logged {n}\n{n} warns",
        }
    printed = "".join(outcome.printed for outcome in outcomes) + worker.printed()
    assert {"1 lost", "2 lost"} == set(printed.split("\n")) - {""}


def test_an_answer_does_not_wait_for_a_neighbour_that_blocks_the_loop(worker: Any) -> None:
    waiting, blocking = worker.begin(what="behind_gate", n=1), worker.begin(what="blocking")

    assert worker.finish(waiting)[0].values == [1]

    (worker.folder / "go on").touch()
    worker.finish(blocking)


def test_text_after_the_end_is_the_instances(worker: Any) -> None:
    worker.predict(what="late_printing")

    outcomes = [worker.predict(what=what) for what in ("open_gate", "same_loop")]

    assert [outcome.logs for outcome in outcomes] == [[], []]
    assert "late" in "".join(outcome.printed for outcome in outcomes)


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ("raising", "Prediction failed: Prediction failed: RuntimeError: boo"),
        ("leaving", "Prediction failed: Prediction failed: SystemExit: 3"),
        ("canceling_itself", "Prediction failed: Prediction failed: CancelledError: "),
    ],
)
def test_whatever_user_code_raises_fails_its_prediction_alone(
    worker: Any, what: str, error: str
) -> None:
    neighbour = worker.begin(what="sleeping")
    worker.receive()

    outcome = worker.predict(what=what)

    assert (outcome.status, outcome.error) == ("failed", error)
    assert "".join(log.text for log in outcome.logs).startswith("Traceback")
    worker.cancel(neighbour)
    assert worker.finish(neighbour)[0].status == "canceled"


def test_a_model_may_cancel_its_own_prediction(worker: Any) -> None:
    outcome = worker.predict(what="giving_up")

    assert (outcome.status, outcome.error) == ("canceled", None)


def test_a_failed_prediction_lets_go_of_its_variables(worker: Any) -> None:
    worker.predict(what="leaking")

    assert worker.predict(what="leaked").values == [False]


def test_a_task_of_the_users_own_cannot_end_the_worker(worker: Any) -> None:
    assert worker.predict(what="task_leaving").values == ["still here"]


@pytest.mark.parametrize("what", ["sleeping", "swallowing"])
def test_a_cancel_ends_the_prediction_that_it_names(worker: Any, what: str) -> None:
    first, second = worker.begin(what=what), worker.begin(what="sleeping")
    assert isinstance(worker.receive(), Metric)
    assert isinstance(worker.receive(), Metric)

    worker.cancel(first)

    (outcome,) = worker.finish(first)
    assert (outcome.status, outcome.error, outcome.outputs) == ("canceled", None, [])
    worker.cancel(second)
    worker.finish(second)


def test_a_cancel_that_comes_with_its_prediction_prevents_it(worker: Any) -> None:
    seq = worker.begin(what="sleeping")
    worker.cancel(seq)

    (outcome,) = worker.finish(seq)

    assert outcome.status == "canceled"


def test_a_late_cancel_changes_nothing(worker: Any) -> None:
    for _ in range(200):
        outcome = worker.predict(n=1)
        worker.cancel(worker.seq)
        assert outcome.status == "succeeded"

    assert worker.predict(n=2).values == [2]


def test_a_synchronous_health_check_runs_beside_the_loop(worker: Any) -> None:
    assert worker.check_health() is None


def test_an_async_generator_streams(stream: Any) -> None:
    seq = stream.begin(n=20)
    first = stream.receive()

    assert (type(first), first.value, first.is_item) == (Output, "0", True)
    stream.cancel(seq)
    (outcome,) = stream.finish(seq)
    assert outcome.status == "canceled"
    assert "closed" in outcome.printed


def test_a_generator_that_never_waits_can_be_canceled(stream: Any) -> None:
    seq = stream.begin(n=1_000_000_000)
    stream.receive()

    stream.cancel(seq)

    assert stream.finish(seq)[0].status == "canceled"


def test_an_async_generator_that_ends_succeeds_with_a_list(stream: Any) -> None:
    outcome = stream.predict(n=2)

    assert (outcome.values, outcome.status) == (["0", "1"], "succeeded")
    assert outcome.completed.is_list


def test_an_async_generator_that_fails_says_so(stream: Any) -> None:
    assert stream.predict(n=5).error == (
        "Prediction failed: Generator iteration error: ValueError: five"
    )


def test_one_slot_leaves_all_output_in_the_pipes(start_worker: Any) -> None:
    worker = start_worker(MODEL)

    outcome = worker.predict(what="raising")

    assert outcome.logs == []
    assert "RuntimeError: boo" in outcome.printed


def test_the_decorator_alone_makes_slots(start_worker: Any) -> None:
    worker = start_worker("""
        from cog import concurrent
        class Predictor:
            @concurrent(max=2)
            async def predict(self, n: int) -> int:
                print("mine", n)
                return n
    """)

    assert worker.loaded.slots == 2
    assert [log.text for log in worker.predict(n=3).logs] == ["mine 3\n"]
