"""The two wheels as a user gets them: built, installed where nothing else is, and used."""

import io
import os
import runpy
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from coghub.settings import current_settings

ROOT = Path(__file__).resolve().parent.parent
UV = [sys.executable, "-m", "uv", "--no-config"]
LIMIT_S = 110

CONFIG = """
build:
  python_version: "{}.{}"
predict: predict.py:Predictor
"""
MODEL = """
from cog import BasePredictor


class Predictor(BasePredictor):
    def predict(self, name: str) -> str:
        return "hello " + name
"""


def run(command: list[object], environ: dict[str, str], folder: Path = ROOT) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize(("is_terminal", "shown"), [(True, ".\n"), (False, "")])
def test_setup_gives_a_terminal_signs_of_life(is_terminal, shown) -> None:
    """The process that is waited for ends when it was asked after once."""
    command = [sys.executable, "-c", "import sys; sys.exit(input() == 'end' and 3)"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:

        class Out(io.StringIO):
            def isatty(self) -> bool:
                if not process.stdin.closed:
                    process.stdin.write(b"end\n")
                    process.stdin.close()
                    process.wait()
                return is_terminal

        out = Out()
        await_end = runpy.run_path(str(ROOT / "requirements" / "bootstrap.py"))["await_end"]

        assert await_end(process, out, every_s=0.001) == 3
    assert out.getvalue() == shown


def test_setup_shows_why_python_could_not_make_an_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "requirements").mkdir()
    copy = tmp_path / "requirements" / "bootstrap.py"
    copy.write_bytes((ROOT / "requirements" / "bootstrap.py").read_bytes())
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho ensurepip is not there >&2\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))

    with pytest.raises(SystemExit):
        runpy.run_path(str(copy))["_make_environment"]()

    said = capsys.readouterr().err
    assert said.startswith(f"ensurepip is not there\nerror: {python} could not make")
    assert "hint: " in said
    assert not (tmp_path / ".venv").exists()


@pytest.fixture(scope="module")
def environ() -> dict[str, str]:
    """A shell without this workspace in it; uv asks the indexes that pip asks."""
    bootstrap = runpy.run_path(str(ROOT / "requirements" / "bootstrap.py"))
    settings = bootstrap["uv_settings"]([sys.executable, "-m", "pip"])
    own = current_settings().environ
    inherited = {
        name: value
        for name, value in own.items()
        if not name.startswith(("COG", "PYTHON", "VIRTUAL_ENV", "PYTEST"))
    }
    here = str(Path(sys.executable).parent)
    path = [folder for folder in own["PATH"].split(os.pathsep) if folder != here]
    return {**settings, **inherited, "PATH": os.pathsep.join(path)}


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory, environ: dict[str, str]) -> list[Path]:
    """Both wheels, as `make dist` builds them."""
    folder = tmp_path_factory.mktemp("dist")
    for part in ("sdk", "hub"):
        run([*UV, "build", "--quiet", "--wheel", "--out-dir", folder, part], environ)
    return sorted(folder.glob("*.whl"))


@pytest.mark.slow
def test_the_wheels_hold_the_whole_packages_and_nothing_else(wheels: list[Path]) -> None:
    assert [wheel.name.partition("-")[0] for wheel in wheels] == ["coghub", "coghub_sdk"]
    for wheel, folder, package in zip(wheels, ("hub", "sdk"), ("coghub", "cog"), strict=True):
        source = ROOT / folder
        wanted = {
            str(path.relative_to(source))
            for path in (source / package).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        names = {name for name in zipfile.ZipFile(wheel).namelist() if not name.endswith("/")}
        metadata = {name for name in names if ".dist-info/" in name}

        assert names - metadata == wanted
        assert any(name.endswith("licenses/LICENSE") for name in metadata)


@pytest.mark.slow
@pytest.mark.acceptance
@pytest.mark.timeout(300)
def test_a_model_runs_from_the_installed_wheels(
    wheels: list[Path], environ: dict[str, str], tmp_path: Path
) -> None:
    """In an environment that holds the two wheels and what they require."""
    python = tmp_path / "env" / "bin" / "python"
    project = tmp_path / "project"
    project.mkdir()
    (project / "cog.yaml").write_text(CONFIG.format(*sys.version_info[:2]))
    (project / "predict.py").write_text(MODEL)
    run([*UV, "venv", "--quiet", "--python", sys.executable, python.parent.parent], environ)
    run([*UV, "pip", "install", "--quiet", "--python", python, *wheels], environ)
    own = {"COG_ENGINE": "local", "COG_CACHE_DIR": str(tmp_path / "cache"), "NO_COLOR": "1"}

    command = python.parent / "cog"
    output = run([command, "predict", "-i", "name=wheel"], {**environ, **own}, project)

    assert output == "hello wheel\n"
    assert run([command, "--version"], environ).startswith("0.23.1 ")
    hub = [python.parent / "coghub", "user", "create", "ada", "--json", "--data", tmp_path / "hub"]
    assert '"name": "ada"' in run(hub, environ)
    assert "Run a hub" in run([python.parent / "coghub", "--help"], environ)
