"""The scope of a prediction."""

import asyncio
import threading

from cog import current_scope, emit_metric
from cog.scope import Scope


def test_outside_a_prediction_the_scope_is_inert() -> None:
    scope = current_scope()

    scope.record_metric("x", 1)

    scope.record_metric("no name", object(), "no mode")
    scope.metrics["x"] = None
    del scope.metrics["x"]

    assert scope.context == {}
    assert dict(current_scope().metrics) == {}


def test_inside_a_prediction_it_is_that_predictions() -> None:
    calls = []
    scope = Scope(context={"a": "b"}, on_metric=lambda *call: calls.append(call))

    with scope.entered() as entered:
        assert current_scope() is entered is scope
        current_scope().record_metric(key="n", value=1, mode="incr")
        emit_metric("m", 2)

    assert current_scope() is not scope
    assert calls == [("n", 1, "increment"), ("m", 2, "replace")]
    assert repr(scope) == "Scope(Metrics({'n': 1, 'm': 2}))"


def test_the_callers_context_is_not_changed() -> None:
    given = {"a": "b"}

    Scope(context=given, on_metric=print).context["a"] = "c"

    assert given == {"a": "b"}


def test_a_thread_of_the_model_belongs_to_the_prediction_that_runs_alone() -> None:
    one, other = (Scope(context={"n": n}, on_metric=lambda *_: None) for n in "12")
    seen = []

    def look() -> None:
        thread = threading.Thread(target=lambda: seen.append(current_scope().context))
        thread.start()
        thread.join()

    with one.entered():
        look()
        with other.entered():
            look()
    look()

    assert seen == [{"n": "1"}, {}, {}]


async def test_concurrent_predictions_have_scopes_of_their_own() -> None:
    recorded: dict[str, object] = {}

    async def predict(name: str) -> None:
        scope = Scope(context={"name": name}, on_metric=lambda *call: recorded.update({name: call}))
        with scope.entered():
            await asyncio.sleep(0)
            current_scope().record_metric("who", current_scope().context["name"])

    await asyncio.gather(predict("a"), predict("b"))

    assert recorded == {"a": ("who", "a", "replace"), "b": ("who", "b", "replace")}
