"""An engine that answers, by each of its builders, and a `docker` that only plays one."""

import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from tests.docker_engine import Engine

from coghub.build.cog_yaml import Command
from coghub.build.docker.client import Docker
from coghub.build.plan import Plan
from coghub.settings import Settings, current_settings, read_settings


@pytest.fixture
def engine_settings(tmp_path: Path, docker_engine: Engine) -> Settings:
    """Settings with folders of the test's own, and a base image that is on this machine."""
    environ = current_settings().environ
    kept = {name: value for name, value in environ.items() if not name.startswith("COG")}
    own = {"COG_CACHE_DIR": str(tmp_path / "cache"), "HOME": str(tmp_path)}
    return read_settings({**kept, **docker_engine.environ, **own})


@pytest.fixture(params=["buildkit", "classic"])
def docker(
    request: pytest.FixtureRequest, docker_engine: Engine, engine_settings: Settings
) -> Docker:
    """The engine, once by each of its builders."""
    program = docker_engine.programs.get(request.param)
    if program is None:
        pytest.skip(f"no `docker` command for the builder {request.param}")
    return Docker(program, request.param == "buildkit", engine_settings.environ)


@pytest.fixture
def new_name(docker_engine: Engine) -> Iterator[Callable[[], str]]:
    """Return names for images, which are removed with the test."""
    names: list[str] = []

    def name() -> str:
        names.append(f"cog-test-{uuid4().hex[:12]}")
        return names[-1]

    yield name
    tagged = "{{.Repository}}:{{.Tag}}"
    for one in names:
        for found in docker_engine.run("image", "ls", "--format", tagged, one).split():
            docker_engine.run("image", "rm", "--force", found)


@pytest.fixture
def plan() -> Plan:
    """The plan of a small model."""
    return Plan(
        python_version="3.11",
        requirements=("six==1.16.0",),
        run=(Command("echo hello > /etc/hello"),),
        environment={"GREETING": "hello world"},
        predict="predict.py:Predictor",
        config={"build": {"python_version": "3.11"}, "predict": "predict.py:Predictor"},
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the code of a model."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "cog.yaml").write_text("predict: predict.py:Predictor\n")
    (folder / "predict.py").write_text("# code\n")
    return folder


@pytest.fixture
def played(tmp_path: Path) -> Callable[..., Docker]:
    """Return a `docker` command that says a text and ends with a status."""

    def play(said: str, status: int = 1, *, has_buildkit: bool = True) -> Docker:
        (tmp_path / "said").write_text(said)
        program = tmp_path / "docker"
        program.write_text(
            "#!/bin/sh\n"
            f'echo "$@" >> {tmp_path}/asked\n'
            'while [ $# -gt 1 ]; do [ "$1" = --iidfile ] && echo sha256:1 > "$2"; shift; done\n'
            f"cat {tmp_path}/said\nexit {status}\n"
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return Docker(str(program), has_buildkit, current_settings().environ)

    return play
