"""PNG files from raw samples, with the standard library alone.

Source: PNG specification, second edition.
"""

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
BIT_DEPTH = 8
COLOR_TYPES = {1: 0, 3: 2, 4: 6}
"""Channels → color type: gray, RGB, RGBA."""
UP_FILTER = b"\x02"
"""A row is its difference from the one above: half the size of plain rows, for photographs."""
COMPRESSION_LEVEL = 3
"""A quarter of the time of zlib's default, and about a sixth larger."""


def fits(shape: tuple[int, ...]) -> bool:
    """Tell whether an array of this shape is an image: H×W, or H×W with 1, 3 or 4 channels."""
    match shape:
        case (height, width) | (height, width, 1 | 3 | 4):
            return height > 0 and width > 0
        case _:
            return False


def encoded(samples: bytes, shape: tuple[int, ...]) -> bytes:
    """Return 8-bit samples, row by row, as a PNG file.

    Args:
        samples: Channels of a pixel beside each other.
        shape: Height, width, and channels if there is more than one; see `fits`.
    """
    height, width, channels = (*shape, 1)[:3]
    head = struct.pack("!IIBBBBB", width, height, BIT_DEPTH, COLOR_TYPES[channels], 0, 0, 0)
    body = zlib.compress(_filtered(samples, width * channels), COMPRESSION_LEVEL)
    return SIGNATURE + _chunk(b"IHDR", head) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _filtered(samples: bytes, row_bytes: int) -> bytes:
    """Return the rows, each behind the byte that names its filter."""
    above = bytes(row_bytes) + samples[:-row_bytes]
    changes = _difference(samples, above)
    starts = range(0, len(changes), row_bytes)
    return b"".join(UP_FILTER + changes[start : start + row_bytes] for start in starts)


def _difference(left: bytes, right: bytes) -> bytes:
    """Return each byte of one less its counterpart of the other, modulo 256.

    All bytes at once, as one large number each: with its high bit set apart no byte borrows
    from its neighbour.
    """
    high_bits = int.from_bytes(b"\x80" * len(left), "big")
    low_bits = int.from_bytes(b"\x7f" * len(left), "big")
    one, other = int.from_bytes(left, "big"), int.from_bytes(right, "big")
    lower = (one | high_bits) - (other & low_bits)
    return (lower ^ (~(one ^ other) & high_bits)).to_bytes(len(left), "big")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack("!I", len(body)) + kind + body + struct.pack("!I", zlib.crc32(kind + body))
