"""Which files of a project are weights: large, and neither code nor media."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from coghub.build.project_files import ProjectFile

MIN_BYTES = 10_000_000
"""As Cog's: below, a layer of its own costs more than it spares."""
MAX_LAYERS = 60
"""Readers of images give up somewhere above 120 layers."""
NO_WEIGHTS = frozenset(
    [
        ".py",
        ".pyi",
        ".ipynb",
        ".js",
        ".ts",
        ".html",
        ".css",
        ".json",
        ".yaml",
        ".yml",
        ".toml",
        ".md",
        ".txt",
        ".rst",
        ".csv",
        ".c",
        ".cc",
        ".cpp",
        ".cu",
        ".h",
        ".hpp",
        ".rs",
        ".go",
        ".java",
        ".sh",
        ".png",
        ".jpg",
        ".jpeg",
        ".gif",
        ".webp",
        ".bmp",
        ".tiff",
        ".svg",
        ".ico",
        ".mp4",
        ".mov",
        ".avi",
        ".mkv",
        ".webm",
        ".mp3",
        ".wav",
        ".flac",
        ".ogg",
        ".m4a",
        ".pdf",
        ".docx",
        ".pptx",
    ]
)
"""Suffixes of code, texts and media."""


def weights_among(files: Sequence[ProjectFile]) -> list[str]:
    """Return the paths that get layers of their own, sorted.

    A folder in which all files are weights is one path; beyond `MAX_LAYERS` the largest win.
    """
    sizes = {file.path: file.status.st_size for file in files if _is_weights(file)}
    others = {file.path for file in files if not file.is_folder and file.path not in sizes}
    found = dict[str, int]()
    for path, size in sizes.items():
        place = _widest(path, others)
        found[place] = found.get(place, 0) + size
    largest = sorted(found, key=lambda path: -found[path])[:MAX_LAYERS]
    return sorted(largest)


def _widest(path: str, others: set[str]) -> str:
    """Return the uppermost folder around a file that holds nothing else than weights."""
    widest = path
    for parent in PurePosixPath(path).parents:
        folder = parent.as_posix()
        if folder == "." or any(other.startswith(f"{folder}/") for other in others):
            break
        widest = folder
    return widest


def _is_weights(file: ProjectFile) -> bool:
    suffix = PurePosixPath(file.path).suffix.lower()
    return file.is_regular and file.status.st_size >= MIN_BYTES and suffix not in NO_WEIGHTS
