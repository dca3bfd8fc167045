"""`python -m cog.schema`, run as the command runs it."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

MODEL = """
import os, pathlib, threading
from cog import BasePredictor, Input, concurrent
from words import CHOICES

print("hello from import")
os.write(1, b"from C\\n")
threading.Thread(target=threading.Event().wait).start()
TEXT = pathlib.Path("text.txt").read_text()

class Predictor(BasePredictor):
    def setup(self, weights): ...
    @concurrent(max=3)
    async def predict(self, word: str = Input(choices=CHOICES)) -> str: ...

def train(n: int) -> str: ...
"""


def run(project, *options):
    return subprocess.run(
        [sys.executable, "-m", "cog.schema", *options],
        cwd=project, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_it_describes_a_model_and_what_was_read_for_it(tmp_path):
    """Whatever the model prints goes to stderr, and a thread that never ends does not matter."""
    (tmp_path / "predict-1.py").write_text(MODEL)
    (tmp_path / "words.py").write_text("CHOICES = ['a', 'b']")
    (tmp_path / "text.txt").write_text("read at import")
    (tmp_path / "unused.py").write_text("")

    ended = run(tmp_path, "--predict", "predict-1.py:Predictor", "--train", "predict-1.py:train")

    assert ended.returncode == 0, ended.stderr
    answer = json.loads(ended.stdout)
    assert answer["predict"] == {
        "is_async": True,
        "is_streaming": False,
        "takes_weights": True,
        "concurrency": 3,
    }
    assert answer["train"]["concurrency"] is None
    assert answer["document"]["components"]["schemas"]["word"]["enum"] == ["a", "b"]
    assert "TrainingInput" in answer["document"]["components"]["schemas"]
    assert answer["sources"] == ["predict-1.py", "text.txt", "words.py"]
    assert "hello from import" in ended.stderr
    assert "from C" in ended.stderr


def test_what_was_listed_or_missing_may_change_the_document_too(tmp_path):
    """The listings that Python makes to find modules are none of the model's."""
    (tmp_path / "voices").mkdir()
    (tmp_path / "voices" / "anna.json").write_text("{}")
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "__init__.py").write_text("")
    (tmp_path / ".env").write_text("")
    (tmp_path / "predict.py").write_text("""
import contextlib, pathlib, words
from cog import Input
VOICES = [path.stem for path in pathlib.Path("voices").glob("*.json")]
pathlib.Path(".env").read_text()
with contextlib.suppress(OSError):
    pathlib.Path("more.txt").read_text()
def predict(voice: str = Input(choices=VOICES)) -> str: ...
""")

    ended = run(tmp_path, "--predict", "predict.py:predict")

    expected = [".env", "more.txt", "predict.py", "voices", "words/__init__.py"]
    assert json.loads(ended.stdout)["sources"] == expected


@pytest.mark.parametrize(
    ("source", "error", "said"),
    [
        ("import nowhere", "ModuleNotFoundError: No module named 'nowhere'", 'predict.py", line 1'),
        ("import sys; sys.exit(3)", "SystemExit: 3", "Traceback"),
        ("x = ]", "SyntaxError: unmatched ']'", 'predict.py", line 1'),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", "Traceback"),
        ("def predict(x): ...", "parameter 'x' on predict has no type annotation", "parameter 'x'"),
    ],
)
def test_one_clear_error_and_status_1(tmp_path, source, error, said):
    (tmp_path / "predict.py").write_text(source)

    ended = run(tmp_path, "--predict", "predict.py")

    assert ended.returncode == 1
    assert json.loads(ended.stdout) == {"error": error, "hint": None}
    assert said in ended.stderr
    assert "cog/schema" not in ended.stderr
    assert ended.stderr.splitlines()[-1] == error


def test_without_a_reference_it_says_how_it_is_used(tmp_path):
    ended = run(tmp_path)

    assert ended.returncode == 2
    assert "one of --predict and --train is required" in ended.stderr
