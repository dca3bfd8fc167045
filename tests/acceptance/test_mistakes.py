"""What a person gets wrong at the shell is said in one clear error, before anything starts."""

import pytest

pytestmark = pytest.mark.acceptance

STARTED = "Starting"
"""Said before a model is started; a mistake in the inputs is found earlier."""


def refusal(run):
    """Return what was said, after checking that it reads like one error and nothing else."""
    assert run.returncode == 1, run.stderr
    assert run.stdout == ""
    assert "Traceback" not in run.stderr
    return run.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), 'missing required input "image"'),
        (("-i", "image"), "Failed to parse input 'image', expected format is 'name=value'"),
        (("-i", "image=@input.jpg", "-i", "size=2"), 'unknown input "size"; valid inputs are: '),
        (("-i", "image=@gone.jpg"), 'input "image": open gone.jpg: no such file or directory'),
        (
            ("-i", "image=@input.jpg", "-i", "scale=big"),
            'invalid input "scale": expected number, got string',
        ),
        (("-i", "image=@input.jpg", "-i", "scale=9"), "scale"),
        (("--json", "{"), "Failed to parse JSON: "),
        (("--json", "{}", "-i", "scale=2"), "Must use one of --json or --input"),
        (("-f", "other.yaml", "-i", "scale=2"), "other.yaml not found in "),
        (("no-such-model", "-i", "scale=2"), "no-such-model"),
        (("scale=2",), "Did you forget `-i`?"),
    ],
)
def test_wrong_arguments_are_explained(resize, arguments, message):
    said = refusal(resize("predict", *arguments))

    assert message in said
    assert STARTED not in said


@pytest.fixture(scope="module")
def resize(example):
    return example("resize")


HELLO = """
from cog import BasePredictor

class Predictor(BasePredictor):
    def predict(self, text: str) -> str:
        return text
"""


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("predict: predict.py", "must be in the form 'predict.py:Predictor'"),
        ("predict: gone.py:Predictor", "gone.py"),
        ("predict: predict.py:Gone", "Gone"),
        ("predict: [predict.py]", "predict"),
        ("build: {python_version: '2.7'}", "minimum supported Python version is 3.10"),
        ("build: {python_version: '3.99'}", "3.99"),
        (
            "build: {python_version: '3.12', python_requirements: gone.txt}",
            'invalid build.python_requirements "gone.txt": file does not exist',
        ),
        ("a: b: c", "failed to parse cog.yaml"),
    ],
)
def test_a_wrong_cog_yaml_is_explained(example, line, message):
    cog = example("hello-world")
    key = line.partition(":")[0]
    config = cog.folder / "cog.yaml"
    kept = [part for part in config.read_text().split("\n\n") if not part.startswith(key)]
    config.write_text("\n".join([*kept, line]))

    assert message in refusal(cog("predict", "-i", "text=x"))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def predict(:", "SyntaxError"),
        (f"import not_there\n{HELLO}", "not_there"),
        ("raise SystemExit(0)", "predict.py"),
        (HELLO.replace("text: str", "text"), "text"),
        (HELLO.replace("text: str", "text: bytes"), "text"),
        (HELLO.replace("def predict", "def forecast"), "predict"),
    ],
)
def test_a_wrong_predict_py_is_explained(example, source, message):
    cog = example("hello-world")
    (cog.folder / "predict.py").write_text(source)

    run = cog("predict", "-i", "text=x")

    assert run.returncode == 1
    assert run.stdout == ""
    assert message in run.stderr


def test_a_package_that_does_not_exist_is_named(example):
    cog = example("resize")
    (cog.folder / "requirements.txt").write_text("no-package-has-this-name==1.0\n")

    assert "no-package-has-this-name" in refusal(cog("predict", "-i", "image=@input.jpg"))


def test_a_setup_that_raises_shows_its_traceback(example):
    cog = example("hello-world")
    (cog.folder / "predict.py").write_text(
        HELLO.replace(
            "    def predict",
            '    def setup(self):\n        raise OSError("no disk")\n    def predict',
        )
    )

    run = cog("predict", "-i", "text=x")

    assert run.returncode == 1
    assert "Model setup failed" in run.stderr
    assert 'raise OSError("no disk")' in run.stderr


def test_a_prediction_that_raises_shows_its_traceback(example):
    cog = example("hello-world")
    (cog.folder / "predict.py").write_text(HELLO.replace("return text", "return 1 / 0"))

    run = cog("predict", "-i", "text=x")

    assert (run.returncode, run.stdout) == (1, "")
    assert 'Prediction failed with status "failed": ' in run.stderr
    assert "ZeroDivisionError: division by zero" in run.stderr
    assert "return 1 / 0" in run.stderr


def test_a_folder_without_a_project_is_explained(example):
    cog = example("hello-world")
    (cog.folder / "cog.yaml").unlink()

    assert "cog.yaml not found in " in refusal(cog("predict", "-i", "text=x"))
