import os

import pytest
from tests.coghub.build.doctor.conftest import CONFIG, PYTHON, Folder


def test_nothing_is_said_of_a_project_that_is_right(folder: Folder):
    assert folder.findings() == []


def test_text_that_is_no_yaml_is_told_with_its_line(folder: Folder):
    folder.write({"cog.yaml": "build:\n  - [\n"})

    (line,) = folder.lines("config-parse")

    assert line.startswith("error cog.yaml:3: cog.yaml has invalid YAML: line 3: ")


TYPE = 'failed to parse cog.yaml: invalid YAML: schema error in "image": must be a string'
OLD = 'invalid build.python_version "3.7": minimum supported Python version is 3.10'
NAME = "name must be lower-case letters and digits, with `.`, `_` or `-` between"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (CONFIG + "image: [1]\n", f"error cog.yaml:4: {TYPE}"),
        (CONFIG.replace(PYTHON, "3.7"), f"error cog.yaml:2: {OLD}"),
        (
            CONFIG + "weights:\n  - name: UP\n    target: x\n",
            f'error cog.yaml:4: weights.0 "UP": {NAME}',
        ),
    ],
)
def test_each_mistake_is_told_where_it_is(folder: Folder, content: str, said: str):
    folder.write({"cog.yaml": content})

    assert folder.lines("config-schema")[0] == said


def test_a_config_that_cannot_be_used_does_not_keep_the_code_from_being_looked_at(folder: Folder):
    folder.write({"cog.yaml": CONFIG.replace(PYTHON, "3"), "predict.py": "def f(:\n"})

    assert {it.check for it in folder.findings()} == {"config-schema", "python-syntax"}


def test_deprecated_fields_are_warned_of(folder: Folder):
    folder.write({"cog.yaml": CONFIG + "concurrency:\n  max: 2\n"})

    said = 'deprecated field "concurrency.max": use "@cog.concurrent(max=...)" instead'
    assert folder.lines("config-deprecated-fields") == [f"warning cog.yaml:5: {said}"]


def test_a_reference_leads_to_a_file(folder: Folder):
    (folder.path / "predict.py").unlink()

    assert folder.lines() == ["error cog.yaml:3: predict.py not found"]


def test_a_reference_leads_to_a_class(folder: Folder):
    folder.write({"predict.py": "class A: ...\nclass B: ...\n"})

    said = 'class "Predictor" not found in predict.py; found: A, B'
    assert folder.lines() == [f"error cog.yaml:3: {said}"]


@pytest.mark.parametrize(
    "source",
    [
        "from model import Predictor\n",
        "if True:\n    class Predictor: ...\n",
        "from model import *\n",
        "Predictor = type('Predictor', (), {})\n",
        "globals().update({})\n",
    ],
)
def test_a_class_may_come_about_in_other_ways(folder: Folder, source: str):
    folder.write({"predict.py": source, "model.py": "class Predictor: ...\n"})

    assert folder.findings("config-predict-ref") == []


def test_a_training_may_be_a_function(folder: Folder):
    folder.write({"cog.yaml": CONFIG + "train: train.py:train\n", "train.py": "def tune(): ...\n"})

    said = 'function "train" not found in train.py; found: tune'
    assert folder.lines("config-predict-ref") == [f"error cog.yaml:4: {said}"]


@pytest.mark.parametrize("name", ["a" * 300, "a/" * 3000, "a b"])
def test_a_name_that_no_file_can_have_is_not_found(folder: Folder, name: str):
    folder.write({"cog.yaml": CONFIG.replace("predict.py", f"{name}.py")})

    assert f"error cog.yaml:3: {name}.py not found" in folder.lines("config-predict-ref")


def test_a_pipe_is_no_code(folder: Folder):
    (folder.path / "predict.py").unlink()
    os.mkfifo(folder.path / "predict.py")

    assert folder.lines() == ["error cog.yaml:3: predict.py not found"]


def test_code_that_would_not_be_pushed_is_an_error(folder: Folder):
    folder.write({".dockerignore": "*.py\n"})

    said = "The bundle would lack what cog.yaml refers to: predict.py"
    assert folder.lines() == [f"error cog.yaml:3: {said}"]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"a: \x00", b"- " * 100, b"x" * 2**21])
def test_bytes_that_are_no_config_are_one_finding(folder: Folder, content: bytes):
    folder.write({"cog.yaml": content})

    assert [it.check for it in folder.findings()] == ["config-parse"]
