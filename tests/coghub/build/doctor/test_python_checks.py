import pytest
from tests.coghub.build.doctor.conftest import CONFIG, PYTHON, Folder

ANNOTATIONS = "python-missing-type-annotations"


def test_code_that_is_no_python_is_told_with_its_line(folder: Folder):
    folder.write({"predict.py": "import tool\n", "tool.py": "x = 1\ndef f(:\n"})

    assert folder.lines("python-syntax") == ["error tool.py:2: invalid syntax"]


def test_code_for_a_newer_python_may_be_right(folder: Folder):
    major, minor = PYTHON.split(".")
    newer = f"{major}.{int(minor) + 1}"
    folder.write({"cog.yaml": CONFIG.replace(PYTHON, newer), "predict.py": "new syntax\n"})

    (finding,) = folder.findings("python-syntax")

    assert finding.level == "warning"
    assert f"Python {PYTHON}" in finding.hint


@pytest.mark.parametrize("method", ["predict", "run"])
def test_what_is_called_says_what_it_takes_and_returns(folder: Folder, method: str):
    folder.write({"predict.py": f"class Predictor:\n    def {method}(self, a, *, b: int): ...\n"})

    assert folder.lines(ANNOTATIONS) == [
        f"error predict.py:2: Predictor.{method}() is missing a return type annotation",
        f'error predict.py:2: Predictor.{method}() is missing a type annotation for "a"',
    ]


def test_a_function_is_looked_at_too(folder: Folder):
    folder.write(
        {"cog.yaml": CONFIG + "train: train.py:train\n", "train.py": "def train(n) -> str: ...\n"}
    )

    said = 'error train.py:1: train() is missing a type annotation for "n"'
    assert folder.lines(ANNOTATIONS) == [said]


def test_setup_and_other_methods_need_none(folder: Folder):
    source = "class Predictor:\n    def setup(self): ...\n    async def predict(self) -> str: ...\n"
    folder.write({"predict.py": source})

    assert folder.findings(ANNOTATIONS) == []
