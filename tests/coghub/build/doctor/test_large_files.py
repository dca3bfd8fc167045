import pytest
from tests.coghub.build.doctor.conftest import CONFIG, Folder

MB = 1_000_000


def make(folder: Folder, name: str, size: int) -> None:
    path = folder.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)


@pytest.mark.parametrize(
    ("name", "size", "is_told"),
    [
        ("m.safetensors", 10 * MB, True),
        ("m.safetensors", 9 * MB, False),
        ("M.PTH", 20 * MB, True),
        ("film.mp4", 49 * MB, False),
        ("film.mp4", 50 * MB, True),
    ],
)
def test_what_is_large_depends_on_what_it_is(
    folder: Folder, name: str, size: int, *, is_told: bool
):
    make(folder, name, size)

    told = folder.findings("large-files")

    assert bool(told) is is_told
    assert all(it.level == "warning" and it.path == name for it in told)


def test_weights_that_are_named_are_where_they_belong(folder: Folder):
    weights = """weights:
  - name: base
    target: /src/weights
    source:
      uri: file://./checkpoints
"""
    folder.write({"cog.yaml": CONFIG + weights})
    make(folder, "weights/a.bin", 11 * MB)
    make(folder, "checkpoints/b/c.bin", 11 * MB)
    make(folder, "other.bin", 11 * MB)

    assert [it.path for it in folder.findings("large-files")] == ["other.bin"]


def test_what_is_left_out_is_not_large(folder: Folder):
    folder.write({".dockerignore": "*.bin\n"})
    make(folder, "other.bin", 11 * MB)

    assert folder.findings("large-files") == []


def test_many_large_files_are_told_in_one_line(folder: Folder):
    for at in range(23):
        make(folder, f"{at:02}.bin", 11 * MB + at)

    lines = folder.lines("large-files")

    assert len(lines) == 21
    assert lines[0] == "warning 22.bin: 11.0 MB would be pushed with the code"
    assert lines[-1] == "warning : 3 more large files, 33.0 MB, would be pushed too"
