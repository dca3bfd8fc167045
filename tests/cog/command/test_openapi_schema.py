import json

import pytest

from cog.command import openapi_schema
from cog.command.openapi_schema import references
from cog.errors import ConfigDoesNotExist, PredictorNotSet


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ('predict: "predict.py:Predictor"', {"predict": "predict.py:Predictor"}),
        ("run: run.py:Runner  # ours", {"predict": "run.py:Runner"}),
        ("train: 't.py:train'\npredict: a-1.py:P", {"train": "t.py:train", "predict": "a-1.py:P"}),
        ("build:\n  run:\n    - predict: no\npredict: p.py:P", {"predict": "p.py:P"}),
    ],
)  # fmt: skip
def test_references_of_a_config(tmp_path, config, expected):
    (tmp_path / "cog.yaml").write_text(config)

    assert references(tmp_path, {}) == expected


def test_the_environment_of_an_image_comes_first(tmp_path):
    (tmp_path / "cog.yaml").write_text("predict: predict.py:Predictor")

    found = references(tmp_path, {"COG_PREDICT_TYPE_STUB": "run.py:Runner"})

    assert found == {"predict": "run.py:Runner"}


def test_nothing_names_a_model(tmp_path):
    with pytest.raises(ConfigDoesNotExist, match=r"^Could not find "):
        references(tmp_path, {})

    (tmp_path / "cog.yaml").write_text("build:\n  gpu: false")

    with pytest.raises(
        PredictorNotSet, match=r"^no predict or train reference found in cog\.yaml$"
    ):
        references(tmp_path, {})


def test_the_document_is_printed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [])
    monkeypatch.setenv("COG_PREDICT_TYPE_STUB", "printed_model.py:run")
    (tmp_path / "printed_model.py").write_text("def run(x: int) -> str: ...")

    assert openapi_schema.main() == 0

    assert json.loads(capsys.readouterr().out)["openapi"] == "3.0.2"


def test_an_error_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COG_PREDICT_TYPE_STUB", "nowhere.py:run")

    assert openapi_schema.main() == 1

    assert capsys.readouterr() == ("", "nowhere.py not found\n")
