"""What of a folder belongs to a project."""

import os
import socket
from pathlib import Path

import pytest

from coghub.build.events import ignore
from coghub.build.project_files import project_files
from coghub.domain.errors import ProjectUnreadable


def plant(project: Path, *paths: str) -> None:
    for path in paths:
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_bytes(b"content")


def paths_of(project: Path, **options: object) -> list[str]:
    return [file.path for file in project_files(project, ignore, **options)]


def test_history_environments_caches_and_secrets_stay_out(tmp_path: Path) -> None:
    plant(
        tmp_path,
        *("predict.py", ".git/config", "a/.git/config", ".venv/x", "a/__pycache__/x.pyc", ".env"),
        *("a/.env", ".cog/openapi_schema.json", "my-env/pyvenv.cfg", "my-env/bin/x", ".envrc"),
    )
    (tmp_path / ".dockerignore").write_text("!.env\n!.git\n")

    assert paths_of(tmp_path) == [".dockerignore", ".envrc", "a", "predict.py"]


def test_dockerignore_is_obeyed_with_its_exceptions(tmp_path: Path) -> None:
    plant(tmp_path, "a.py", "data/big.bin", "data/small/x.bin", "logs/1.log")
    (tmp_path / ".dockerignore").write_text("data\nlogs\n!data/small\n.dockerignore\n")

    assert paths_of(tmp_path) == ["a.py", "data/small", "data/small/x.bin"]


def test_what_the_plan_needs_is_kept_all_the_same(tmp_path: Path) -> None:
    plant(tmp_path, "wheels/a.whl", "wheels/b.whl", "lib/setup.py", "lib/src/x.py", "other/x")
    (tmp_path / ".dockerignore").write_text("*\n")

    kept = frozenset({"wheels/a.whl", "lib"})

    assert paths_of(tmp_path, kept=kept) == [
        *("lib", "lib/setup.py", "lib/src", "lib/src/x.py", "wheels", "wheels/a.whl"),
    ]


def test_links_inside_stay_links_and_others_are_left_out_with_a_notice(
    tmp_path: Path, report
) -> None:
    plant(tmp_path, "d/a.txt")
    (tmp_path / "d/near").symlink_to("a.txt")
    (tmp_path / "folder").symlink_to("d")
    (tmp_path / "far").symlink_to("/etc/passwd")
    (tmp_path / "up").symlink_to("../x")

    found = {file.path: file.link for file in project_files(tmp_path, report)}

    assert found == {"d": None, "d/a.txt": None, "d/near": "a.txt", "folder": "d"}
    assert report.notices == [
        "Left out, the link leads outside of the project: far",
        "Left out, the link leads outside of the project: up",
    ]


def test_what_is_neither_file_nor_folder_is_left_out_with_a_notice(
    tmp_path: Path, report, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.chdir(tmp_path)  # a socket's name may be 108 bytes at most
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")

        assert project_files(tmp_path, report) == []

    assert report.notices == [
        "Left out, neither a file nor a folder: pipe",
        "Left out, neither a file nor a folder: socket",
    ]


def test_odd_names_are_names(tmp_path: Path) -> None:
    odd = ["new\nline", "späße", "a b", "-rf", "\udcff\udcfe"]
    plant(tmp_path, *odd)

    assert sorted(paths_of(tmp_path)) == sorted(odd)


def test_the_order_does_not_depend_on_the_disk(tmp_path: Path) -> None:
    plant(tmp_path, "b", "a/z", "a-b", "A", "a.txt")

    assert paths_of(tmp_path) == ["A", "a", "a-b", "a.txt", "a/z", "b"]


def test_only_the_right_to_run_counts(tmp_path: Path) -> None:
    plant(tmp_path, "a.sh", "b.py")
    (tmp_path / "a.sh").chmod(0o700)
    (tmp_path / "b.py").chmod(0o666)

    assert [file.mode for file in project_files(tmp_path, ignore)] == [0o755, 0o644]


def test_a_dockerignore_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").mkdir()

    with pytest.raises(ProjectUnreadable, match=r"Could not read .*\.dockerignore: Is a directory"):
        project_files(tmp_path, ignore)


def test_a_project_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProjectUnreadable, match=r"Could not read .*/nowhere: No such file"):
        project_files(tmp_path / "nowhere", ignore)
