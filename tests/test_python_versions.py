"""The SDK on every Python that a model may ask for, as far as this machine has them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from coghub.build.interpreters import Interpreters
from coghub.domain.errors import InterpreterNotFound
from coghub.settings import current_settings, read_settings

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = ["3.10", "3.11", "3.12", "3.13", "3.14"]

IMPORT_ALL = """
import importlib, pkgutil, sys
sys.path.insert(0, sys.argv[1])
import cog
SERVED = {"cog.server.http", "cog.server.exceptions"}
for module in pkgutil.walk_packages(cog.__path__, "cog."):
    if module.name.endswith("__main__"):
        continue
    if module.name.startswith("cog.server.") and module.name not in SERVED:
        continue
    importlib.import_module(module.name)
print(len([name for name in sys.modules if name.partition(".")[0] == "cog"]))
"""

MODEL = """
from typing import Literal, Optional

from cog import BasePredictor, ConcatenateIterator, Input, Path, Secret


class Predictor(BasePredictor):
    def predict(
        self,
        prompt: str = Input(description="What to say", max_length=100),
        image: Optional[Path] = Input(default=None),
        scale: float = Input(default=1.5, ge=0, le=10),
        size: "int | None" = None,
        style: Literal["plain", "loud"] = "plain",
        tags: list[str] = Input(default=["a"]),
        token: Secret = Input(default=None),
    ) -> ConcatenateIterator[str]:
        yield prompt
"""


@pytest.fixture(scope="module", params=VERSIONS)
def python(request: pytest.FixtureRequest) -> str:
    """An interpreter of the version; nothing is downloaded for it."""
    settings = read_settings({**current_settings().environ, "UV_PYTHON_DOWNLOADS": "never"})
    try:
        return str(Interpreters(settings).find(request.param).path)
    except InterpreterNotFound:
        pytest.skip(f"no Python {request.param} on this machine")


@pytest.mark.slow
def test_every_module_for_models_imports_without_any_package(python: str) -> None:
    command = [python, "-I", "-S", "-W", "error", "-c", IMPORT_ALL, ROOT / "sdk"]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 30


@pytest.fixture(scope="module")
def document_here(tmp_path_factory: pytest.TempPathFactory) -> object:
    return schema_of_model(sys.executable, tmp_path_factory.mktemp("here"))


@pytest.mark.slow
def test_the_schema_is_the_same_on_every_version(
    python: str, document_here: object, tmp_path: Path
) -> None:
    assert schema_of_model(python, tmp_path) == document_here


def schema_of_model(python: str, folder: Path) -> object:
    (folder / "predict.py").write_text(MODEL)
    command = [python, "-S", "-m", "cog.schema", "--predict", "predict.py:Predictor"]
    environ = {"PYTHONPATH": str(ROOT / "sdk"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
