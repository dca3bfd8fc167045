"""What the measurements need on disk: the peer's environment and copies of the model files.

All of it is under `.bench/` of the checkout, which git ignores, and is made once.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.servers import Kind, clean_environ

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".bench"
MODELS = ROOT / "benchmarks" / "models"
PINS = ROOT / "requirements" / "bench.txt"
PEER_PINS = ROOT / "requirements" / "peers.txt"
SDK = ROOT / "sdk"


def kinds() -> list[Kind]:
    """Return us and Cog's own server, in this order, on the same version of Python.

    Ours serves a model whose environment holds no package at all; only the path to the SDK is
    added, as the command does it. The server's packages live in the workspace's environment.
    """
    return [ours_on(environment("model", None)), Kind("cog", environment("cog", PINS))]


def ours_on(python: Path, **environ: str) -> Kind:
    """Return us, for a model in the environment of this interpreter."""
    ours = {"PYTHONPATH": str(SDK), "COG_SERVER_PYTHON": sys.executable}
    return Kind("coghub", python, {**ours, **environ})


def project(name: str) -> Path:
    """Return a copy of a model's files, its schema beside them so that both servers validate."""
    copy = FOLDER / "projects" / name
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(MODELS / name, copy, ignore=shutil.ignore_patterns("__pycache__", ".cog"))
    command = [sys.executable, "-m", "cog.schema", "--predict", "predict.py:Predictor"]
    environ = clean_environ() | {"PYTHONPATH": str(SDK)}
    made = subprocess.run(command, cwd=copy, env=environ, capture_output=True, check=True)
    (copy / ".cog").mkdir()
    (copy / ".cog" / "openapi_schema.json").write_bytes(made.stdout)
    return copy


def environment(name: str, pins: Path | None) -> Path:
    """Return the interpreter of an environment with exactly the pinned packages."""
    wanted = hashlib.sha256(pins.read_bytes() if pins else b"").hexdigest() + sys.version
    folder = FOLDER / "environments" / name
    stamp, python = folder / "ready", folder / "bin" / "python"
    if stamp.is_file() and stamp.read_text() == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    uv = [sys.executable, "-m", "uv", "--no-config"]
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    if pins:
        sync = ["pip", "sync", "--quiet", "--require-hashes", "--compile-bytecode"]
        subprocess.run([*uv, *sync, "--python", python, pins], check=True)
    stamp.write_text(wanted)
    return python
