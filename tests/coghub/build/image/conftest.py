"""An engine that answers, with a base image that has Python; tests that need it skip without."""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from coghub.build.cog_yaml import Command
from coghub.build.docker.client import Docker, find_docker, is_answering
from coghub.build.docker.image import find_image
from coghub.build.plan import Plan
from coghub.settings import Settings, current_settings, read_settings

BASE_IMAGE = "python:3.11-slim"


@pytest.fixture
def engine_settings(tmp_path: Path) -> Settings:
    """Settings with folders of the test's own, and a base image that is on this machine."""
    inherited = current_settings()
    base = inherited.base_image or BASE_IMAGE
    if not is_answering(inherited):
        pytest.skip("no Docker engine answers")
    if find_image(find_docker(inherited), base) is None:
        pytest.skip(f"the Docker engine has no image {base}")
    own = {
        name: value
        for name, value in inherited.environ.items()
        if not name.startswith(("COG", "PIP_", "UV_"))
    }
    index = {
        name: value
        for name, value in inherited.environ.items()
        if name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX")
    }
    cache = {"COG_CACHE_DIR": str(tmp_path / "cache")}
    return read_settings({**own, **index, **cache, "COG_BASE_IMAGE": base})


@pytest.fixture(params=["buildkit", "classic"])
def docker(request: pytest.FixtureRequest, engine_settings: Settings) -> Docker:
    """The engine, once by each of its builders."""
    found = find_docker(engine_settings)
    if request.param == "buildkit" and not found.has_buildkit:
        pytest.skip("no `docker` command with BuildKit")
    return replace(found, has_buildkit=request.param == "buildkit")


@pytest.fixture
def new_name(engine_settings: Settings) -> Iterator[Callable[[], str]]:
    """Return names for images, which are removed with the test."""
    names: list[str] = []

    def name() -> str:
        names.append(f"cog-test-{uuid4().hex[:12]}")
        return names[-1]

    yield name
    docker = find_docker(engine_settings)
    for one in names:
        if find_image(docker, one) is not None:
            docker.ask(["image", "rm", "--force", one])


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
        return Docker(str(program), has_buildkit, dict(os.environ))  # noqa: TID251 - a shell runs it

    return play
