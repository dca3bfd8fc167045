"""Which file an import means, and what is not one of the project's."""

import sys

import pytest

from cog.errors import CogError, ModelLoadError
from cog.schema.static.description import describe
from cog.schema.static.unknown import CannotTell


def test_the_files_that_were_read_are_named(told):
    answer = told(
        "import a.b\nfrom c import *\ndef predict(n: int = a.b.X + Y) -> int: ...",
        {"a/__init__.py": "", "a/b.py": "X = 1", "c.py": "Y = 2\n_hidden = 3", "unused.py": ""},
    )

    assert answer["sources"] == ["a/__init__.py", "a/b.py", "c.py", "predict.py"]


def test_a_folder_comes_before_a_file_and_needs_no_init(told):
    answer = told(
        "import both\nfrom plain.inner import X\ndef predict(n: int = both.N + X) -> int: ...",
        {"both.py": "N = 1", "both/__init__.py": "N = 10", "plain/inner.py": "X = 2"},
    )

    properties = answer["document"]["components"]["schemas"]["Input"]["properties"]
    assert properties["n"]["default"] == 12


@pytest.mark.parametrize(
    "source",
    [
        "from . import helper",
        "from .helper import X",
        "from helper import missing as X",
        "import helper.inner as X",
        "from json import loads as X\nX = X.missing",
        "import os, sys\nsys.path.insert(0, os.path.abspath('lib'))\nfrom helper import X",
        "import sys\nsys.path[0] = 'lib'\nfrom helper import X",
        "sys = __import__('sys')",
    ],
)
def test_what_is_not_certainly_there_is_not_known(told, source):
    with pytest.raises(CannotTell):
        told(f"{source}\ndef predict(n: int = X) -> int: ...", {"helper.py": "X = 1"})


def test_a_folder_that_the_source_puts_first_is_looked_in_first(told):
    answer = told(
        "import sys\nsys.path.insert(0, './lib')\nfrom helper import X\nimport other\n"
        "def predict(n: int = X + other.Y) -> int: ...",
        {"helper.py": "X = 1", "lib/helper.py": "X = 10", "other.py": "Y = 5"},
    )

    properties = answer["document"]["components"]["schemas"]["Input"]["properties"]
    assert properties["n"]["default"] == 15
    assert answer["sources"] == ["lib/helper.py", "other.py", "predict.py"]


def test_a_compiled_module_hides_the_file_beside_it(told, tmp_path):
    (tmp_path / "fast.abi3.so").touch()

    with pytest.raises(CannotTell, match="`fast` is only known in the model's environment"):
        told("from fast import X\ndef predict(n: int = X) -> int: ...", {"fast.py": "X = 1"})


def test_the_reference_may_lie_in_a_folder(told):
    files = {"src/model.py": "import lib\ndef run(n: int = lib.N): ...", "lib.py": "N = 4"}

    answer = told("", files, "src/model.py:run")

    assert answer["sources"] == ["lib.py", "src/model.py"]


def test_a_missing_file_is_a_mistake(tmp_path):
    with pytest.raises(ModelLoadError, match=r"gone\.py not found"):
        describe(tmp_path, "gone.py:Predictor")


def test_modules_that_were_imported_stay_what_they_are(told):
    """Also after a failure; the stand-ins of a project's modules are gone."""
    before = dict(sys.modules)

    with pytest.raises(CogError):
        told("import click\ndef predict(n) -> int: ...", {"click.py": "X = 1"})

    assert sys.modules.get("click") is before.get("click")
    assert "predict" not in sys.modules or sys.modules["predict"] is before.get("predict")


def test_a_file_too_large_is_not_read(told, tmp_path):
    (tmp_path / "large.py").write_text("#" * 2 * 1024**2)

    with pytest.raises(CannotTell, match="the file is too large"):
        told("import large\ndef predict(n: int) -> int: ...")
