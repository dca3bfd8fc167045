"""Large files among the code: weights are better kept beside it."""

import posixpath
import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from coghub.build.cog_yaml import Config
from coghub.build.doctor.findings import Finding, Findings, Level
from coghub.build.doctor.project import ExaminedProject
from coghub.build.image.weights import MIN_BYTES
from coghub.build.project_files import ProjectFile
from coghub.domain.size import size_text

CHECK = "large-files"
LARGE_BYTES = 50_000_000
WEIGHTS = re.compile(
    r"\.(safetensors|ckpt|pth?|bin|onnx|gg(uf|ml)|h5|hdf5|pb|tflite|np[yz]|pkl|pickle|joblib|msgpack"
    r"|engine|trt|mlmodel|model|weights)",
    re.IGNORECASE,
)
"""Suffixes of files that hold weights."""
SOURCE = "/src/"
"""Where the project lies in a model that runs."""
MAX_SHOWN = 20


def check_large_files(project: ExaminedProject) -> Findings:
    """Check that no weights are pushed as a part of the code."""
    if not isinstance(project.files, list):
        return
    kept = _kept(project.config) if isinstance(project.config, Config) else []
    large = [file for file in project.files if _is_large(file) and not _is_below(file.path, kept)]
    large.sort(key=lambda file: (-file.status.st_size, file.path))
    for file in large[:MAX_SHOWN]:
        size = size_text(file.status.st_size)
        message = f"{size} would be pushed with the code"
        yield Finding(CHECK, Level.WARNING, message, file.path, hint=_hint(file))
    if len(large) > MAX_SHOWN:
        rest = size_text(sum(file.status.st_size for file in large[MAX_SHOWN:]))
        message = f"{len(large) - MAX_SHOWN} more large files, {rest}, would be pushed too"
        yield Finding(CHECK, Level.WARNING, message)


def _is_large(file: ProjectFile) -> bool:
    is_weights = WEIGHTS.fullmatch(PurePosixPath(file.path).suffix) is not None
    least = MIN_BYTES if is_weights else LARGE_BYTES
    return file.is_regular and file.status.st_size >= least


def _hint(file: ProjectFile) -> str:
    if WEIGHTS.fullmatch(PurePosixPath(file.path).suffix):
        return "Name it under `weights` in cog.yaml and run `cog weights import`, or leave it out with `.dockerignore`"  # noqa: E501 - one sentence
    return "Leave it out with `.dockerignore` if the model does without it"


def _kept(config: Config) -> list[str]:
    """Return the places of the project that `weights` speaks of: sources and targets."""
    places: list[str] = []
    for entry in config.weights:
        target = str(entry.get("target") or "")
        places += [target.removeprefix(SOURCE)] if target.startswith(SOURCE) else []
        sources = entry.get("source")
        for source in sources if isinstance(sources, list) else [sources]:
            uri = str(source.get("uri") or "") if isinstance(source, dict) else ""
            path = uri.removeprefix("file://")
            places += [path] if path and "://" not in path and not path.startswith("/") else []
    return [posixpath.normpath(place) for place in places]


def _is_below(path: str, places: Sequence[str]) -> bool:
    return any(path == place or path.startswith(f"{place}/") or place == "." for place in places)
