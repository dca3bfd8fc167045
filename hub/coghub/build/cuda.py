"""What goes together: CUDA, cuDNN and TensorFlow, from tables of published images and wheels."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from coghub.build import requirements
from coghub.build.cog_yaml import Build
from coghub.build.requirement_lines import name_and_version
from coghub.domain.errors import RequirementsInvalid


def cudnn_versions(cuda: str) -> list[str]:
    """Return the cuDNN of each base image with this CUDA, one entry an image."""
    wanted = cuda.split(".")
    rows = _rows("cuda_images.json")
    return [row["cudnn"] for row in rows if row["cuda"].split(".")[: len(wanted)] == wanted]


def tensorflow_cuda(version: str) -> str | None:
    """Return the CUDA that a TensorFlow was tested with, as in "12.3"; None when unknown."""
    for row in _rows("tensorflow.json"):
        if row["tf"] == version:
            return str(row["cuda"])
    return None


def pinned_tensorflow(build: Build, project: Path) -> str | None:
    """Return the version of `tensorflow` that the project asks for, if it names one."""
    try:
        found = requirements.read_requirements(build, project)
    except RequirementsInvalid:
        return None
    for line in found.packages:
        name, version = name_and_version(line)
        if name == "tensorflow":
            return version
    return None


@cache
def _rows(name: str) -> list[dict[str, Any]]:
    table = (Path(__file__).parent / "tables" / name).read_text("utf-8")
    rows: list[dict[str, Any]] = json.loads(table)["rows"]
    return rows
