"""Which modules a project's code imports."""

import os
from pathlib import Path

from coghub.build.sources import imported


def write(project: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)


def test_imports_are_followed_through_the_project(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "predict.py": "import os, sys as system\nfrom lib import tool\nimport numpy.linalg\n",
            "lib/__init__.py": "from . import deep\n",
            "lib/tool.py": "def f():\n    from pydantic import (BaseModel)\n",
            "lib/deep.py": "from ..other import x\n",
            "other.py": "import yaml\n",
            "unused.py": "import torch\n",
        },
    )

    found = imported(tmp_path, ("predict.py:Predictor",))

    assert found.keys() == {"os", "sys", "numpy", "pydantic", "yaml"}
    assert found["pydantic"] == "tool.py"


def test_a_name_that_is_the_projects_own_is_not_a_package(tmp_path: Path) -> None:
    write(tmp_path, {"predict.py": "import pydantic\n", "pydantic.py": "x = 1\n"})

    assert imported(tmp_path, ("predict.py:Predictor",)) == {}


def test_a_pipe_with_the_name_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "predict.py")

    assert imported(tmp_path, ("predict.py:Predictor",)) == {}


def test_files_that_import_each_other_end(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "import b\n", "b.py": "import a\n"})

    assert imported(tmp_path, ("a.py:A", "missing.py:B")) == {}


def test_what_is_no_python_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "predict.py").write_bytes(b"\xff\xfe\x00import")

    assert imported(tmp_path, ("predict.py:Predictor",)) == {}
