import pytest
from tests.coghub.build.doctor.conftest import CONFIG, PREDICTOR, PYTHON, Folder

CHECK = "predict-to-run-migration"
OLD = """\
# -*- coding: latin-1 -*-
\"\"\"Caf\xe9.\"\"\"
from cog import BasePredictor, Path  # names


class Predictor(BasePredictor):
    \"\"\"predict() of a Predictor.\"\"\"

    def setup(self) -> None:
        self.model = load()
        super(Predictor, self).__init__()

    def predict(self, text: str = "\xe9") -> str:
        return self.predict if text else self.model.predict(text)
"""
NEW = """\
# -*- coding: latin-1 -*-
\"\"\"Caf\xe9.\"\"\"
from cog import BaseRunner, Path  # names


class Runner(BaseRunner):
    \"\"\"predict() of a Predictor.\"\"\"

    def setup(self) -> None:
        self.model = load()
        super(Runner, self).__init__()

    def run(self, text: str = "\xe9") -> str:
        return self.run if text else self.model.predict(text)
"""


def test_nobody_is_told_to_migrate(folder: Folder):
    assert folder.findings() == []
    assert folder.fix() == []


def test_who_asks_for_it_gets_the_newer_names(folder: Folder):
    config = (
        f"build: {{python_version: '{PYTHON}'}}\n'predict' : \"predict.py:Predictor\"  # here\n"
    )
    folder.write({"cog.yaml": config, "predict.py": OLD.encode("latin-1")})
    (folder.path / "predict.py").chmod(0o755)

    assert folder.lines(CHECK) == ["warning cog.yaml:2: Deprecated predict interface names"]
    assert folder.fix(CHECK) == [
        "moved predict.py:Predictor to run.py:Runner, and `predict` to `run`"
    ]

    assert folder.read("cog.yaml") == config.replace("'predict'", "'run'").replace(
        "predict.py:Predictor", "run.py:Runner"
    )
    assert (folder.path / "run.py").read_bytes().decode("latin-1") == NEW
    assert (folder.path / "run.py").stat().st_mode & 0o777 == 0o755
    assert not (folder.path / "predict.py").exists()
    assert folder.findings(CHECK) == []
    assert folder.findings() == []


def test_names_of_ones_own_stay(folder: Folder):
    source = PREDICTOR.replace("Predictor(", "Resizer(")
    folder.write({"cog.yaml": CONFIG.replace("predict.py:Predictor", "src/resize.py:Resizer")})
    folder.write({"src/resize.py": source})

    assert len(folder.fix(CHECK)) == 1

    assert "run: " in folder.read("cog.yaml")
    assert "class Resizer(BaseRunner):\n    def run(" in folder.read("src/resize.py")


ALIASED = "from cog import BasePredictor as B\nclass Predictor(B):\n    def predict(self): ...\n"
IN_ONE_LINE = f"{{build: {{python_version: '{PYTHON}'}}, predict: 'predict.py:Predictor'}}"
IMPORTED = {
    "predict.py": PREDICTOR + "\nimport tool\n",
    "tool.py": "from predict import Predictor\n",
}


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"run.py": ""}, "run.py exists"),
        ({"predict.py": PREDICTOR + PREDICTOR.replace("Predictor(", "B(")}, "several classes"),
        ({"predict.py": ALIASED}, "under another name"),
        ({"predict.py": PREDICTOR + "    def run(self): ...\n"}, "a run() already"),
        ({"predict.py": PREDICTOR + "\nPredictor().predict('a')\n"}, "makes a Predictor itself"),
        (IMPORTED, "tool.py imports predict"),
        ({"cog.yaml": CONFIG + "train: predict.py:train\n"}, "`train` refers to predict.py too"),
        ({"cog.yaml": IN_ONE_LINE}, "a line of its own"),
        ({"predict.py": "def f(:\n"}, "predict.py cannot be read"),
    ],
)
def test_what_a_person_must_decide_is_left_alone(
    folder: Folder, files: dict[str, str], reason: str
):
    folder.write(files)
    before = {path.name: path.read_bytes() for path in folder.path.iterdir()}

    (finding,) = folder.findings(CHECK)

    assert finding.hint.startswith("Manual migration required: ")
    assert reason in finding.hint
    assert folder.fix(CHECK) == []
    assert {path.name: path.read_bytes() for path in folder.path.iterdir()} == before
