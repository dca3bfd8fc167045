"""Pushes of an image with 2 GB of layers to CNCF distribution's registry, beside `docker push`."""

import os
import statistics
import subprocess
import time
from pathlib import Path

from benchmarks.environments import FOLDER
from benchmarks.images import BASE, Compared
from benchmarks.measures import Effort
from benchmarks.registries import cncf

from coghub.build.docker.client import Docker
from coghub.build.docker.image import Image, find_image
from coghub.build.events import ignore
from coghub.build.registry_client.image_push import ImagePush
from coghub.build.registry_client.opening import open_registry
from coghub.build.registry_client.reference import parse_host
from coghub.settings import Settings, read_settings

NAME = "cog-bench-large"
MB = 1000**2
FILES = {"weights-1": 900 * MB, "weights-2": 900 * MB}
"""Random bytes, as weights are to a compressor; the base image's own files come besides."""


def pushes(docker: Docker, effort: Effort) -> Compared:
    """Return the time of each to a registry that has nothing; every round has a new one."""
    image = _image(docker)
    seen: tuple[list[float], list[float]] = [], []
    try:
        for _ in range(effort.rounds // 3 + 1):
            for push, found in zip((_ours, _theirs), seen, strict=True):
                with cncf() as target:
                    started = time.perf_counter()
                    push(docker, image, target.port)
                    found.append(time.perf_counter() - started)
    finally:
        docker.ask(["image", "rm", "--force", NAME])
    return Compared(*(statistics.median(found) for found in seen))


def _ours(docker: Docker, image: Image, port: int) -> None:
    with open_registry(parse_host(f"127.0.0.1:{port}"), _settings()) as registry:
        ImagePush(docker, registry, "alice/large", _settings(), ignore).push(image, "latest")


def _theirs(docker: Docker, image: Image, port: int) -> None:
    name = f"127.0.0.1:{port}/alice/large:latest"
    docker.ask(["tag", image.id, name])
    try:
        docker.ask(["push", "--quiet", name])
    finally:
        docker.ask(["image", "rm", name])


def _settings() -> Settings:
    return read_settings({**os.environ, "COG_CACHE_DIR": str(FOLDER / "push-cache")})


def _image(docker: Docker) -> Image:
    folder = FOLDER / "large"
    folder.mkdir(parents=True, exist_ok=True)
    for name, size in FILES.items():
        _write(folder / name, size)
    lines = [f"FROM {BASE}", *(f"COPY {name} /src/{name}" for name in FILES)]
    (folder / "Dockerfile").write_text("\n".join(lines) + "\n")
    environ = {**docker.environ, "DOCKER_BUILDKIT": "1"}
    command = docker.command(["build", "-q", "-t", NAME, str(folder)])
    subprocess.run(command, env=environ, check=True, capture_output=True)
    for name in FILES:
        (folder / name).unlink()
    image = find_image(docker, NAME)
    assert image is not None
    return image


def _write(path: Path, size: int) -> None:
    with path.open("wb") as file:
        for _ in range(size // MB):
            file.write(os.urandom(MB))
