import json
import sys

import pytest

from cog import BasePredictor, BaseRunner
from cog.errors import ModelLoadError, PredictorNotSet
from cog.schema.loading import load, model_of

PREDICTOR = """
class Predictor:
    def predict(self, x: int) -> str:
        return f"{x} from {__name__}"
"""


def answer(reference, mode="predict"):
    """Return what the model answers to x=1."""
    model = load(reference, mode)
    return model.method(model.instantiate())(x=1)


def test_a_file_whose_name_is_no_identifier(project):
    (project / "predict-1.3b.py").write_text(PREDICTOR)

    assert answer("predict-1.3b.py:Predictor") == "1 from predict-1.3b"
    assert "predict-1.3b" in sys.modules


def test_a_file_in_a_folder_imports_from_the_root(project):
    (project / "my-models").mkdir()
    (project / "shared_words.py").write_text("GREETING = 'hi'")
    (project / "my-models" / "one.py").write_text(
        "from shared_words import GREETING\ndef predict(x: int) -> str: return GREETING"
    )

    assert answer("my-models/one.py:predict") == "hi"


def test_another_name_for_a_class(project):
    (project / "other_model.py").write_text(PREDICTOR)
    (project / "predict.py").write_text("import other_model\nPredictor = other_model.Predictor")

    assert answer("predict.py:Predictor") == "1 from other_model"


def test_a_file_is_run_once(project):
    """Two references, or an import by the other file, share one module."""
    (project / "counted.py").write_text(f"{PREDICTOR}\nprint('run')\ntrain = Predictor().predict")
    (project / "trainer.py").write_text("import counted\ntrain = counted.train")

    first, second, third = (
        load("counted.py:Predictor"),
        load("counted.py:train", "train"),
        load("trainer.py", "train"),
    )

    assert isinstance(second.target.__self__, first.target)
    assert second.target is third.target


def test_a_file_named_like_a_module_that_is_in_use_leaves_it_alone(project):
    (project / "json.py").write_text(PREDICTOR)

    assert answer("json.py:Predictor") == "1 from cog_model_json"
    assert sys.modules["json"] is json


@pytest.mark.parametrize(
    ("source", "mode", "expected"),
    [
        (f"class Runner:\n def run(self): ...\n{PREDICTOR}", "predict", "Runner"),
        (PREDICTOR, "predict", "Predictor"),
        ("def predict(): ...", "predict", "predict"),
        ("def train(): ...", "train", "train"),
        ("class Predictor:\n def predict(self): ...\n def train(self): ...", "train", "Predictor"),
    ],
)  # fmt: skip
def test_a_reference_without_a_name_finds_the_usual_ones(project, source, mode, expected):
    (project / "usual.py").write_text(source)

    assert load("usual.py", mode).target.__name__ == expected


def test_a_missing_file(project):
    with pytest.raises(ModelLoadError, match=r"^predict\.py not found$"):
        load("predict.py:Predictor")


def test_a_missing_class_and_what_is_there_instead(project):
    (project / "two.py").write_text("class Alpha: ...\nclass Beta: ...")

    with pytest.raises(
        ModelLoadError, match=r'^class "Nope" not found in two.py; found: Alpha, Beta$'
    ):
        load("two.py:Nope")


def test_a_file_with_none_of_the_usual_names(project):
    (project / "two.py").write_text("class Alpha: ...")

    with pytest.raises(ModelLoadError, match=r"^No Runner or Predictor or run or predict in two"):
        load("two.py")


def test_no_reference(project):
    with pytest.raises(PredictorNotSet, match=r"^no predict or train reference found in cog.yaml$"):
        load("")


def test_what_the_users_code_raises_comes_out_and_leaves_no_half_module(project):
    (project / "broken.py").write_text("import sys\nsys.exit(3)")

    with pytest.raises(SystemExit):
        load("broken.py:Predictor")

    assert "broken" not in sys.modules


def test_a_class_without_the_method():
    class Empty(BasePredictor): ...

    with pytest.raises(ModelLoadError, match=r"^run or predict method not found: Empty$"):
        model_of(Empty)
    with pytest.raises(ModelLoadError, match=r"^train method not found: Empty$"):
        model_of(Empty, "train")


def test_a_class_with_both_methods():
    class Both(BaseRunner):
        def run(self) -> str: ...
        def predict(self) -> str: ...

    with pytest.raises(
        ModelLoadError, match=r"^Both must define either run\(\) or predict\(\), not both$"
    ):
        model_of(Both)


def test_a_mixins_run_does_not_hide_predict():
    class Mixin:
        def run(self): ...

    class Predictor(BasePredictor, Mixin):
        def predict(self) -> str: ...

    assert model_of(Predictor).method_name == "predict"


def test_an_inherited_method():
    class Base(BasePredictor):
        def predict(self) -> str:
            return type(self).__name__

    class Predictor(Base): ...

    model = model_of(Predictor)

    assert model.method(model.instantiate())() == "Predictor"


def test_an_object_made_at_import():
    class Predictor:
        def predict(self) -> str:
            return "made"

    model = model_of(Predictor())

    assert not model.is_class
    assert model.method(model.instantiate())() == "made"


def test_what_is_neither_class_nor_function():
    with pytest.raises(ModelLoadError, match="Neither a class nor a function: 3"):
        model_of(3)
