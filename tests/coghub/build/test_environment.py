"""Environments made by the real uv, from wheels made on the spot: no index is asked."""

import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from coghub.build import machine, provision
from coghub.build.cog_yaml import Command
from coghub.build.environment import READY, Environment, Environments
from coghub.build.events import Event, ignore
from coghub.build.index import IndexSettings
from coghub.build.plan import Plan
from coghub.domain.errors import CommandFailed, DiskFull, EnvironmentFailed
from coghub.settings import Settings, current_settings, read_settings

pytestmark = pytest.mark.slow
OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
OFFLINE = IndexSettings(no_index=True, find_links=("wheels",))
MakeWheel = Callable[..., Path]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, make_wheel: MakeWheel) -> Path:
    folder = tmp_path_factory.mktemp("project")
    wheels = folder / "wheels"
    make_wheel(wheels, "tiny")
    make_wheel(wheels, "tiny", "2.0")
    make_wheel(wheels, "wants-cog", requires=("cog>=0.9", "tiny<2"))
    make_wheel(wheels, "pydantic", "2.9")
    make_wheel(wheels, "opencv-python", "4.10.0.84")
    make_wheel(wheels, "opencv-python-headless", "4.10.0.84")
    make_wheel(wheels, "sees", requires=("opencv-python>=4",))
    return folder


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """One machine for the tests that only add to it."""
    return settings_in(tmp_path_factory.mktemp("machine"))


def settings_in(folder: Path) -> Settings:
    return read_settings(
        {
            "HOME": str(folder),
            "PATH": current_settings().environ["PATH"],
            "COG_CACHE_DIR": str(folder / "cache"),
            "UV_CACHE_DIR": str(folder / "uv"),
            "PIP_CONFIG_FILE": "/dev/null",
        }
    )


def plan_of(*requirements: str, **changes: object) -> Plan:
    return replace(Plan(OWN, requirements=requirements, index=OFFLINE), **changes)


def version_in(environment: Environment, module: str) -> str:
    """Return what the environment's Python says of a module."""
    program = f"import {module}; print({module}.version)"
    done = subprocess.run(
        [environment.python, "-c", program], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def test_an_environment_is_made_once_and_then_found(
    shared: Settings, project: Path, report
) -> None:
    environments = Environments(shared)

    made = environments.ensure(plan_of("tiny==1.0"), project, report)
    found = environments.ensure(plan_of("tiny==1.0"), project, ignore)

    assert version_in(made, "tiny") == "1.0"
    assert found == made
    assert [type(event).__name__ for event in report.events].count("Step") == 3
    made.release()
    found.release()


def test_what_makes_no_difference_makes_no_new_environment(shared: Settings, project: Path) -> None:
    environments = Environments(shared)
    one = environments.ensure(plan_of("tiny == 1.0"), project, ignore)
    other = environments.ensure(plan_of("Tiny==1.0", environment={"A": "1"}), project, ignore)

    assert one.key == other.key


def test_local_packages_are_installed_and_their_content_counts(
    shared: Settings, tmp_path: Path, make_wheel: MakeWheel
) -> None:
    make_wheel(tmp_path / "my wheels", "tiny", "1.0")
    line = "./my wheels/tiny-1.0-py3-none-any.whl"
    plan = plan_of(line, local_packages={"my wheels/tiny-1.0-py3-none-any.whl": "sha256:a"})
    changed = replace(plan, local_packages={"my wheels/tiny-1.0-py3-none-any.whl": "sha256:b"})
    environments = Environments(shared)

    one = environments.ensure(replace(plan, index=IndexSettings()), tmp_path, ignore)
    other = environments.ensure(replace(changed, index=IndexSettings()), tmp_path, ignore)

    assert version_in(one, "tiny") == "1.0"
    assert one.key != other.key


def test_a_cog_that_another_package_requires_stays_out_with_a_notice(
    shared: Settings, project: Path, report
) -> None:
    made = Environments(shared).ensure(plan_of("wants-cog"), project, report)

    assert version_in(made, "tiny") == "1.0"
    assert version_in(made, "cog").startswith("ModuleNotFoundError")
    assert report.notices == ["'cog>=0.9' required by wants_cog — overriding with the SDK here"]


def test_pydantic_is_added_only_where_nothing_brings_it(
    shared: Settings, project: Path, report
) -> None:
    wanted = plan_of("tiny", if_missing=("pydantic",))
    brought = plan_of("tiny", "pydantic", if_missing=("pydantic",))

    made = Environments(shared).ensure(wanted, project, report)
    Environments(shared).ensure(brought, project, report)

    assert version_in(made, "pydantic") == "2.9"
    assert report.notices == [
        "The sources import pydantic, which no package brings: added, list it"
    ]


@pytest.mark.parametrize("asked", ["opencv-python", "sees"])
def test_opencv_needs_no_screen_where_libgl_is_missing(
    asked: str, shared: Settings, project: Path, report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "has_libgl", lambda: False)

    made = Environments(shared).ensure(plan_of(asked), project, report)

    assert version_in(made, "opencv_python_headless") == "4.10.0.84"
    assert version_in(made, "opencv_python").startswith("ModuleNotFoundError")
    assert report.notices == [
        "libGL is missing here: opencv-python-headless is installed instead of opencv-python"
    ]


def test_a_lock_holds_versions(shared: Settings, project: Path) -> None:
    made = Environments(shared).ensure(plan_of("tiny", lock=("tiny==1.0",)), project, ignore)

    assert version_in(made, "tiny") == "1.0"


def test_a_lock_with_another_hash_is_refused(shared: Settings, project: Path) -> None:
    lock = (f"tiny==1.0 --hash=sha256:{'0' * 64}",)

    with pytest.raises(EnvironmentFailed, match="Hash mismatch"):
        Environments(shared).ensure(plan_of("tiny", lock=lock), project, ignore)


@pytest.mark.parametrize(("digit", "fits"), [("", True), ("0", False)])
def test_hashes_in_requirements_are_checked(
    shared: Settings, project: Path, digit: str, *, fits: bool
) -> None:
    wheel = project / "wheels" / "tiny-1.0-py3-none-any.whl"
    digest = digit * 64 or hashlib.sha256(wheel.read_bytes()).hexdigest()
    plan = plan_of(f"tiny==1.0 --hash=sha256:{digest}", "pydantic")

    if fits:
        assert version_in(Environments(shared).ensure(plan, project, ignore), "tiny") == "1.0"
    else:
        with pytest.raises(EnvironmentFailed, match=r"(?i)hash"):
            Environments(shared).ensure(plan, project, ignore)


def test_pips_own_settings_reach_the_installer(shared: Settings, project: Path) -> None:
    limits = project / "limits.txt"
    limits.write_text("tiny<2\n")
    environ = {
        **shared.environ,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(project / "wheels"),
        "PIP_CONSTRAINT": str(limits),
    }
    environments = Environments(replace(shared, environ=environ))

    made = environments.ensure(plan_of("tiny", index=IndexSettings()), project, ignore)

    assert version_in(made, "tiny") == "1.0"


def test_a_failure_gives_the_installers_own_explanation_and_leaves_nothing(
    shared: Settings, project: Path
) -> None:
    before = sorted(path.name for path in Environments(shared).folder.glob("*/"))

    with pytest.raises(EnvironmentFailed) as caught:
        Environments(shared).ensure(plan_of("tiny==9"), project, ignore)

    assert caught.value.message.startswith(
        "Could not install the packages of this model: No solution"
    )
    assert "tiny==9" in caught.value.message
    assert sorted(path.name for path in Environments(shared).folder.glob("*/")) == before


def test_a_half_made_environment_is_made_again(shared: Settings, project: Path) -> None:
    environments = Environments(shared)
    made = environments.ensure(plan_of("tiny", "wants-cog"), project, ignore)
    made.release()
    (made.folder / READY).unlink()
    (made.folder / "half").touch()

    again = environments.ensure(plan_of("tiny", "wants-cog"), project, ignore)

    assert again.folder == made.folder
    assert not (again.folder / "half").exists()


def test_an_environment_whose_python_was_removed_is_made_again(
    shared: Settings, project: Path
) -> None:
    """The same version may have come back to another place: the key is then the same."""
    environments = Environments(shared)
    made = environments.ensure(plan_of("tiny<2"), project, ignore)
    made.python.unlink()
    made.python.symlink_to(project / "gone")

    with pytest.raises(EnvironmentFailed, match="An environment in use has lost its Python"):
        environments.ensure(plan_of("tiny<2"), project, ignore)
    made.release()
    again = environments.ensure(plan_of("tiny<2"), project, ignore)

    assert again == made
    assert version_in(again, "tiny") == "1.0"
    again.release()


def test_an_interruption_leaves_nothing_half_used(shared: Settings, project: Path) -> None:
    def interrupt(event: Event) -> None:
        if "Installing" in getattr(event, "text", ""):
            raise KeyboardInterrupt

    plan = plan_of("tiny", "pydantic")
    with pytest.raises(KeyboardInterrupt):
        Environments(shared).ensure(plan, project, interrupt)

    made = Environments(shared).ensure(plan, project, ignore)

    assert version_in(made, "pydantic") == "2.9"


def test_a_full_disk_is_told_as_such(
    shared: Settings, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    monkeypatch.setattr(provision.Provision, "_write", lambda self, name, lines: _spill(full))

    with pytest.raises(DiskFull, match="No space is left on the disk"):
        Environments(shared).ensure(plan_of("tiny", "sees"), project, ignore)


def _spill(path: Path) -> Path:
    with provision.explained(path):
        path.write_text("anything")
    return path


def test_a_folder_that_cannot_be_written_is_named(
    shared: Settings, project: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    settings = replace(shared, cache_folder=tmp_path / "file" / "cache")

    with pytest.raises(EnvironmentFailed, match="Could not write to "):
        Environments(settings).ensure(plan_of("tiny"), project, ignore)


def test_many_at_once_make_it_once(tmp_path: Path, project: Path) -> None:
    environments = Environments(settings_in(tmp_path))
    events: list[Event] = []
    found: list[Environment] = []

    def ensure() -> None:
        found.append(environments.ensure(plan_of("tiny"), project, events.append))

    threads = [threading.Thread(target=ensure) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {one.key for one in found} == {found[0].key}
    assert [event.text for event in events].count("Resolving packages") == 1


def test_the_least_recently_used_go_first_and_one_in_use_never(
    tmp_path: Path, project: Path
) -> None:
    environments = Environments(settings_in(tmp_path))
    made = [environments.ensure(plan_of(f"tiny=={n}.0"), project, ignore) for n in (1, 2)]
    held = environments.ensure(plan_of("pydantic"), project, ignore)
    for one in made:
        one.release()

    listed = environments.list()
    removed = environments.prune(budget_bytes=sum(one.size_bytes for one in listed) - 1)
    rest = environments.prune()

    assert [record.key for record in listed] == [held.key, made[1].key, made[0].key]
    assert [record.is_in_use for record in listed] == [True, False, False]
    assert listed[0].requirements == ("pydantic",)
    assert [record.key for record in removed] == [made[0].key]
    assert [record.key for record in rest] == [made[1].key]
    held.release()
    (environments.folder / "left-by-a-failure.lock").touch()
    assert [record.key for record in environments.prune()] == [held.key]
    assert list(environments.folder.iterdir()) == []


def test_the_record_says_what_was_installed(shared: Settings, project: Path) -> None:
    environments = Environments(shared)
    made = environments.ensure(plan_of("opencv-python-headless"), project, ignore)

    assert json.loads((made.folder / READY).read_text())["resolved"] == [
        "opencv-python-headless==4.10.0.84"
    ]


def test_commands_run_only_when_they_are_wanted(shared: Settings, project: Path, report) -> None:
    plan = plan_of(run=(Command("echo $GREETING > made-by-run"),), environment={"GREETING": "hi"})

    without = Environments(shared).ensure(plan, project, report)

    assert report.notices == ["Not applied: build.run (1); apply with --run-commands"]
    assert not (without.folder / "made-by-run").exists()


def test_a_plan_without_packages_is_an_empty_environment(shared: Settings, project: Path) -> None:
    made = Environments(shared).ensure(plan_of(), project, ignore)

    assert version_in(made, "tiny").startswith("ModuleNotFoundError")


def test_a_command_that_fails_shows_its_end(
    shared: Settings, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The seed package `pip` would need an index, so the environment is made without it."""
    plan = plan_of(run=(Command("echo one; echo two >&2; exit 3"),))
    environments = Environments(shared)
    made = environments.ensure(plan, project, ignore)

    with pytest.raises(CommandFailed) as caught:
        provision.commands.run(plan, made.folder, shared.environ, ignore)

    assert caught.value.message == (
        "A command of build.run failed (3): echo one; echo two >&2; exit 3\n  one\n  two"
    )
