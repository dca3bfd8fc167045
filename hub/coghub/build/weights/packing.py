"""Layers: tar archives that are the same for the same files, each file in one of them.

Small files share archives, which gzip makes smaller; each large file has one of its own, which is
never written: it is read out of the store wherever it is needed. Two builds of zlib may compress
to other bytes, so a layer is what the lock says: who cannot make that one packs anew.

Source: contract 08, section 8.5.
"""

import gzip
import hashlib
import json
import tarfile
import tempfile
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from pathlib import Path, PurePosixPath
from typing import IO

from cog.weights import WeightsCache
from coghub.build.files import pieces
from coghub.build.oci import LAYER, LAYER_GZIP
from coghub.build.weights.lock import LockedFile, LockedLayer
from coghub.build.weights.sources import Found
from coghub.domain.digest import digest_of, hex_of
from coghub.domain.errors import WeightsInvalid

LARGE_BYTES = 64 * 1024**2
BUNDLE_BYTES = 256 * 1024**2
DENSE = frozenset({".safetensors", ".bin", ".gguf", ".onnx", ".parquet", ".pt", ".pth"})
"""Endings of files that gzip makes hardly smaller."""
BLOCK_BYTES = 512
LEVEL_BUNDLE, LEVEL_LARGE = 9, 6
MODE = 0o644


def envelope_format() -> str:
    """Return the digest of all that decides how files become layers."""
    said = {
        "large": LARGE_BYTES,
        "bundle": BUNDLE_BYTES,
        "dense": sorted(DENSE),
        "levels": [LEVEL_BUNDLE, LEVEL_LARGE],
        "tar": "pax, files only, mode 0644, times and owners 0",
    }
    return digest_of(json.dumps(said, sort_keys=True).encode())


class Tar:
    """The bytes of an archive of files in the store, from any position, without writing it."""

    def __init__(self, files: Sequence[tuple[str, int, Path]]) -> None:
        self._parts = list[bytes | tuple[Path, int]]()
        for path, size, kept in files:
            self._parts += [_header(path, size), (kept, size), bytes(-size % BLOCK_BYTES)]
        self._parts.append(bytes(2 * BLOCK_BYTES))
        sizes = [len(it) if isinstance(it, bytes) else it[1] for it in self._parts]
        self._ends = list(accumulate(sizes))
        self.size = self._ends[-1]

    def chunks(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes from a position up to another.

        Raises:
            OSError: if a file is gone from the store.
        """
        at = bisect_right(self._ends, start)
        while start < end:
            part, stop = self._parts[at], min(end, self._ends[at])
            begin = self._ends[at - 1] if at else 0
            if isinstance(part, bytes):
                yield part[start - begin : stop - begin]
            elif stop > start:
                with part[0].open("rb") as file:
                    yield from _exactly(file, start - begin, stop - begin)
            start, at = stop, at + 1


def _exactly(file: IO[bytes], start: int, end: int) -> Iterator[bytes]:
    for chunk in pieces(file, start, end):
        if not chunk:
            raise WeightsInvalid(f"a file of the store became shorter: {file.name}")
        yield chunk


def _header(path: str, size: int) -> bytes:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = size, MODE
    return entry.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")


@dataclass
class Layer:
    """A layer that can be sent, once or again from any position."""

    tar: Tar
    level: int | None
    """Of gzip; None leaves it as it is."""
    locked: LockedLayer | None = None
    """What it has to be, if that is known."""
    _file: IO[bytes] | None = field(default=None, repr=False)

    @property
    def size(self) -> int:
        """Its bytes in a registry."""
        return self.described.size

    @property
    def digest(self) -> str:
        """Its digest."""
        return self.described.digest

    @cached_property
    def described(self) -> LockedLayer:
        """Say what it is; by packing it, unless that is known."""
        return self.locked or self._packed()

    def chunks(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes from a position up to another.

        Raises:
            WeightsInvalid: if this machine does not pack them as the lock says.
        """
        if self.level is None:
            yield from self.tar.chunks(start, end)
            return
        if self._file is None and self._packed() != self.described:
            self.close()
            raise WeightsInvalid(
                f"the layer {self.described.digest} is packed to other bytes here",
                hint="Remove weights.lock, and run `cog weights import`",
            )
        assert self._file is not None  # it has been packed
        yield from pieces(self._file, start, end)

    def close(self) -> None:
        """Remove what was packed."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _packed(self) -> LockedLayer:
        if self.level is None:
            digest = hashlib.sha256()
            for chunk in self.tar.chunks(0, self.tar.size):
                digest.update(chunk)
            return LockedLayer(f"sha256:{digest.hexdigest()}", LAYER, self.tar.size, self.tar.size)
        self.close()
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it is kept until `close`
        with gzip.GzipFile("", "wb", self.level, self._file, mtime=0) as archive:
            for chunk in self.tar.chunks(0, self.tar.size):
                archive.write(chunk)
        size = self._file.tell()
        self._file.seek(0)
        digest = hashlib.file_digest(self._file, "sha256")
        return LockedLayer(f"sha256:{digest.hexdigest()}", LAYER_GZIP, size, self.tar.size)


def pack(files: Sequence[Found], store: WeightsCache) -> list[tuple[list[Found], Layer]]:
    """Return layers, and the files in each; nothing is read yet."""
    small = sorted((it for it in files if it.size < LARGE_BYTES), key=lambda it: it.path)
    groups = list[list[Found]]()
    room = 0
    for file in small:
        if file.size > room:
            groups.append([])
            room = BUNDLE_BYTES
        groups[-1].append(file)
        room -= file.size
    layers = [(group, Layer(_tar(group, store), LEVEL_BUNDLE)) for group in groups]
    for file in sorted((it for it in files if it.size >= LARGE_BYTES), key=lambda it: it.path):
        is_dense = PurePosixPath(file.path).suffix.lower() in DENSE
        layers.append(([file], Layer(_tar([file], store), None if is_dense else LEVEL_LARGE)))
    return layers


def layer_of(locked: LockedLayer, files: Sequence[LockedFile], store: WeightsCache) -> Layer:
    """Return a layer of a lock, to be sent.

    Raises:
        WeightsInvalid: if the store lacks a file of it.
    """
    inside = sorted((it for it in files if it.layer == locked.digest), key=lambda it: it.path)
    is_large = len(inside) == 1 and inside[0].size >= LARGE_BYTES
    level = None if locked.mediaType == LAYER else LEVEL_LARGE if is_large else LEVEL_BUNDLE
    return Layer(_tar(inside, store), level, locked)


def _tar(files: Sequence[Found] | Sequence[LockedFile], store: WeightsCache) -> Tar:
    return Tar([(it.path, it.size, kept(it.digest, it.path, store)) for it in files])


def kept(digest: str, path: str, store: WeightsCache) -> Path:
    """Return where the store has a file.

    Raises:
        WeightsInvalid: if it has it not.
    """
    if (found := store.find(hex_of(digest))) is not None:
        return found
    raise WeightsInvalid(f"{path} is not in the store", hint="Run `cog weights pull`")
