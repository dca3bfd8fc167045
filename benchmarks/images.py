"""Images that `cog build` makes, beside Dockerfiles written by hand, on the same engine.

Needs an engine that answers, a base image `python:3.11-slim`, and the package index.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.environments import FOLDER, ROOT
from benchmarks.measures import Effort
from benchmarks.servers import clean_environ

from coghub.build.docker.client import Docker, find_docker, is_answering
from coghub.build.docker.image import find_image
from coghub.domain.errors import CoghubError
from coghub.settings import read_settings

BASE = "python:3.11-slim"
OURS, PEER = "cog-bench-ours", "cog-bench-hand"
PACKAGES = ("numpy", "pandas", "scipy", "pillow", "matplotlib", "scikit-learn")
"""Some 300 MB once installed: a small model's."""
PREDICTOR = '''"""Sum numbers."""

from cog import BasePredictor, Input

EDIT = {edit}


class Predictor(BasePredictor):
    def predict(self, number: int = Input(description="A number", ge=0, default=1)) -> int:
        return number + EDIT
'''
CONFIG = """build:
  python_version: "3.11"
  python_requirements: requirements.txt
predict: predict.py:Predictor
"""
APT = (
    "RUN apt-get update -qq && apt-get install -qqy --no-install-recommends tini"
    " && rm -rf /var/lib/apt/lists/*"
)
PLAIN = f"""FROM {BASE}
{APT}
COPY requirements.txt /tmp/
RUN --mount=type=cache,target=/root/.cache/pip pip install -q --root-user-action=ignore \
-r /tmp/requirements.txt
"""
SERVED = """COPY sdk /sdk
RUN --mount=type=cache,target=/root/.cache/pip pip install -q --root-user-action=ignore \
"$(ls /sdk/*.whl)[server]"
"""
PROJECT = """WORKDIR /src
COPY . /src
"""
DESCRIBED = """RUN rm -rf sdk && mkdir -p .cog \
&& python -m cog.schema --predict predict.py:Predictor > .cog/openapi_schema.json
"""
STARTED = """EXPOSE 5000
ENV COG_PREDICT_TYPE_STUB=predict.py:Predictor
ENTRYPOINT ["/usr/bin/tini", "--"]
CMD ["python", "-m", "cog.server.http"]
"""
BARE = PLAIN + SERVED + PROJECT + STARTED
WHOLE = PLAIN + SERVED + PROJECT + DESCRIBED + STARTED


@dataclass(frozen=True)
class Compared:
    """Seconds, or bytes, of ours and of the one written by hand (medians)."""

    ours: float
    peer: float


def engine() -> Docker | None:
    """Return the engine to measure with; None where there is none, or it lacks the base image."""
    settings = read_settings(os.environ)
    if not is_answering(settings):
        return None
    try:
        docker = find_docker(settings)
        return docker if docker.has_buildkit and find_image(docker, BASE) else None
    except CoghubError:
        return None


def rebuilds(docker: Docker, effort: Effort) -> tuple[Compared, Compared, Compared]:
    """Return the time of a build after a change of the code.

    First beside a Dockerfile with the same content, all labels included; then beside one with the
    schema, and no label that has to be asked for; then beside one that only copies the code.
    """
    with _projects(docker) as (ours, peer):
        builds = (
            _ours(ours),
            _whole(docker, peer, asks_packages=True),
            _whole(docker, peer, asks_packages=False),
            _bare(docker, peer),
        )
        seen: list[list[float]] = [[] for _ in builds]
        for edit in range(effort.commands + 1):
            _edit(ours, edit)
            _edit(peer, edit)
            for build, found in zip(builds, seen, strict=True):
                found.append(_seconds(build))
    ours_s, whole_s, schema_s, bare_s = (statistics.median(found[1:]) for found in seen)
    return Compared(ours_s, whole_s), Compared(ours_s, schema_s), Compared(ours_s, bare_s)


def first_builds(docker: Docker, effort: Effort) -> tuple[Compared, Compared, Compared]:
    """Return the time without cached layers and with a warm package cache, and the sizes.

    First beside a Dockerfile that installs the model's packages by pip and nothing else; then
    beside one that installs the server too, as ours does.
    """
    with _projects(docker) as (ours, peer):
        (peer / "requirements.txt").write_text("".join(f"{name}\n" for name in PACKAGES))
        (ours / "requirements.txt").write_text("".join(f"{name}\n" for name in PACKAGES))
        builds = (
            _ours(ours, "--no-cache"),
            _by_hand(docker, peer, PLAIN, ("--no-cache",)),
            _by_hand(docker, peer, BARE, ("--no-cache",)),
        )
        seen: list[list[float]] = [[] for _ in builds]
        for _ in range(effort.commands // 5 + 2):
            for build, found in zip(builds, seen, strict=True):
                found.append(_seconds(build))
        sizes = [_size(docker, name) for name in (OURS, PEER)]
    ours_s, plain_s, served_s = (statistics.median(found[1:]) for found in seen)
    return Compared(ours_s, plain_s), Compared(ours_s, served_s), Compared(*sizes)


@contextmanager
def _projects(docker: Docker) -> Iterator[tuple[Path, Path]]:
    folder = FOLDER / "images"
    shutil.rmtree(folder, ignore_errors=True)
    ours, peer = folder / "ours", folder / "hand"
    for project in (ours, peer):
        project.mkdir(parents=True)
        (project / "cog.yaml").write_text(CONFIG)
        (project / "requirements.txt").write_text("")
        _edit(project, 0)
    _wheel(peer / "sdk")
    try:
        yield ours, peer
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        for name in (OURS, PEER):
            with suppress(CoghubError):
                docker.ask(["image", "rm", "--force", name])


def _wheel(folder: Path) -> None:
    uv = [sys.executable, "-m", "uv", "--no-config", "build", "--quiet", "--wheel"]
    subprocess.run([*uv, "--out-dir", str(folder), str(ROOT / "sdk")], check=True)


def _edit(project: Path, edit: int) -> None:
    (project / "predict.py").write_text(PREDICTOR.replace("{edit}", str(edit)))


def _ours(project: Path, *flags: str) -> Callable[[], None]:
    command = [str(Path(sys.executable).parent / "cog"), "build", "-t", OURS, *flags]
    environ = clean_environ() | {
        "COG_ENGINE": "docker",
        "COG_CACHE_DIR": str(FOLDER / "cache"),
        **{name: os.environ[name] for name in ("DOCKER_HOST",) if name in os.environ},
    }
    return lambda: _run(command, project, environ)


def _bare(docker: Docker, project: Path) -> Callable[[], None]:
    return _by_hand(docker, project, BARE, ())


def _whole(docker: Docker, project: Path, *, asks_packages: bool) -> Callable[[], None]:
    """Build, read what was made inside, and build again with the labels."""
    build = _by_hand(docker, project, WHOLE, ())
    environ = {**docker.environ, "DOCKER_BUILDKIT": "1"}

    def described() -> None:
        build()
        shown = ["run", "--rm", "--entrypoint", "cat", PEER, ".cog/openapi_schema.json"]
        labels = {
            "run.cog.config": '{"build":{"python_version":"3.11"}}',
            "run.cog.openapi_schema": json.dumps(json.loads(docker.ask(shown))),
        }
        if asks_packages:
            freeze = ["python", "-m", "pip", "freeze"]
            labels["run.cog.pip_freeze"] = docker.ask(["run", "--rm", PEER, *freeze])
        flags = [f"--label={name}={value}" for name, value in labels.items()]
        command = docker.command(["build", "-q", "-t", PEER, *flags, "-"])
        subprocess.run(
            command, input=f"FROM {PEER}\n".encode(), env=environ, check=True, capture_output=True
        )

    return described


def _by_hand(
    docker: Docker, project: Path, text: str, flags: tuple[str, ...]
) -> Callable[[], None]:
    command = docker.command(["build", "-q", "-t", PEER, "-f", "../Dockerfile", *flags, "."])
    environ = {**docker.environ, "DOCKER_BUILDKIT": "1"}

    def build() -> None:
        (project.parent / "Dockerfile").write_text(text)
        _run(command, project, environ)

    return build


def _run(command: list[str], folder: Path, environ: dict[str, str]) -> None:
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def _seconds(build: Callable[[], None]) -> float:
    started = time.perf_counter()
    build()
    return time.perf_counter() - started


def _size(docker: Docker, name: str) -> int:
    image = find_image(docker, name)
    assert image is not None
    return image.size_bytes
