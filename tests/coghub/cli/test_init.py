import ast
import io

import pytest
import yaml
from click.testing import CliRunner

from coghub.cli.init import PYTHON_VERSION, command
from coghub.cli.invocation import Invocation
from coghub.cli.output import Console
from coghub.settings import read_settings


@pytest.fixture
def init(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        err = io.StringIO()
        invocation = Invocation(read_settings({}), Console(io.StringIO(), err))
        result = CliRunner().invoke(command, arguments, obj=invocation)
        assert result.exception is None
        return err.getvalue()

    return run


def test_the_files_of_a_project_are_written(init, tmp_path):
    said = init()

    config = yaml.safe_load((tmp_path / "cog.yaml").read_text())
    assert config["predict"] == "predict.py:Predictor"
    assert config["build"] == {
        "gpu": False,
        "python_version": PYTHON_VERSION,
        "python_requirements": "requirements.txt",
    }
    names = [node.name for node in ast.parse((tmp_path / "predict.py").read_text()).body[2:]]
    assert names == ["Predictor"]
    assert said == (
        "Setting up the current directory for use with Cog...\n"
        "Creating cog.yaml\nCreating predict.py\nCreating requirements.txt\n"
        "Done! For next steps, check out the docs at https://cog.run/getting-started\n"
    )


def test_the_newer_spelling_may_be_asked_for(init, tmp_path):
    init("--run")

    assert yaml.safe_load((tmp_path / "cog.yaml").read_text())["run"] == "run.py:Runner"
    assert "class Runner(BaseRunner):" in (tmp_path / "run.py").read_text()
    assert "def run(" in (tmp_path / "run.py").read_text()
    assert not (tmp_path / "predict.py").exists()


def test_a_file_that_exists_is_left_alone(init, tmp_path):
    (tmp_path / "predict.py").write_text("mine")

    said = init()

    assert "Skipped existing predict.py\n" in said
    assert (tmp_path / "predict.py").read_text() == "mine"
