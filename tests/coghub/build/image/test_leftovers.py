"""What builds that were killed have left is found by the process that had it."""

import subprocess
import tempfile

import pytest

from coghub.build.image.leftovers import name_of, new_mark, remove_leftovers, scratch


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """A folder for temporary files of the test's own."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def ended_mark() -> str:
    """Return a mark of a process that is no more."""
    with subprocess.Popen(["true"]) as process:
        process.wait()
    machine, _, rest = new_mark().split("-")
    return f"{machine}-{process.pid}-{rest}"


def test_a_name_is_of_one_build_only():
    assert new_mark() != new_mark()
    assert name_of("project", "m-1-a") == "cog-build:project-m-1-a"


def test_names_that_a_killed_build_left_are_removed(played, tmp_path):
    gone, mine = ended_mark(), new_mark()
    foreign = f"00000000-{gone.partition('-')[2]}"
    tags = [f"project-{gone}", f"weights-{gone}", f"project-{mine}", f"project-{foreign}", "other"]
    docker = played("\n".join(tags), 0)

    left = [f"cog-build:project-{gone}", f"cog-build:weights-{gone}"]
    assert remove_leftovers(docker) == left

    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked == ["image ls --format {{.Tag}} cog-build", f"image rm {' '.join(left)}"]


def test_folders_that_a_killed_build_left_are_removed(played, temporary):
    for mark in (ended_mark(), f"00000000-{ended_mark().partition('-')[2]}"):
        (temporary / f"cog-build-{mark}" / "context").mkdir(parents=True)
    with scratch() as folder:
        left = remove_leftovers(played("", 0))

        assert len(left) == 1
        assert folder.is_dir()
        assert len(list(temporary.iterdir())) == 2

    assert not folder.exists()


def test_an_engine_that_does_not_say_is_left_alone(played):
    assert remove_leftovers(played("Error response from daemon: no", 1)) == []
