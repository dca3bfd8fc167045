"""Telling that a project's file hides a module."""

import subprocess
import sys

import pytest

from coghub.engines.hidden_modules import hidden_module


@pytest.fixture
def said(tmp_path):
    """Return the last line of what Python says to a statement, run in the folder."""

    def said(statement):
        ran = subprocess.run(
            [sys.executable, "-c", statement],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        return ran.stderr.rstrip().rpartition("\n")[2]

    return said


@pytest.mark.parametrize("file", ["json.py", "json/__init__.py"])
@pytest.mark.parametrize(
    "statement", ["import json; json.dump", "from json import dump", "import json.decoder"]
)
def test_a_file_in_place_of_one_of_pythons_modules_is_named(tmp_path, said, file, statement):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("import sys")

    assert hidden_module(tmp_path, said(statement)) == file


def test_a_file_in_place_of_the_sdk_is_named(tmp_path, said):
    (tmp_path / "cog.py").write_text("")
    error = (
        "python: Error while finding module specification for 'cog.schema' "
        "(ModuleNotFoundError: __path__ attribute not found on 'cog' while trying to find ...)"
    )

    assert hidden_module(tmp_path, error) == "cog.py"
    assert hidden_module(tmp_path, said("from cog import Input")) == "cog.py"


def test_other_errors_and_other_files_are_not_blamed(tmp_path, said):
    (tmp_path / "json.py").write_text("")
    (tmp_path / "mine.py").write_text("")

    for statement in ("from mine import x", "raise KeyError('json')", "import xml; xml.no", "1/0"):
        assert hidden_module(tmp_path, said(statement)) is None
