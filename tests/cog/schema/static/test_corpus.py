"""What the source tells is what an import tells; where it cannot, it says so.

`told.txt`, `refused.txt` and `untold.txt` hold small projects, as models in the wild are written.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cog.errors import CogError
from cog.schema.static.description import describe
from cog.schema.static.unknown import CannotTell

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[3] / "examples"


def cases(name):
    """Return the projects of a file, by title: the texts of their files."""
    found = {}
    for part in re.split(r"^==== ", (HERE / name).read_text("utf-8"), flags=re.MULTILINE)[1:]:
        title, _, rest = part.partition("\n")
        first, *others = re.split(r"^---- ", rest, flags=re.MULTILINE)
        files = dict(other.split("\n", 1) for other in others)
        found[title] = {"predict.py": first, **files}
    return found


TOLD, REFUSED, UNTOLD = cases("told.txt"), cases("refused.txt"), cases("untold.txt")
NO_BYTE_CODE = {"PYTHONDONTWRITEBYTECODE": "1"}
STAND_INS = ("diffusers", "numpy", "stylegan", "torch", "xformers")


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")


def references(source):
    names = re.findall(r"^(?:class )?(Predictor|Runner)\b", source, re.MULTILINE)
    target = names[0] if names else "predict"
    train = "predict.py:train" if re.search(r"^def train", source, re.MULTILINE) else None
    return f"predict.py:{target}", train


def imported(root, predict, train, packages):
    """Return what `python -m cog.schema` answers, with packages that only seem to be there."""
    options = ["--predict", predict, *(["--train", train] if train else [])]
    ended = subprocess.run(
        [sys.executable, "-m", "cog.schema", *options],
        cwd=root, capture_output=True, text=True, timeout=60, check=False,
        env={"PYTHONPATH": str(packages), "PATH": "", "HOME": "/", **NO_BYTE_CODE},
    )  # fmt: skip
    assert ended.stdout, ended.stderr
    return json.loads(ended.stdout)


SEEMING = """
import functools
class Anything:
    def __init__(self, *args): ...
    def __getattr__(self, name): return Anything()
    def __call__(self, *args, **kwargs):
        return args[0] if args and callable(args[0]) else Anything()
def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return Anything()
"""


@pytest.fixture
def packages(tmp_path):
    """Stand-ins for packages: whatever is asked of them is there, and decorates nothing."""
    folder = tmp_path / "packages"
    folder.mkdir()
    for name in STAND_INS:
        (folder / f"{name}.py").write_text(SEEMING)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("title", TOLD)
def test_the_source_tells_what_an_import_tells(title, tmp_path, packages):
    root = tmp_path / "project"
    write(root, TOLD[title])
    predict, train = references(TOLD[title]["predict.py"])
    if title == "without a name":
        predict = "predict.py"

    told = describe(root, predict, train)

    answer = imported(root, predict, train, packages)
    assert "error" not in answer, answer
    assert set(told.pop("sources")) <= set(answer.pop("sources")) == set(TOLD[title])
    assert told == answer
    assert json.dumps(told) == json.dumps(answer)


@pytest.mark.slow
@pytest.mark.parametrize("title", REFUSED)
def test_a_bad_interface_is_refused_in_the_same_words(title, tmp_path, packages):
    write(tmp_path, REFUSED[title])
    predict, train = references(REFUSED[title]["predict.py"])
    if title == "no class":
        predict = "predict.py:Predictor"

    with pytest.raises(CogError) as refused:
        describe(tmp_path, predict, train)

    answer = imported(tmp_path, predict, train, packages)
    assert (refused.value.message, refused.value.hint) == (answer["error"], answer["hint"])


@pytest.mark.parametrize("title", UNTOLD)
def test_what_the_source_cannot_tell_is_said_with_its_reason(title, tmp_path):
    write(tmp_path, UNTOLD[title])
    predict, train = references(UNTOLD[title]["predict.py"])
    if "no such class" in title:
        predict = "predict.py:Predictor"

    with pytest.raises(CannotTell) as untold:
        describe(tmp_path, predict, train)

    assert title.partition(" | ")[2] in str(untold.value)


def test_the_corpus_has_forty_styles():
    assert len(TOLD) >= 40


def imported_somehow(root, predict, train, packages):
    """Return the same; packages that the example needs and that are not here only seem to be."""
    for _ in range(40):
        answer = imported(root, predict, train, packages)
        missing = re.search(r"No module named '([\w.]+)'", str(answer.get("error")))
        if missing is None:
            return answer
        place = packages / missing[1].replace(".", "/")
        place.mkdir(parents=True)
        (place / "__init__.py").write_text(SEEMING)
        place.with_suffix(".py").unlink(missing_ok=True)
    return answer


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.parent.name for path in EXAMPLES.glob("*/cog.yaml")))
def test_every_example_is_told(name, tmp_path):
    root, packages = EXAMPLES / name, tmp_path / "packages"
    train = "train.py:train" if (root / "train.py").exists() else None

    told = describe(root, "predict.py:Predictor", train)

    answer = imported_somehow(root, "predict.py:Predictor", train, packages)
    assert "error" not in answer, answer
    assert set(told.pop("sources")) <= set(answer.pop("sources"))
    assert told == answer
