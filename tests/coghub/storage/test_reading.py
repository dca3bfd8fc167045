"""Reads of local files: whole, in parts, cold, and of what is deleted meanwhile."""

import os

import pytest

from coghub.storage import reading
from coghub.storage.reading import PIECE_BYTES, file_pieces

SIZE = 2 * PIECE_BYTES + 1000


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(os.urandom(SIZE))
    return path


async def joined(pieces):
    return b"".join([piece async for piece in pieces])


@pytest.mark.parametrize(
    ("start", "stop"),
    [
        (0, SIZE),
        (0, 0),
        (5, 6),
        (PIECE_BYTES, 2 * PIECE_BYTES),
        (PIECE_BYTES - 1, 2 * PIECE_BYTES + 1),
    ],
)
@pytest.mark.parametrize("is_cold", [False, True])
async def test_any_part(file, monkeypatch, start, stop, is_cold):
    if is_cold:
        monkeypatch.setattr(reading, "_is_in_memory", lambda *_: False)

    assert await joined(file_pieces(file, start, stop)) == file.read_bytes()[start:stop]


async def test_a_file_that_is_deleted_meanwhile_is_read_to_its_end(file):
    content = file.read_bytes()
    pieces = file_pieces(file, 0, SIZE)

    first = await anext(pieces)
    file.unlink()

    assert first + await joined(pieces) == content


async def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        await joined(file_pieces(tmp_path / "nothing", 0, 1))
