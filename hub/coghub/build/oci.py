"""An OCI image layout on the local disk: blobs by digest, and names in one index.

Source: OCI image specification 1.1, "Image Layout".
"""

import hashlib
import json
import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from tempfile import mkstemp
from typing import IO, Any

from coghub.build import file_lock
from coghub.build.files import explained, write_atomically
from coghub.domain.digest import digest_of, hex_of, is_digest
from coghub.domain.errors import BundleInvalid

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
LAYER_GZIP = f"{LAYER}+gzip"
INDEX = "application/vnd.oci.image.index.v1+json"
NAME = "org.opencontainers.image.ref.name"
MAX_JSON_BYTES = 32 * 1024**2
"""Of a manifest or config; the labels hold a schema and a config, which are small."""


@dataclass(frozen=True, slots=True)
class Descriptor:
    """Points at a blob."""

    media_type: str
    digest: str
    size: int

    def as_json(self) -> dict[str, Any]:
        """Return it as it stands in manifests."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


class BlobWriter(RawIOBase):
    """A blob that is being written; its digest is known at the end."""

    def __init__(self, fd: int) -> None:
        super().__init__()
        self._fd = fd
        self._summary = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, chunk: Any, /) -> int:
        view = memoryview(chunk)
        self._summary.update(view)
        while view:
            view = view[os.write(self._fd, view) :]
        self.size += len(chunk)
        return len(chunk)

    def reader(self) -> IO[bytes]:
        """Open it for reading by position, also while it is written."""
        return os.fdopen(os.dup(self._fd), "rb", buffering=0)

    @property
    def digest(self) -> str:
        """The digest of what was written so far."""
        return f"sha256:{self._summary.hexdigest()}"


class Layout:
    """The folder with `oci-layout`, `index.json` and `blobs/`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path_of(self, digest: str) -> Path:
        """Return where a blob is or would be.

        Raises:
            BundleInvalid: if the text is no digest, so that it cannot name another file.
        """
        if not is_digest(digest):
            raise BundleInvalid(f"Not a digest that is known here: {digest}")
        return self.folder / "blobs" / "sha256" / hex_of(digest)

    def has(self, digest: str) -> bool:
        """Tell whether the blob is there."""
        return self.path_of(digest).is_file()

    @contextmanager
    def new_blob(self) -> Generator[BlobWriter]:
        """Take in a blob; it is there under its digest when the block ends well."""
        blobs = self.folder / "blobs" / "sha256"
        with explained(blobs):
            blobs.mkdir(parents=True, exist_ok=True)
            fd, name = mkstemp(prefix=".new-", dir=blobs)
            try:
                writer = BlobWriter(fd)
                yield writer
                os.fchmod(fd, 0o644)
                Path(name).replace(self.path_of(writer.digest))
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
            finally:
                os.close(fd)

    def adopt(self, digest: str, path: Path) -> None:
        """Move a file whose digest was checked into the store; the caller holds `locked`."""
        target = self.path_of(digest)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():  # else another pull of the same blob was faster
            path.replace(target)

    def add_json(self, value: Any, media_type: str) -> Descriptor:
        """Store a document as compact JSON."""
        content = json.dumps(value, separators=(",", ":")).encode()
        with self.new_blob() as blob:
            blob.write(content)
        return Descriptor(media_type, digest_of(content), len(content))

    def read_json(self, digest: str) -> dict[str, Any]:
        """Return a stored document whose digest is right.

        Raises:
            BundleInvalid: if it is missing, damaged, or not an object.
        """
        try:
            with self.path_of(digest).open("rb") as file:
                content = file.read(MAX_JSON_BYTES + 1)
            value = json.loads(content)
        except (OSError, ValueError) as error:
            raise BundleInvalid(f"The blob is missing or damaged: {digest}") from error
        if digest_of(content) != digest or not isinstance(value, dict):
            raise BundleInvalid(f"The blob is not what its digest says: {digest}")
        return value

    def names(self) -> dict[str, str]:
        """Return name → digest of its manifest."""
        try:
            entries = json.loads((self.folder / "index.json").read_bytes())["manifests"]
            return {entry["annotations"][NAME]: entry["digest"] for entry in entries}
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError) as error:
            raise BundleInvalid(f"The store's index is damaged: {self.folder}") from error

    def write_names(self, names: dict[str, str], artifact_type: str) -> None:
        """Write the index, without names whose manifest is gone; the caller holds `locked`."""
        entries = [
            {
                **Descriptor(MANIFEST, digest, self.path_of(digest).stat().st_size).as_json(),
                "artifactType": artifact_type,
                "annotations": {NAME: name},
            }
            for name, digest in sorted(names.items())
            if self.path_of(digest).exists()
        ]
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
        write_atomically(self.folder / "oci-layout", '{"imageLayoutVersion":"1.0.0"}')
        write_atomically(self.folder / "index.json", json.dumps(index, indent=1))

    def collect(self, digests: Iterable[str]) -> None:
        """Remove every blob but these; the caller holds `locked`."""
        kept = {hex_of(digest) for digest in digests}
        for path in (self.folder / "blobs" / "sha256").glob("*"):
            if path.name not in kept:
                path.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Generator[None]:
        """Keep other processes from changing the store."""
        with explained(self.folder):
            lock = file_lock.wait_exclusive(self.folder / "store.lock")
        try:
            yield
        finally:
            lock.release()
