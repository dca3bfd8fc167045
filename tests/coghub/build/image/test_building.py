"""How a build is followed, and what is said of its end; `docker` is a script that was recorded."""

import pytest

from coghub.build.events import Progress
from coghub.build.image.building import (
    BASE_HINT,
    COMPILER_HINT,
    NVCC_HINT,
    SHOWN_LINES,
    Build,
    build_image,
)
from coghub.domain.errors import BuildFailed, DiskFull, DockerUnreachable

BUILDKIT_FAILURE = """\
#1 [internal] load build definition from Dockerfile
#1 sha256:1
#1 DONE 0.0s

#4 [1/2] FROM docker.io/library/python:3.11-slim
#4 CACHED

#5 [2/2] RUN make things
#5 sha256:2
#5 0.193 one
#5 0.194 \x1b[91mtwo\x1b[0m
#5 ERROR: executor failed running [/bin/sh -c make things]: exit code: 2
------
 > [2/2] RUN make things:
#5 0.193 one
#5 0.194 two
------
executor failed running [/bin/sh -c make things]: exit code: 2
"""
CLASSIC_FAILURE = """\
Step 1/2 : FROM python:3.11-slim
 ---> ee6561689781
Step 2/2 : RUN make things
 ---> Running in d86a86612dde
one
two
Removing intermediate container d86a86612dde
The command '/bin/sh -c make things' returned a non-zero code: 2
"""


def failure(docker, tmp_path, report, **build) -> BuildFailed:
    with pytest.raises(BuildFailed) as failed:
        build_image(docker, Build("FROM x\n", tmp_path, **build), report)
    return failed.value


@pytest.mark.parametrize("said", [BUILDKIT_FAILURE, CLASSIC_FAILURE])
def test_a_step_that_fails_is_named_with_its_last_words(played, tmp_path, report, said):
    error = failure(played(said), tmp_path, report)

    assert error.message == "A step of the build failed: RUN make things\n  one\n  two"
    assert error.hint is None


def test_of_many_lines_the_last_are_shown(played, tmp_path, report):
    lines = "".join(f"#5 0.1 line {number}\n" for number in range(1000))

    error = failure(played(f"#5 [2/2] RUN x\n{lines}#5 ERROR: no\n"), tmp_path, report)

    shown = error.message.split("\n")[1:]
    assert shown == [f"  line {number}" for number in range(1000 - SHOWN_LINES, 1000)]


@pytest.mark.parametrize(
    ("step", "title"),
    [
        ("RUN apt-get install -y --no-install-recommends tini", "Installing the system packages"),
        ("RUN uv pip install -r /mnt/requirements.txt", "Installing the Python packages"),
        ("RUN uv pip install -r /mnt/server.txt", "Installing the server"),
    ],
)
def test_our_own_steps_are_told_by_what_they_are_for(played, tmp_path, report, step, title):
    said = f"#5 [2/2] {step}\n#5 0.1 no\n#5 ERROR: x\n"

    error = failure(played(said), tmp_path, report)

    assert error.message == f"{title} failed\n  no"
    assert Progress(title) in report.events


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("error: command 'gcc' failed: No such file or directory", COMPILER_HINT),
        ("error: [Errno 2] No such file or directory: 'x86_64-linux-gnu-gcc'", COMPILER_HINT),
        ("/bin/sh: 1: cmake: not found", COMPILER_HINT),
        ("error: CUDA_HOME environment variable is not set", NVCC_HINT),
        ("error: something else", None),
    ],
)
def test_a_hint_says_what_is_missing(played, tmp_path, report, said, hint):
    text = f"#5 [2/2] RUN pip install x\n#5 0.1 {said}\n#5 ERROR: x\n"

    assert failure(played(text), tmp_path, report).hint == hint


def test_a_base_image_that_cannot_be_fetched_is_told(played, tmp_path, report):
    said = (
        "#3 [internal] load metadata for docker.io/library/nothere:1\n"
        "#3 ERROR: failed to do request: no such host\n"
    )

    error = failure(played(said), tmp_path, report)

    assert "nothere:1" in error.message
    assert "no such host" in error.message
    assert error.hint == BASE_HINT


def test_a_full_disk_is_told_as_such(played, tmp_path, report):
    said = "#5 [2/2] RUN x\n#5 0.1 write /a: no space left on device\n#5 ERROR: x\n"

    with pytest.raises(DiskFull, match="engine's disk"):
        build_image(played(said), Build("FROM x\n", tmp_path), report)


def test_an_engine_that_went_away_is_told_as_such(played, tmp_path, report):
    said = "ERROR: Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?"

    with pytest.raises(DockerUnreachable):
        build_image(played(said), Build("FROM x\n", tmp_path), report)


def test_a_build_is_one_command_and_its_answer_the_id(played, tmp_path, report):
    build = Build(
        "FROM x\n",
        tmp_path,
        tag="a:b",
        target="environment",
        labels=(("l", "1"),),
        secrets=("id=s,src=/s",),
        no_cache=True,
    )

    assert build_image(played("", 0), build, report) == "sha256:1"

    asked = (tmp_path / "asked").read_text().split()
    assert asked[0] == "build"
    assert asked[5:] == [
        "--label=l=1",
        "--tag=a:b",
        "--target=environment",
        "--no-cache",
        "--progress=plain",
        "--platform=linux/amd64",
        "--secret=id=s,src=/s",
        str(tmp_path),
    ]


def test_the_classic_builder_leaves_no_container_of_a_step_that_failed(played, tmp_path, report):
    build_image(played("", 0, has_buildkit=False), Build("FROM x\n", tmp_path), report)

    assert "--force-rm" in (tmp_path / "asked").read_text()


def test_what_a_step_prints_is_reported_as_it_comes(played, tmp_path, report):
    build_image(
        played("#5 [1/1] RUN x\n#5 0.1 hello\n#5 DONE 0.1s\n", 0), Build("", tmp_path), report
    )

    assert report.events == [Progress("[1/1] RUN x"), Progress("hello")]


@pytest.mark.parametrize(
    ("progress", "is_shown"), [("plain", True), ("auto", False), ("quiet", False)]
)
def test_plain_progress_is_all_that_docker_says(
    played, tmp_path, report, capfd, progress, is_shown
):
    build_image(played("#1 hello\n", 0), Build("", tmp_path, progress=progress), report)

    assert ("#1 hello" in capfd.readouterr().err) == is_shown
