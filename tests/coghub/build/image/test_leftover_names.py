"""Names of builds that were killed are found by the process that had them."""

import subprocess

from coghub.build.image.leftover_names import name_of, new_mark, remove_leftover_names


def ended_mark() -> str:
    """Return a mark of a process that is no more."""
    with subprocess.Popen(["true"]) as process:
        process.wait()
    machine, _, rest = new_mark().split("-")
    return f"{machine}-{process.pid}-{rest}"


def test_a_name_is_of_one_build_only():
    assert new_mark() != new_mark()
    assert name_of("project", "m-1-a") == "cog-build:project-m-1-a"


def test_what_a_killed_build_left_is_removed(played, tmp_path):
    gone, mine = ended_mark(), new_mark()
    foreign = f"00000000-{gone.partition('-')[2]}"
    tags = [f"project-{gone}", f"weights-{gone}", f"project-{mine}", f"project-{foreign}", "other"]
    docker = played("\n".join(tags), 0)

    assert remove_leftover_names(docker) == 2

    asked = (tmp_path / "asked").read_text().splitlines()
    removed = f"image rm cog-build:project-{gone} cog-build:weights-{gone}"
    assert asked == ["image ls --format {{.Tag}} cog-build", removed]


def test_an_engine_that_does_not_say_is_left_alone(played):
    assert remove_leftover_names(played("Error response from daemon: no", 1)) == 0
