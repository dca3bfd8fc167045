"""What is said when uv fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from coghub.build import installer
from coghub.build.events import Progress
from coghub.build.installer import Installer
from coghub.domain.errors import DiskFull, EnvironmentFailed
from coghub.settings import Settings

OLD = """\
  × No solution found when resolving dependencies:
  ╰─▶ Because nothing==1 is not there and you require nothing==1, we can
      conclude that your requirements are unsatisfiable.
"""
NEW = """\
Using Python 3.12.1 environment at: env
error: No solution found when resolving dependencies
  cause: Because nothing==1 is not there and you require nothing==1, we can
         conclude that your requirements are unsatisfiable.
"""


def stand_in(folder: Path, text: str, status: int) -> Path:
    """Make a program that says on stderr what uv would."""
    (folder / "said").write_text(text)
    program = folder / "uv"
    program.write_text(f"#!/bin/sh\ncat {folder}/said >&2\nexit {status}\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def run(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def run_it(text: str, status: int, report=lambda event: None) -> None:
        program = stand_in(tmp_path, text, status)
        monkeypatch.setattr(Installer, "path", lambda self: program)
        Installer(settings).run(["x"], purpose="do it", folder=tmp_path, report=report)

    return run_it


@pytest.mark.parametrize("text", [OLD, NEW])
def test_the_explanation_is_uvs_own_without_its_decoration(run, text: str) -> None:
    with pytest.raises(EnvironmentFailed) as caught:
        run(text, 1)

    lines = caught.value.message.splitlines()
    assert lines[0].rstrip(":") == "Could not do it: No solution found when resolving dependencies"
    assert lines[1:] == [
        "  Because nothing==1 is not there and you require nothing==1, we can",
        "  conclude that your requirements are unsatisfiable.",
    ]


def test_a_wall_of_text_is_cut_in_the_middle(run) -> None:
    with pytest.raises(EnvironmentFailed) as caught:
        run("error: It broke\n" + "".join(f"line {n}\n" for n in range(500)), 2)

    lines = caught.value.message.splitlines()
    assert len(lines) < 35
    assert lines[0] == "Could not do it: It broke"
    assert lines[-1] == "  line 499"
    assert "  …" in lines


def test_a_failure_without_a_word_is_still_an_error(run) -> None:
    with pytest.raises(EnvironmentFailed, match="Could not do it: uv says nothing"):
        run("", 1)


def test_a_full_disk_is_told_apart(run) -> None:
    with pytest.raises(DiskFull) as caught:
        run("error: Failed to write\n  cause: No space left on device (os error 28)\n", 2)

    assert caught.value.hint == "Free some with `cog env prune`"


def test_an_index_that_cannot_be_reached_is_told_with_a_hint(run) -> None:
    with pytest.raises(EnvironmentFailed) as caught:
        run("error: Request failed after 3 retries\n  cause: dns error\n", 2)

    assert caught.value.message == "Could not do it: Request failed after 3 retries\n  dns error"
    assert caught.value.hint == installer.UNREACHABLE


def test_progress_is_passed_on_without_the_list_of_packages(run, report) -> None:
    run("Using Python 3.12 at: x\nResolved 2 packages in 1ms\n + a==1\n - b==2\n\n", 0, report)

    assert report.events == [Progress("Resolved 2 packages in 1ms")]


OWNER = """
import sys
from pathlib import Path

from coghub.build.installer import Installer
from coghub.settings import current_settings

program, folder, writer = sys.argv[1:]
Installer.path = lambda self: Path(program)
Installer(current_settings()).run(
    [], purpose="", folder=Path(folder), kept_open=(int(writer),),
    report=lambda event: print(event, flush=True),
)
"""


@pytest.mark.slow
def test_uv_does_not_outlive_a_command_that_is_killed(tmp_path: Path) -> None:
    """Else it would hold the environment's lock; here it holds the end of a pipe."""
    program = tmp_path / "uv"
    program.write_text("#!/bin/sh\necho started >&2\nexec sleep 600\n")
    program.chmod(0o755)
    reader, writer = os.pipe()
    arguments = [sys.executable, "-c", OWNER, program, tmp_path, str(writer)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, pass_fds=[writer]) as owner:
        os.close(writer)
        assert owner.stdout is not None
        owner.stdout.readline()

        owner.kill()

    assert os.read(reader, 1) == b""
    os.close(reader)


@pytest.mark.slow
def test_the_real_uv_is_found_and_explains_itself(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailed, match="Could not do it: "):
        Installer(settings).run(["no-such-command"], purpose="do it", folder=tmp_path)


def test_without_uv_the_hint_is_a_command(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "uv", None)
    monkeypatch.setattr(installer.shutil, "which", lambda name, path: None)

    with pytest.raises(EnvironmentFailed) as caught:
        Installer(settings).path()

    assert caught.value.hint == "Run `pip install uv`"
