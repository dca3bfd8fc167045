"""The command that finds the server's interpreter, and servers and workers of two Pythons."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cog.server import http

SDK = Path(http.__file__).parents[2]


def test_the_environment_decides_which_python_serves(tmp_path):
    python = http.server_python({"COG_SERVER_PYTHON": sys.executable}, executable="/model/python")

    assert python == sys.executable


def test_a_chosen_python_that_is_none_is_one_clear_error(tmp_path):
    with pytest.raises(SystemExit, match="ERROR: COG_SERVER_PYTHON is not an interpreter: /no"):
        http.server_python({"COG_SERVER_PYTHON": "/no/python"}, executable=sys.executable)


@pytest.mark.skipif(Path(http.IMAGE_PYTHON).exists(), reason=f"{http.IMAGE_PYTHON} is here")
def test_a_python_with_the_packages_serves_itself():
    assert http.server_python({}, executable=sys.executable) == sys.executable


def test_the_server_sees_no_module_of_the_model():
    line = http.command("/server/python", ["--host", "::"], worker_python="/model/python")

    assert line[:3] == ["/server/python", "-I", "-c"]
    assert line[4:] == [str(SDK / "cog"), "--worker-python", "/model/python", "--host", "::"]


@pytest.mark.slow
def test_a_python_without_the_packages_is_one_clear_error(tmp_path):
    """Nor does the launcher need any: the interpreter is alone with the SDK."""
    shown = subprocess.run(
        [sys.executable, "-S", "-m", "cog.server.http"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(SDK), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    assert shown.returncode == 1
    assert shown.stderr.startswith("ERROR: The model server's packages are not installed: ")
    assert "COG_SERVER_PYTHON" in shown.stderr


def other_pythons() -> list[str]:
    """Return interpreters of other versions, as far as this machine has them."""
    places = os.environ.get("PATH", "").split(os.pathsep)  # noqa: TID251
    homes = [Path(it).parent for it in (*places, sys.base_prefix, Path(sys.base_prefix) / "bin")]
    ours = f"{sys.version_info.major}.{sys.version_info.minor}"
    found: dict[str, str] = {}
    for version in ("3.10", "3.12", "3.13", "3.14"):
        name = f"python{version}"
        near = [str(it) for home in homes for it in home.glob(f"{version}*/bin/{name}")]
        candidate = next(iter(near), None) or shutil.which(name)
        if version != ours and candidate is not None and answers(candidate):
            found[version] = candidate
    return list(found.values())[:1]


def answers(python: str) -> bool:
    return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0


@pytest.mark.slow
def test_server_and_worker_run_on_two_pythons(start_server):
    """The worker's Python has the standard library and the SDK, and nothing of the server's."""
    pythons = other_pythons()
    if not pythons:
        pytest.skip("no other Python version on this machine")

    server = start_server(
        "multi.py:Predictor",
        python=pythons[0],
        COG_SERVER_PYTHON=sys.executable,
        PYTHONPATH=str(SDK),
    ).wait_until_ready()

    version = subprocess.check_output([pythons[0], "--version"], text=True)
    assert server.health()["version"]["python"] in version
    assert server.predict(action="say", text="hi")["logs"].split() == ["hi", "HI"]
    server.begin("asleep", "sleeping", action="sleep").close()
    server.ask("POST", "/predictions/asleep/cancel")
    server.wait_for_line("Prediction cancelled")
    assert server.predict(action="number_of_calls")["output"] == 3
