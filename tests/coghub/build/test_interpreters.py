"""Pythons on a machine made of scripts that answer as a Python would, or do not."""

import json
import shlex
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from coghub.build import interpreter_probe
from coghub.build.events import Notice
from coghub.build.installer import Installer
from coghub.build.interpreter_places import Places
from coghub.build.interpreters import Interpreters, Wanted
from coghub.domain.errors import EnvironmentFailed, InterpreterNotFound
from coghub.settings import Settings

pytestmark = pytest.mark.slow
OWN = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def machine(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings whose PATH holds a shell and nothing else, and a uv that is kept from a network."""
    monkeypatch.setattr(interpreter_probe, "TIMEOUT_S", 0.5)
    bin_folder = settings.home / "bin"
    bin_folder.mkdir()
    environ = {
        **{name: value for name, value in settings.environ.items() if name != "PATH"},
        "PATH": str(bin_folder),
        "UV_PYTHON_DOWNLOADS": "never",
    }
    return replace(settings, environ=environ)


def plant(place: Path, version: str, **changes: object) -> Path:
    """Make a script that answers for a Python of the version, and counts how often it is asked."""
    answer = {"path": str(place), "version": version, "platform": "test", "is_usual": True}
    text = json.dumps({**answer, **changes})
    script = f"#!/bin/sh\necho asked >> {place}.asked\necho {shlex.quote(text)}\n"
    return plant_script(place, script)


def plant_script(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script)
    path.chmod(0o755)
    return path


def times_asked(path: Path) -> int:
    record = Path(f"{path}.asked")
    return len(record.read_text().splitlines()) if record.exists() else 0


def test_the_commands_own_python_serves_its_version(settings: Settings) -> None:
    found = Interpreters(settings).find(OWN)

    assert found.minor == OWN
    assert found.path.exists()
    assert "site-packages" not in str(found.path)


def test_path_is_looked_through_in_order(machine: Settings) -> None:
    plant(machine.home / "bin" / "python3", "3.60.2")
    plant(machine.home / "bin" / "python3.60", "3.60.1")

    assert Interpreters(machine).find("3.60").version == "3.60.1"


@pytest.mark.parametrize(
    "place",
    [
        ".local/share/uv/python/cpython-3.60.1-linux/bin/python3",
        ".pyenv/versions/3.60.1/bin/python3",
        "miniconda3/envs/some/bin/python3.60",
        "miniforge3/bin/python3.60",
    ],
)
def test_the_folders_of_tools_are_looked_through(machine: Settings, place: str) -> None:
    planted = plant(machine.home / place, "3.60.1")

    assert Interpreters(machine).find("3.60").path == planted


def test_a_folder_that_names_another_version_is_not_asked(machine: Settings) -> None:
    other = plant(machine.home / ".pyenv/versions/3.61.4/bin/python3", "3.61.4")
    plant(machine.home / ".pyenv/versions/3.60.9/bin/python3", "3.60.9")
    newest = plant(machine.home / ".pyenv/versions/3.60.10/bin/python3", "3.60.10")

    assert Interpreters(machine).find("3.60").path == newest
    assert times_asked(other) == 0


def test_the_exact_patch_is_preferred_and_else_the_nearest_with_a_notice(
    machine: Settings,
) -> None:
    for patch in (1, 4, 9):
        plant(machine.home / f".pyenv/versions/3.60.{patch}/bin/python3", f"3.60.{patch}")
    events: list[object] = []

    exact = Interpreters(machine).find("3.60.4", events.append)
    nearest = Interpreters(machine).find("3.60.7", events.append)

    assert exact.version == "3.60.4"
    assert nearest.version == "3.60.9"
    assert events == [Notice("Python 3.60.7 is not on this machine: using 3.60.9 instead")]


@pytest.mark.parametrize(
    "script",
    [
        "#!/bin/sh\nwhile true; do read -r line < /dev/zero; done\n",
        "#!/bin/sh\necho 'pyenv: python3.60: command not found' >&2\nexit 127\n",
        "#!/bin/sh\necho Python 3.60.1\n",
        "#!/no/such/shell\n",
        "not a program",
    ],
)
def test_a_shim_that_does_not_answer_is_skipped(machine: Settings, script: str) -> None:
    plant_script(machine.home / "bin" / "python3.60", script)
    behind = plant(machine.home / ".pyenv/versions/3.60.1/bin/python3", "3.60.1")

    assert Interpreters(machine).find("3.60").path == behind


def test_unusual_pythons_are_passed_over(machine: Settings) -> None:
    """Another implementation, a pre-release, one without a lock: few wheels fit them."""
    plant(machine.home / "bin" / "python3.60", "3.60.1", is_usual=False)
    usual = plant(machine.home / ".pyenv/versions/3.60.1/bin/python3", "3.60.1")

    assert Interpreters(machine).find("3.60").path == usual


def test_a_file_is_asked_once_until_it_changes(machine: Settings) -> None:
    planted = plant(machine.home / "bin" / "python3.60", "3.60.1")
    for _ in range(3):
        assert Interpreters(machine).find("3.60").version == "3.60.1"
    assert times_asked(planted) == 1

    plant(planted, "3.60.25")

    assert Interpreters(machine).find("3.60").version == "3.60.25"


def test_an_answer_is_not_kept_when_the_python_behind_a_shim_is_gone(machine: Settings) -> None:
    real = plant(machine.home / "real", "3.60.1")
    shim = plant(machine.home / "bin" / "python3.60", "3.60.1", path=str(real))
    Interpreters(machine).find("3.60")
    real.unlink()

    Interpreters(machine).find("3.60")

    assert times_asked(shim) == 2


def test_a_damaged_memory_is_forgotten(machine: Settings) -> None:
    plant(machine.home / "bin" / "python3.60", "3.60.1")
    machine.cache_folder.mkdir()
    (machine.cache_folder / "interpreters.json").write_text('["no"')

    assert Interpreters(machine).find("3.60").version == "3.60.1"


def test_the_root_of_a_failed_install_is_named(
    machine: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Installer, *arguments: object, **options: object) -> None:
        raise EnvironmentFailed("Could not install it: It failed\n  because\n  no such host")

    monkeypatch.setattr(Installer, "run", fail)

    with pytest.raises(InterpreterNotFound, match=r"installed: It failed \(no such host\)"):
        Interpreters(machine).find("3.99")


def test_a_version_that_is_nowhere_names_where_it_was_looked_for(machine: Settings) -> None:
    with pytest.raises(InterpreterNotFound) as caught:
        Interpreters(machine).find("3.99")

    assert "No Python 3.99 on this machine, and it could not be installed: " in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.hint is not None
    for place in ("PATH", "uv/python", ".pyenv/versions", "miniconda3"):
        assert place in caught.value.hint


def test_the_mac_stub_that_opens_a_window_is_not_run(
    machine: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    environ = {**machine.environ, "PATH": "/usr/bin"}

    candidates = list(Places(replace(machine, environ=environ)).candidates("3.60"))

    assert Path("/usr/bin/python3") not in candidates


def test_a_wanted_version_is_read_in_parts() -> None:
    assert Wanted.read("3.12") == Wanted("3.12", None)
    assert Wanted.read("3.12.4") == Wanted("3.12", 4)
