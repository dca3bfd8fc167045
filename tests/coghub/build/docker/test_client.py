import pytest

from coghub.build.docker.client import error_of, find_docker, is_answering
from coghub.domain.errors import DiskFull, DockerError, DockerUnreachable
from coghub.settings import read_settings


def program(folder, text):
    folder.mkdir(exist_ok=True)
    path = folder / "docker"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def settings_with(*folders, **environ):
    path = ":".join([*map(str, folders), "/usr/bin", "/bin"])
    return read_settings({"PATH": path, "HOME": str(folders[0]), **environ})


OLD = 'echo "Docker version 20.10.24"'
BARE = 'case $1 in --version) echo "Docker version 28.2.2";; *) exit 1;; esac'
BUILDX = 'echo "Docker version 28.2.2"'


@pytest.mark.parametrize(
    ("programs", "chosen", "has_buildkit"),
    [
        ([OLD], 0, True),
        ([BARE], 0, False),
        ([BUILDX], 0, True),
        ([BARE, OLD], 1, True),
        ([BARE, BARE], 0, False),
    ],
)
def test_the_first_command_that_builds_with_buildkit_wins(
    tmp_path, monkeypatch, programs, chosen, has_buildkit
):
    paths = [program(tmp_path / str(at), text) for at, text in enumerate(programs)]
    folders = [tmp_path / str(at) for at in range(len(programs))]
    settings = read_settings({"PATH": ":".join(map(str, folders)), "HOME": str(tmp_path)})

    found = find_docker(settings)

    assert (found.program, found.has_buildkit) == (paths[chosen], has_buildkit)


def test_without_a_command_the_error_says_what_to_do(tmp_path):
    with pytest.raises(DockerUnreachable) as refused:
        find_docker(read_settings({"PATH": str(tmp_path), "HOME": str(tmp_path)}))

    assert refused.value.message == "No `docker` command on this machine"


def test_an_engine_is_looked_for_where_docker_is_told_to(tmp_path):
    program(tmp_path / "ok", "echo 20.10")
    program(tmp_path / "bad", "exit 1")
    host = {"DOCKER_HOST": "tcp://127.0.0.1:1"}

    assert is_answering(settings_with(tmp_path / "ok", **host))
    assert not is_answering(settings_with(tmp_path / "bad", **host))


@pytest.mark.parametrize(
    ("said", "kind", "told"),
    [
        (
            "Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?",
            DockerUnreachable,
            (
                "error pinging docker daemon: Cannot connect to the Docker daemon at tcp://h:1. "
                "Is the docker daemon running?"
            ),
        ),
        ("write /x: no space left on device", DiskFull, "No space is left on the Docker engine"),
        (
            "a\nError response from daemon: conflict: in use\n",
            DockerError,
            "conflict: in use",
        ),
        ("", DockerError, "docker says nothing"),
    ],
)
def test_what_the_command_says_becomes_one_clear_error(said, kind, told):
    error = error_of(said, {"DOCKER_HOST": "tcp://h:1"})

    assert type(error) is kind
    assert error.message.startswith(told)


def test_who_may_not_use_the_engine_hears_how_to_be_allowed():
    said = "permission denied while trying to connect to the Docker daemon socket"

    hint = error_of(said, {}).hint

    assert hint is not None
    assert "group `docker`" in hint
