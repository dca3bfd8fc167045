import ast

import pytest
from tests.coghub.build.doctor.conftest import PREDICTOR, Folder

CHECK = "python-deprecated-imports"
SILENCED = """\
import warnings

from cog import (
    BasePredictor,
    ExperimentalFeatureWarning,
)

warnings.filterwarnings("ignore", category=ExperimentalFeatureWarning)


class Predictor(BasePredictor):
    def predict(self, text: str) -> str:
        return text  # as it is
"""


def test_the_import_and_what_silences_it_go_together(folder: Folder):
    folder.write({"predict.py": SILENCED})

    said = "error predict.py:3: `ExperimentalFeatureWarning` was removed in cog 0.17"
    assert folder.lines() == [said]
    assert folder.fix() == ["removed `ExperimentalFeatureWarning`"]

    fixed = folder.read("predict.py")
    assert "Experimental" not in fixed
    assert "from cog import BasePredictor\n" in fixed
    assert fixed.endswith("return text  # as it is\n")
    assert folder.lines() == []
    assert folder.fix() == []


SIMPLE = "warnings.simplefilter('ignore', cog.ExperimentalFeatureWarning)\n"
FILTER = "filterwarnings('ignore', ExperimentalFeatureWarning)\n"
IMPORT = "from cog import ExperimentalFeatureWarning"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"{IMPORT}\nx = 1\n", "x = 1\n"),
        (f"import cog, warnings\n{SIMPLE}", "import cog, warnings\n"),
        (
            f"if x:\n    {FILTER}{IMPORT}, Path\n",
            "if x:\n    pass\nfrom cog import Path\n",
        ),
    ],
)
def test_what_is_left_is_python(folder: Folder, before: str, after: str):
    folder.write({"predict.py": PREDICTOR + before})

    folder.fix(CHECK)

    assert folder.read("predict.py") == PREDICTOR + after
    assert ast.parse(after)


@pytest.mark.parametrize(
    "source",
    [
        f"{IMPORT} as E\n",
        f"{IMPORT}\nprint(ExperimentalFeatureWarning)\n",
        "from cog import (  # why\n    ExperimentalFeatureWarning,  # this\n    Path,\n)\n",
        f"x = 1; {IMPORT}\n",
    ],
)
def test_what_is_used_otherwise_is_left_to_a_person(folder: Folder, source: str):
    folder.write({"predict.py": PREDICTOR + source})

    (finding,) = folder.findings(CHECK)

    assert finding.fix is None
    assert "manual migration required" in finding.hint
    assert folder.fix() == []
