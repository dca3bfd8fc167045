"""Kinds of files by their first bytes."""

import pytest

from cog.content import suffix_of


@pytest.mark.parametrize(
    ("content", "suffix"),
    [
        (b"\x89PNG\r\n\x1a\n....", ".png"),
        (b"\xff\xd8\xff\xe0", ".jpg"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", ".webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", ".wav"),
        (b"\x00\x00\x00\x20ftypisom", ".mp4"),
        (b"\x00\x00\x00\x20ftypM4A ", ".m4a"),
        (b"\x00\x00\x00\x14ftypqt  ", ".mov"),
        (b"PK\x03\x04", ".zip"),
        (b"x" * 257 + b"ustar", ".tar"),
        (b"glTF\x02\x00", ".glb"),
        (b"hello\n\tw\xc3\xb6rld", ".txt"),
        ("é".encode() * 2047 + "aé".encode() * 9, ".txt"),
        (b"\x00\x01", ".bin"),
        (b"caf\xe9 au lait", ".bin"),
        (b"", ".bin"),
    ],
)
def test_content_tells_the_suffix(content: bytes, suffix: str) -> None:
    assert suffix_of(content) == suffix
