"""The worker on every Python that a model may ask for, as far as this machine has them."""

from typing import Any

import pytest

from coghub.build.interpreters import Interpreters
from coghub.domain.errors import InterpreterNotFound
from coghub.settings import current_settings, read_settings

pytestmark = pytest.mark.slow

SYNCHRONOUS = """
    import time
    from cog import BasePredictor, Input, current_scope
    class Predictor(BasePredictor):
        def predict(self, text: str, seconds: float = Input(default=0)) -> str:
            current_scope().record_metric("ready", 1)
            time.sleep(seconds)
            return text.upper()
"""
ASYNC = """
    import asyncio
    from cog import AsyncConcatenateIterator, concurrent
    class Predictor:
        async def setup(self): self.gate = asyncio.Event()
        @concurrent(max=2)
        async def predict(self, text: str, wait: bool) -> AsyncConcatenateIterator[str]:
            for word in text.split():
                print(word)
                yield word
            if wait: await self.gate.wait()
            self.gate.set()
"""


@pytest.fixture(scope="module", params=["3.10", "3.12", "3.13", "3.14"])
def python(request: pytest.FixtureRequest) -> str:
    """An interpreter other than the one that runs the tests; nothing is downloaded for it."""
    settings = read_settings({**current_settings().environ, "UV_PYTHON_DOWNLOADS": "never"})
    try:
        return str(Interpreters(settings).find(request.param).path)
    except InterpreterNotFound:
        pytest.skip(f"no Python {request.param} on this machine")


def test_synchronous_models_answer_and_are_canceled(start_worker: Any, python: str) -> None:
    worker = start_worker(SYNCHRONOUS, python=python)

    seq = worker.begin(text="a", seconds=60)
    worker.receive()
    worker.cancel(seq)

    assert worker.finish(seq)[0].status == "canceled"
    assert worker.predict(text="b", seconds=1e-3).values == ["B"]


def test_async_models_answer_at_once(start_worker: Any, python: str) -> None:
    worker = start_worker(ASYNC, python=python)

    waiting, opening = worker.begin(text="a b", wait=True), worker.begin(text="c", wait=False)
    first, second = worker.finish(waiting, opening)

    assert (first.values, second.values) == (["a", "b"], ["c"])
    assert [log.text for log in first.logs] == ["a\n", "b\n"]
