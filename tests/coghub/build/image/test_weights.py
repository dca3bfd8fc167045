"""Large files that are neither code nor media get layers of their own."""

import os
from pathlib import Path

import pytest

from coghub.build.image.weights import MAX_LAYERS, MIN_BYTES, weights_among
from coghub.build.project_files import ProjectFile

FILE, FOLDER = 0o100644, 0o040755


def file(path: str, size: int = MIN_BYTES, mode: int = FILE) -> ProjectFile:
    status = os.stat_result((mode, 0, 0, 1, 0, 0, size, 0, 0, 0))
    return ProjectFile(path, Path("/nowhere", path), status)


@pytest.mark.parametrize("name", ["model.bin", "model.safetensors", "model.pth", "model", "a.gguf"])
def test_a_large_file_is_weights(name):
    assert weights_among([file(name)]) == [name]


@pytest.mark.parametrize("name", ["code.py", "clip.MP4", "picture.png", "table.csv", "note.ipynb"])
def test_code_and_media_are_not_however_large(name):
    assert weights_among([file(name, 10 * MIN_BYTES)]) == []


def test_a_small_file_is_not():
    assert weights_among([file("model.bin", MIN_BYTES - 1)]) == []


def test_a_folder_of_nothing_but_weights_is_one_layer():
    files = [
        file("deep", mode=FOLDER),
        file("deep/er", mode=FOLDER),
        file("deep/er/a.bin"),
        file("deep/b.bin"),
        file("mixed", mode=FOLDER),
        file("mixed/c.bin"),
        file("mixed/read.me", 5),
    ]

    assert weights_among(files) == ["deep", "mixed/c.bin"]


def test_the_project_itself_is_never_one():
    assert weights_among([file("a.bin"), file("b.bin")]) == ["a.bin", "b.bin"]


def test_of_too_many_the_largest_win():
    files = [file(f"{number:03}.bin", MIN_BYTES + number) for number in range(MAX_LAYERS + 5)]

    assert weights_among(files) == [f"{number:03}.bin" for number in range(5, MAX_LAYERS + 5)]
