"""Synchronous predictors in a real worker."""

from typing import Any

import pytest

from cog.worker.messages import OutputFile

pytestmark = pytest.mark.slow

MODEL = """
    import gc, os, sys, threading, weakref
    gc.disable()
    from pathlib import Path
    from typing import Any, Iterator
    from cog import BasePredictor, CancelationException, current_scope

    class Unspeakable(Exception):
        def __str__(self): raise ValueError("no")

    class Countdown:
        def __init__(self, start): self.left = start
        def __iter__(self): return self
        def __next__(self):
            self.left -= 1
            if self.left < 0: raise StopIteration
            return self.left

    def letters():
        yield "a"
        print("between")
        yield "b"

    def breaking():
        yield "a"
        raise ValueError("after a")

    class Predictor(BasePredictor):
        calls = 0

        def predict(self, what: str = "text", n: int = 0) -> Any:
            self.calls += 1
            print("called", self.calls)
            return getattr(self, what)(n)

        def text(self, n): return "x" * n
        def nothing(self, n): return None
        def nested(self, n): return {"a": [1, {"b": Path("predict.py")}]}
        def letters(self, n): return letters()
        def breaking(self, n): return breaking()
        def raising(self, n): raise RuntimeError("boo")
        def giving_up(self, n): raise CancelationException("enough")
        def leaving(self, n): sys.exit(3)
        def interrupting(self, n): raise KeyboardInterrupt
        def unspeakable(self, n): raise Unspeakable
        def deep(self, n): return self.deep(n)
        def too_large(self, n): raise MemoryError
        def bytes(self, n): return b"x"
        def missing(self, n): return Path("no-such-file")
        def long_number(self, n): return 10**5000
        def long_message(self, n): raise ValueError("x" * 10**7)
        def leaking(self, n):
            class Tensor: pass
            tensor = Tensor()
            self.weak = weakref.ref(tensor)
            raise RuntimeError("out of memory")
        def leaked(self, n): return self.weak() is not None
        def crashing(self, n): os.kill(os.getpid(), 11)
        def killing(self, n): os._exit(7)

        def cycle(self, n):
            loop = []
            loop.append(loop)
            return loop

        def recording(self, n):
            scope = current_scope()
            scope.record_metric("steps", n)
            scope.record_metric("steps", 1, mode="increment")
            print(scope.context)
            self.old_scope = scope

        def recording_late(self, n):
            self.old_scope.record_metric("late", 1)

        def recording_elsewhere(self, n):
            scope = current_scope()
            thread = threading.Thread(target=lambda: scope.record_metric("elsewhere", n))
            thread.start()
            thread.join()

        def hiding_async(self, n):
            async def later(): return n
            return later()

        def hiding_stream(self, n):
            async def items():
                try:
                    for i in range(n): yield i
                finally:
                    print("closed")
            return items()
"""


@pytest.fixture(scope="module")
def worker(start_worker: Any) -> Any:
    return start_worker(MODEL)


def test_a_result_and_the_end_come_with_what_was_printed(worker: Any) -> None:
    outcome = worker.predict(what="text", n=3)

    assert outcome.values == ["xxx"]
    assert outcome.status == "succeeded"
    assert outcome.completed.predict_time_s > 0
    assert outcome.printed.startswith("called ")
    assert not outcome.outputs[0].is_item


def test_a_large_result_goes_through_a_file_that_is_removed(worker: Any) -> None:
    outcome = worker.predict(what="text", n=3_000_000)

    assert outcome.values == ["x" * 3_000_000]
    assert not list(worker.exchange.iterdir())


def test_no_result_is_null(worker: Any) -> None:
    assert worker.predict(what="nothing").values == [None]


def test_files_are_found_inside_of_a_result(worker: Any) -> None:
    output = worker.predict(what="nested").outputs[0]

    assert output.value == {"a": [1, {"b": None}]}
    assert [(file.at, file.name) for file in output.files] == [(["a", 1, "b"], "predict.py")]


def test_a_generator_streams_whatever_the_annotation_says(worker: Any) -> None:
    outcome = worker.predict(what="letters")

    assert outcome.values == ["a", "b"]
    assert all(output.is_item for output in outcome.outputs)
    assert outcome.completed.is_list


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ("raising", "Prediction failed: Prediction failed: RuntimeError: boo"),
        ("leaving", "Prediction failed: Prediction failed: SystemExit: 3"),
        ("interrupting", "Prediction failed: Prediction failed: KeyboardInterrupt: "),
        (
            "unspeakable",
            "Prediction failed: Prediction failed: Unspeakable: <exception str() failed>",
        ),
        ("too_large", "Prediction failed: Prediction failed: MemoryError: "),
        ("breaking", "Prediction failed: Generator iteration error: ValueError: after a"),
        ("bytes", "Prediction failed: Failed to serialize output: TypeError"),
        ("missing", "Prediction failed: Output file does not exist"),
        ("cycle", "Prediction failed: Failed to serialize output"),
        ("long_number", "Prediction failed: Failed to serialize output"),
        ("deep", "Prediction failed: Prediction failed: RecursionError: "),
    ],
)
def test_whatever_user_code_raises_fails_its_prediction_alone(
    worker: Any, what: str, error: str
) -> None:
    outcome = worker.predict(what=what)

    assert outcome.status == "failed"
    assert outcome.error.startswith(error)
    assert worker.predict(what="text", n=1).values == ["x"]


def test_a_model_may_cancel_its_own_prediction(worker: Any) -> None:
    outcome = worker.predict(what="giving_up")

    assert (outcome.status, outcome.error) == ("canceled", None)
    assert worker.predict(what="text", n=1).values == ["x"]


def test_a_failure_prints_the_traceback_of_user_code_alone(worker: Any) -> None:
    printed = worker.predict(what="raising").printed

    assert 'predict.py", line ' in printed
    assert printed.rstrip().endswith("RuntimeError: boo")
    assert "cog/worker" not in printed


def test_items_before_a_failure_were_sent(worker: Any) -> None:
    outcome = worker.predict(what="breaking")

    assert outcome.values == ["a"]
    assert outcome.completed.is_list


def test_an_input_that_does_not_fit_is_named(worker: Any) -> None:
    outcome = worker.predict(n="many")

    assert outcome.error.startswith("Input validation error: n: ")
    assert "Traceback" not in outcome.printed


def test_metrics_and_context_reach_the_scope(worker: Any) -> None:
    outcome = worker.predict(what="recording", n=4, context={"who": "me"})

    recorded = [(metric.name, metric.value, metric.mode) for metric in outcome.metrics]
    assert recorded == [("steps", 4, "replace"), ("steps", 1, "increment")]
    assert "{'who': 'me'}" in outcome.printed


def test_a_scope_that_outlives_its_prediction_is_mute(worker: Any) -> None:
    worker.predict(what="recording", n=1)

    assert worker.predict(what="recording_late").metrics == []


def test_metrics_may_be_recorded_on_other_threads(worker: Any) -> None:
    outcome = worker.predict(what="recording_elsewhere", n=5)

    assert [metric.value for metric in outcome.metrics] == [5]


def test_a_coroutine_behind_a_plain_function_is_awaited(worker: Any) -> None:
    assert worker.predict(what="hiding_async", n=6).values == [6]


def test_an_async_stream_behind_a_plain_function_is_awaited_item_by_item(worker: Any) -> None:
    outcome = worker.predict(what="hiding_stream", n=2)

    assert (outcome.status, outcome.values) == ("succeeded", [0, 1])
    assert "closed" in outcome.printed


def test_a_failed_prediction_lets_go_of_its_variables(worker: Any) -> None:
    worker.predict(what="leaking")

    assert worker.predict(what="leaked").values == [False]


def test_a_very_long_message_is_cut(worker: Any) -> None:
    assert len(worker.predict(what="long_message").error) < 100_000


def test_a_crash_in_c_says_where(start_worker: Any) -> None:
    worker = start_worker(MODEL)

    with pytest.raises(EOFError, match="in crashing"):
        worker.predict(what="crashing")

    assert worker.process.wait(5) == -11


def test_leaving_the_process_ends_the_stream(start_worker: Any) -> None:
    worker = start_worker(MODEL)

    with pytest.raises(EOFError):
        worker.predict(what="killing")

    assert worker.process.wait(5) == 7


def test_an_iterator_of_any_kind_streams_where_the_annotation_says_so(start_worker: Any) -> None:
    source = """
        from cog import ConcatenateIterator
        class Items:
            def __init__(self): self.left = ["a", "b"]
            def __iter__(self): return self
            def __next__(self):
                if not self.left: raise StopIteration
                return self.left.pop(0)
        def predict(what: str) -> ConcatenateIterator[str]:
            return {"own": Items(), "list": ["a", "b"], "text": "ab"}[what]
    """
    worker = start_worker(source, flags=["--predict", "predict.py:predict"])

    assert worker.predict(what="own").values == ["a", "b"]
    assert worker.predict(what="list").values == ["a", "b"]
    assert worker.predict(what="text").values == [["ab"]]


def test_a_single_value_becomes_a_list_where_the_annotation_says_so(start_worker: Any) -> None:
    source = """
        from cog import Path
        def predict(n: int) -> list[Path]:
            return [Path("predict.py")] * n if n != 1 else Path("predict.py")
    """
    worker = start_worker(source, flags=["--predict", "predict.py:predict"])

    assert worker.predict(n=1).values == [[None]]
    assert worker.predict(n=2).values == [[None, None]]
    assert worker.predict(n=1).outputs[0].files == [
        OutputFile([0], str(worker.folder / "predict.py"), "predict.py")
    ]


def test_what_becomes_a_json_list_is_one(start_worker: Any) -> None:
    """Where the annotation says list, an array is no single value to be put into one."""
    source = """
        from typing import List
        class Array:
            def tolist(self): return [1.5, 2.0]
        def predict(what: str) -> List[float]:
            results = {"array": Array(), "map": map(float, "12"), "number": 3.0, "none": None}
            return results[what]
    """
    worker = start_worker(source, flags=["--predict", "predict.py:predict"])

    assert worker.predict(what="array").values == [[1.5, 2.0]]
    assert worker.predict(what="map").values == [[1.0, 2.0]]
    assert worker.predict(what="number").values == [[3.0]]
    assert worker.predict(what="none").values == [[]]


def test_bytes_become_a_file_where_the_annotation_says_path(start_worker: Any) -> None:
    source = """
        from cog import Path
        def predict() -> Path:
            return b"hello"
    """
    worker = start_worker(source, flags=["--predict", "predict.py:predict"])

    (file,) = worker.predict().outputs[0].files

    assert file.is_temporary
    assert file.path.startswith(str(worker.exchange))
