"""Weights inside of a bundle: the files of the store as files of the project."""

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from cog.weights import WeightsCache
from coghub.build.project_files import ProjectFile
from coghub.build.weights.lock import LockedWeight
from coghub.build.weights.mounts import SOURCE, is_at_source, require_whole
from coghub.build.weights.packing import kept
from coghub.domain.errors import WeightsInvalid


def placed(
    project: Path, weights: Sequence[LockedWeight], store: WeightsCache
) -> list[ProjectFile]:
    """Return the files of weights, each at its target.

    Args:
        project: the folder of the project.
        weights: which.
        store: where their files are.

    Raises:
        WeightsInvalid: if the store lacks one, or its target cannot be in a bundle.
    """
    found = list[ProjectFile]()
    for weight in weights:
        require_whole(weight, store)
        if not weight.target.startswith(SOURCE):
            raise WeightsInvalid(
                f'weight "{weight.name}" goes to {weight.target}, and a bundle has only '
                f"what is below {SOURCE}",
                hint="Change its target, or make an image, with Docker",
            )
        place = weight.target.removeprefix(SOURCE)
        is_there = (project / place).exists() and not (project / place).is_symlink()
        if is_there and not is_at_source(project, weight):
            raise WeightsInvalid(f'weight "{weight.name}" cannot be at {place}: it is there')
        for file in weight.files:
            path = kept(file.digest, file.path, store)
            found.append(ProjectFile(f"{place}/{file.path}", path, path.stat()))
    return [*_folders(project, [it.path for it in found]), *found]


def _folders(project: Path, paths: Sequence[str]) -> Iterator[ProjectFile]:
    """Return the folders above files, those that the project has not."""
    above = {parent.as_posix() for path in paths for parent in PurePosixPath(path).parents}
    for folder in sorted(above - {"."}):
        if not (project / folder).is_dir() or (project / folder).is_symlink():
            yield ProjectFile(folder, project, project.stat())
