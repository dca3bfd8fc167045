"""What a file is by its first bytes."""

SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", ".png"),
    (0, b"\xff\xd8\xff", ".jpg"),
    (0, b"GIF8", ".gif"),
    (8, b"WEBP", ".webp"),
    (8, b"WAVE", ".wav"),
    (8, b"AVI ", ".avi"),
    (4, b"ftypavif", ".avif"),
    (4, b"ftypheic", ".heic"),
    (4, b"ftypM4A", ".m4a"),
    (4, b"ftypqt", ".mov"),
    (4, b"ftyp", ".mp4"),
    (0, b"\x1a\x45\xdf\xa3", ".webm"),
    (0, b"OggS", ".ogg"),
    (0, b"fLaC", ".flac"),
    (0, b"ID3", ".mp3"),
    (0, b"\xff\xfb", ".mp3"),
    (0, b"\xff\xf3", ".mp3"),
    (0, b"%PDF-", ".pdf"),
    (0, b"PK\x03\x04", ".zip"),
    (0, b"\x1f\x8b", ".gz"),
    (0, b"\x28\xb5\x2f\xfd", ".zst"),
    (257, b"ustar", ".tar"),
    (0, b"\x93NUMPY", ".npy"),
    (0, b"glTF", ".glb"),
    (0, b"BM", ".bmp"),
    (0, b"II*\x00", ".tiff"),
    (0, b"MM\x00*", ".tiff"),
    (0, b"<svg", ".svg"),
)
"""Where a kind's mark stands, the mark, and the suffix; the first that fits holds."""

TEXT_SAMPLE_BYTES = 4096


def suffix_of(content: bytes) -> str:
    """Return the suffix of a file with this content: `.txt` for text, `.bin` for the unknown."""
    for start, mark, suffix in SIGNATURES:
        if content.startswith(mark, start):
            return suffix
    return ".txt" if _is_text(content[:TEXT_SAMPLE_BYTES]) else ".bin"


def _is_text(sample: bytes) -> bool:
    """Tell whether the bytes are UTF-8 without control characters; the last one may be cut."""
    try:
        text = sample.decode()
    except UnicodeDecodeError as error:
        if error.start < len(sample) - 3:
            return False
        text = sample[: error.start].decode()
    return bool(text) and all(
        character.isprintable() or character in "\t\n\r" for character in text
    )
