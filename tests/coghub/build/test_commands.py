"""What an engine without containers leaves out, or does when asked."""

import os
from pathlib import Path

import pytest

from coghub.build import commands, machine
from coghub.build.cog_yaml import Command, Mount
from coghub.build.events import Progress, Step
from coghub.build.plan import Plan
from coghub.settings import Settings


def test_what_is_not_applied_is_one_line_each(report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "missing_packages", lambda names: list(names)[1:])
    plan = Plan("3.12", run=(Command("a"), Command("b")), system_packages=("ffmpeg", "libgl1"))

    commands.tell_not_applied(plan, report)

    assert report.notices == [
        "Not applied: build.run (2); apply with --run-commands",
        "Not applied: build.system_packages; not installed: libgl1",
    ]


def test_nothing_to_apply_is_not_worth_a_line(report) -> None:
    commands.tell_not_applied(Plan("3.12"), report)

    assert report.events == []


def test_installed_packages_are_known_by_their_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "PACKAGES", tmp_path)
    (tmp_path / "ffmpeg.list").touch()
    (tmp_path / "libgl1:amd64.list").touch()

    found = machine.missing_packages(["ffmpeg=7.1", "libgl1", "git", "./a.deb"])

    assert found == ["git", "./a.deb"]


def test_libgl_is_looked_up_where_the_loader_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "LOADER_CACHE", tmp_path / "cache")
    monkeypatch.setattr(machine.sys, "platform", "linux")
    assert machine.has_libgl()

    (tmp_path / "cache").write_bytes(b"\0libc.so.6\0")
    assert not machine.has_libgl()

    (tmp_path / "cache").write_bytes(b"\0libGL.so.1\0")
    assert machine.has_libgl()


@pytest.mark.slow
def test_commands_run_in_order_inside_the_environment(
    settings: Settings, tmp_path: Path, report
) -> None:
    plan = Plan(
        "3.12",
        run=(
            Command("echo $GREETING > one", (Mount("secret", "a", "/b"),)),
            Command("cat one; echo $VIRTUAL_ENV"),
        ),
        environment={"GREETING": "hi"},
    )

    commands.run(plan, tmp_path, settings.environ, report)

    assert report.events[-3:] == [
        Step("Running cat one; echo $VIRTUAL_ENV"),
        Progress("hi"),
        Progress(str(tmp_path)),
    ]
    assert report.notices[0].startswith("Secrets are not mounted by the local engine")


@pytest.mark.slow
def test_an_interrupted_command_leaves_no_child_behind(settings: Settings, tmp_path: Path) -> None:
    """The child holds the only other end of a named pipe: it ends when the child does."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    plan = Plan("3.12", run=(Command("(exec 3> pipe; echo ready; exec sleep 600) & wait"),))
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reader, True)

    def interrupt(event: object) -> None:
        if event == Progress("ready"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        commands.run(plan, tmp_path, settings.environ, interrupt)

    assert os.read(reader, 64) == b""
    os.close(reader)
