"""Reads large local files for the network: what the system holds in memory costs no thread."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

PIECE_BYTES = 512 * 1024
"""Of what is read at once: it stays in the processor's cache on its way to the network."""


async def file_pieces(path: Path, start: int, stop: int) -> AsyncIterator[bytes]:
    """Yield a part of a file.

    It is opened once, and stays readable to its end when it is deleted meanwhile.
    """
    descriptor = await asyncio.to_thread(_opened, path)
    try:
        for offset in range(start, stop, PIECE_BYTES):
            length = min(PIECE_BYTES, stop - offset)
            if _is_in_memory(descriptor, offset + length - 1):
                await asyncio.sleep(0)  # a quick reader never makes us wait: let others go first
                yield os.pread(descriptor, length, offset)
            else:
                yield await _read(descriptor, length, offset)
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL)
    return descriptor


def _is_in_memory(descriptor: int, offset: int) -> bool:
    """Tell whether a byte, and so most likely what is before it, can be read without the disk."""
    if not hasattr(os, "RWF_NOWAIT"):
        return False
    try:
        return os.preadv(descriptor, [bytearray(1)], offset, os.RWF_NOWAIT) == 1
    except OSError:  # it is not, or this file system cannot tell
        return False


async def _read(descriptor: int, length: int, offset: int) -> bytes:
    """Read in a thread; it has ended before the descriptor's number can be another file's."""
    loop = asyncio.get_running_loop()
    reading = loop.run_in_executor(None, os.pread, descriptor, length, offset)
    try:
        return await asyncio.shield(reading)
    except asyncio.CancelledError:
        await asyncio.wait([reading])
        raise
