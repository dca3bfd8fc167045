"""The TensorFlow that a project pins, for the check of its cog.yaml."""

from pathlib import Path

from packaging.version import InvalidVersion, Version

from coghub.build import requirements
from coghub.build.accelerator.tables import tensorflow_rows
from coghub.build.cog_yaml import Build
from coghub.build.requirement_lines import name_and_version
from coghub.domain.errors import RequirementsInvalid


def tensorflow_cuda(version: str) -> str | None:
    """Return the CUDA that a TensorFlow was tested with, as in "12.3"; None when unknown."""
    try:
        wanted = Version(version)
    except InvalidVersion:
        return None
    return next((row.cuda for row in tensorflow_rows() if row.version == wanted), None)


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
