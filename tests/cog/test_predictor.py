"""The base classes, in both spellings."""

from pathlib import Path

import pytest

from cog import BasePredictor, BaseRunner
from cog.errors import ModelLoadError
from cog.predictor import load_predictor_from_ref
from cog.scope import Scope


@pytest.mark.parametrize("base", [BaseRunner, BasePredictor])
@pytest.mark.parametrize("spelling", ["run", "predict"])
def test_either_method_answers_to_both_names(base: type, spelling: str) -> None:
    model = type("Model", (base,), {spelling: lambda self, x: x + 1})()

    assert model.run(x=1) == 2
    assert model.predict(1) == 2


@pytest.mark.parametrize("name", ["run", "predict"])
def test_a_class_without_a_method_says_so(name: str) -> None:
    with pytest.raises(
        NotImplementedError, match=r"^run has not been implemented by parent class\.$"
    ):
        getattr(BasePredictor(), name)()


def test_setup_may_be_left_out() -> None:
    assert BaseRunner().setup() is None
    assert BaseRunner().setup(weights="w") is None


def test_a_predictor_is_a_runner() -> None:
    assert issubclass(BasePredictor, BaseRunner)


def test_metrics_recorded_through_the_class_reach_the_running_prediction() -> None:
    recorded = []
    scope = Scope(context={"who": "ada"}, on_metric=lambda *call: recorded.append(call))
    model = BasePredictor()

    with scope.entered():
        model.record_metric("tokens", 3, mode="incr")

        assert model.scope.context == {"who": "ada"}

    assert recorded == [("tokens", 3, "increment")]


def test_a_reference_to_a_class_gives_an_instance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "predict.py").write_text("class Predictor:\n    def predict(self): return 1\n")
    monkeypatch.chdir(tmp_path)

    assert load_predictor_from_ref("predict.py:Predictor").predict() == 1


def test_a_reference_to_nothing_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ModelLoadError):
        load_predictor_from_ref("predict.py:Predictor")
