"""Loading and setting up a model in a real worker."""

import sys
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def test_what_setup_prints_comes_before_its_end(start_worker: Any) -> None:
    worker = start_worker("""
        class Predictor:
            def setup(self): print("loading", end="")
            def healthcheck(self): return False
            def predict(self, n: int) -> int: return n
    """)

    assert worker.setup.error is None
    assert worker.printed() == "loading"
    assert worker.loaded.document["info"]["title"] == "Cog"
    assert (worker.loaded.slots, worker.loaded.is_async) == (1, False)
    assert worker.loaded.python == ".".join(map(str, sys.version_info[:3]))
    assert worker.loaded.has_healthcheck
    assert worker.check_health() == ("Healthcheck failed: user-defined healthcheck returned False")


@pytest.mark.bare
def test_a_synchronous_model_does_not_pay_for_what_it_does_not_use(start_worker: Any) -> None:
    worker = start_worker("""
        import sys
        LOADED = set(sys.modules)
        class Predictor:
            def predict(self) -> list[str]:
                heavy = {"asyncio", "socket", "ssl", "argparse", "ctypes", "logging", "platform"}
                return sorted(heavy & LOADED)
    """)

    assert worker.predict().values == [[]]


@pytest.mark.parametrize(
    ("source", "error", "printed"),
    [
        ("import no_such_module", "failed to load predictor: ModuleNotFoundError: No", "Traceback"),
        ("x = ", "failed to load predictor: SyntaxError: ", "x = "),
        ("x = 1", 'class "Predictor" not found in predict.py', ""),
        ("raise SystemExit(2)", "failed to load predictor: SystemExit: 2", "Traceback"),
        (
            "class Predictor:\n def setup(self): 1 / 0\n def predict(self) -> str: ...",
            "setup failed: ZeroDivisionError: ",
            "Traceback",
        ),
        (
            "class Predictor:\n def __init__(self): 1 / 0\n def predict(self) -> str: ...",
            "setup failed: ZeroDivisionError: ",
            "Traceback",
        ),
    ],
)
def test_a_model_that_cannot_start_says_why(
    start_worker: Any, source: str, error: str, printed: str
) -> None:
    worker = start_worker(source)

    assert error in worker.setup.error
    text = worker.printed()
    assert printed in text
    assert "cog/" not in text
    worker.socket.close()
    assert worker.process.wait(5) == 0


def test_a_missing_file_is_named(start_worker: Any) -> None:
    worker = start_worker(flags=["--predict", "absent.py:Predictor"])

    assert "absent.py not found" in worker.setup.error
    assert worker.loaded is None


def test_many_slots_need_an_async_model(start_worker: Any) -> None:
    source = "class Predictor:\n def predict(self) -> str: ..."

    worker = start_worker(source, env={"COG_MAX_CONCURRENCY": "2"})

    assert worker.setup.error == (
        "COG_MAX_CONCURRENCY > 1 requires an async run() or predict() method"
    )


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        ("", None, "None"),
        (": str", "https://example.com/w", "https://example.com/w"),
        (": str | None = None", None, "None"),
        ("", "w.bin", "w.bin"),
        (": Path", "predict.py", "Path:predict.py"),
        (": Path", "data:text/plain,hello", "Path:"),
        (": 'Path | None' = None", None, "None"),
        (": File", "predict.py", "predict.py"),
    ],
)
def test_weights_are_what_their_annotation_says(
    start_worker: Any, annotation: str, value: str | None, expected: str
) -> None:
    source = f"""
from cog import File, Path
class Predictor:
    def setup(self, weights{annotation}):
        kind = "Path:" if isinstance(weights, Path) else ""
        self.weights = kind + str(getattr(weights, "name", weights))
    def predict(self) -> str: return self.weights
"""
    worker = start_worker(source, env={"COG_WEIGHTS": value} if value else {})

    (shown,) = worker.predict().values

    assert shown.startswith(expected)


def test_a_folder_called_weights_is_the_default(start_worker: Any) -> None:
    source = """
        from pathlib import Path
        class Predictor:
            def setup(self, weights: Path): self.weights = weights
            def predict(self) -> str: return self.weights.read_text()
    """
    worker = start_worker(source, files={"weights": "1 2 3"})

    assert worker.predict().values == ["1 2 3"]


def test_train_mode_runs_train_and_documents_both(start_worker: Any) -> None:
    source = """
        class Predictor:
            def predict(self, a: int) -> int: return a
        def train(b: int) -> int:
            print("training")
            return b + 1
    """
    flags = ["--predict", "predict.py:Predictor", "--train", "predict.py:train"]

    worker = start_worker(source, flags=[*flags, "--mode", "train"])

    assert worker.predict(b=1).values == [2]
    schemas = worker.loaded.document["components"]["schemas"]
    assert {"Input", "TrainingInput"} <= set(schemas)


def test_a_broken_training_does_not_keep_the_model_from_predicting(start_worker: Any) -> None:
    source = "def predict(a: int) -> int: return a"
    flags = ["--predict", "predict.py:predict", "--train", "train.py:train"]

    worker = start_worker(source, flags=flags, files={"train.py": "import no_such_module"})

    outcome = worker.predict(a=1)
    assert outcome.values == [1]
    assert "no_such_module" in outcome.printed


def test_async_setup_of_a_synchronous_model_is_awaited(start_worker: Any) -> None:
    worker = start_worker("""
        import asyncio
        class Predictor:
            async def setup(self):
                await asyncio.sleep(0)
                self.ready = True
            async def healthcheck(self): raise ValueError("sick")
            def predict(self) -> bool: return self.ready
    """)

    assert worker.predict().values == [True]
    assert worker.check_health() == "Healthcheck failed: sick"


def test_a_plain_wrapper_of_an_async_model_may_run_its_own_loop(start_worker: Any) -> None:
    worker = start_worker("""
        import asyncio, functools
        def synchronous(function):
            @functools.wraps(function)
            def run(*args): return asyncio.run(function(*args))
            return run
        class Predictor:
            @synchronous
            async def predict(self) -> int: return 3
    """)

    assert (worker.loaded.slots, worker.loaded.is_async) == (1, False)
    assert [worker.predict().values, worker.predict().values] == [[3], [3]]


def test_a_wrapped_async_model_may_still_have_slots(start_worker: Any) -> None:
    source = """
        import functools
        def logged(function):
            @functools.wraps(function)
            def run(*args): return function(*args)
            return run
        class Predictor:
            @logged
            async def predict(self) -> int: return 3
    """

    worker = start_worker(source, env={"COG_MAX_CONCURRENCY": "2"})

    assert (worker.loaded.slots, worker.loaded.is_async) == (2, True)
    assert worker.predict().values == [3]


def test_synchronous_setup_of_an_async_model_may_ask_for_the_loop(start_worker: Any) -> None:
    worker = start_worker("""
        import asyncio
        class Predictor:
            def setup(self): self.loop = asyncio.get_event_loop()
            async def predict(self) -> bool: return self.loop is asyncio.get_running_loop()
    """)

    assert worker.predict().values == [True]
