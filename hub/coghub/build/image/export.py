"""An image out of the engine, as blobs that a registry takes.

The engine exports a tar: a file for each layer, the config, and `manifest.json` that names them.
It comes as a stream, and each layer is a file of its own as soon as it has passed; meanwhile the
ones before are compressed, where that is worth it. Weights hardly get smaller.

What a layer became is remembered by what it holds: one that a registry has is not exported again.
"""

import fcntl
import gzip
import json
import tarfile
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from coghub.build.docker.client import Docker, error_of
from coghub.build.docker.image import Image
from coghub.build.events import Progress, Report
from coghub.build.files import explained, write_atomically
from coghub.build.oci import CONFIG, LAYER, MANIFEST, MAX_JSON_BYTES, Descriptor, Layout
from coghub.domain.digest import digest_of
from coghub.domain.errors import CoghubError, ImageInvalid
from coghub.domain.size import size_text

GZIP_LAYER, ZSTD_LAYER = f"{LAYER}+gzip", f"{LAYER}+zstd"
COMPRESSED = {b"\x1f\x8b": GZIP_LAYER, b"\x28\xb5": ZSTD_LAYER}
"""First bytes of a layer that the engine keeps compressed."""
CHUNK_BYTES = 1024**2
SAMPLE_BYTES = 4 * 1024**2
WORTH_IT = 0.85
"""Above this ratio of the sample's sizes a layer is sent as it is."""
LEVEL = 1
"""Of gzip: three times as fast as the usual one, for a tenth more bytes."""
AT_ONCE = 4
"""Layers that are compressed and handed on."""
PIPE_BYTES = 1024**2
"""Of the export's pipe, where the system allows it: sixteen times less waking up."""
OnBlob = Callable[[Descriptor], None]


@dataclass(frozen=True, slots=True)
class Exported:
    """An image as a manifest in a layout."""

    digest: str
    """Of the manifest."""
    layers: Mapping[str, Descriptor]
    """What each layer became, by the digest of its content."""


def layers_of(docker: Docker, image: Image) -> list[str]:
    """Return the digests of the layers' contents, from the bottom up."""
    shown = docker.ask(["image", "inspect", "--format", "{{json .RootFS.Layers}}", image.id])
    return [str(one) for one in json.loads(shown)]


def export_image(
    docker: Docker,
    image: Image,
    layout: Layout,
    known: Mapping[str, Descriptor],
    report: Report,
    on_blob: OnBlob = lambda _: None,
) -> Exported:
    """Write an image's manifest, and the blobs that are not known, into a layout.

    Args:
        docker: where it is.
        image: which.
        layout: an empty one.
        known: what layers became that need not be written, by the digest of their content.
        report: hears how far it is.
        on_blob: hears of each layer that is ready, in a thread, while the next ones come.

    Raises:
        ImageInvalid: if the export is none that can be read.
        DiskFull: if no space is left, here or in the engine.
        DockerError: if the engine does not export it.
    """
    process = docker.start(["save", image.id], keeps_errors=True)
    assert process.stdout is not None
    assert process.stderr is not None
    _widen(process.stdout)
    export = _Export(layout, known, report, on_blob)
    try:
        with explained(layout.folder), export.compressors:
            export.read(cast("IO[bytes]", process.stdout))
        process.stdout.close()
        said = process.stderr.read().decode("utf-8", "replace")
        if process.wait():
            raise error_of(said, docker.environ)
        return export.finish()
    except (tarfile.TarError, KeyError, ValueError, TypeError, IndexError) as error:
        process.kill()
        said = process.stderr.read().decode("utf-8", "replace")
        if said.strip():
            raise error_of(said, docker.environ) from error
        raise ImageInvalid(
            f"The engine's export of {image.name} cannot be read: {error}"
        ) from error
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


@dataclass(slots=True)
class _Export:
    layout: Layout
    known: Mapping[str, Descriptor]
    report: Report
    on_blob: OnBlob
    files: dict[str, str] = field(default_factory=dict)
    """Path in the export → digest of its content."""
    links: dict[str, str] = field(default_factory=dict)
    blobs: "dict[str, Future[Descriptor]]" = field(default_factory=dict)
    documents: dict[str, bytes] = field(default_factory=dict)
    moved: int = 0
    compressors: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(AT_ONCE, "layer")
    )

    def read(self, stream: IO[bytes]) -> None:
        """Take in the whole export."""
        with tarfile.open(fileobj=stream, mode="r|", bufsize=CHUNK_BYTES) as archive:
            for member in archive:
                name = member.name.removeprefix("./")
                if member.issym() or member.islnk():
                    self.links[name] = _target(member)
                elif member.isfile():
                    content = archive.extractfile(member)
                    assert content is not None
                    self._take(name, content, member.size)
        while stream.read(CHUNK_BYTES):
            pass  # else the engine cannot write its padding

    def _take(self, name: str, content: IO[bytes], size: int) -> None:
        head = content.read(CHUNK_BYTES)
        if size < MAX_JSON_BYTES and head[:1] in (b"{", b"["):
            whole = head + content.read()
            self.documents[name], self.files[name] = whole, digest_of(whole)
            return
        if not name.endswith("layer.tar") and not name.startswith("blobs/"):
            return
        with self.layout.new_blob() as blob:
            while head:
                blob.write(head)
                self.moved += len(head)
                head = content.read(CHUNK_BYTES)
            self.report(Progress(f"Exported {size_text(self.moved)}"))
        self.files[name] = blob.digest
        if blob.digest in self.known:
            self.layout.path_of(blob.digest).unlink()
        elif blob.digest not in self.blobs:
            self.blobs[blob.digest] = self.compressors.submit(self._ready, blob.digest)

    def _ready(self, digest: str) -> Descriptor:
        blob = _blob(self.layout, digest)
        self.on_blob(blob)
        return blob

    def finish(self) -> Exported:
        """Write config and manifest."""
        index: Any = json.loads(self.documents["manifest.json"])[0]
        config = self.documents[self._resolved(index["Config"])]
        contents = json.loads(config)["rootfs"]["diff_ids"]
        paths = [self.files[self._resolved(path)] for path in index["Layers"]]
        became = {
            content: self.known.get(content) or self.blobs[path].result()
            for content, path in zip(contents, paths, strict=True)
        }
        with self.layout.new_blob() as blob:
            blob.write(config)
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": Descriptor(CONFIG, blob.digest, blob.size).as_json(),
            "layers": [became[content].as_json() for content in contents],
        }
        return Exported(self.layout.add_json(manifest, MANIFEST).digest, became)

    def _resolved(self, path: str) -> str:
        return self.links.get(path, path)


def _widen(pipe: IO[bytes]) -> None:
    with suppress(OSError, AttributeError):  # the number is Linux's F_SETPIPE_SZ
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def _target(member: tarfile.TarInfo) -> str:
    """Return where a link leads: engines before 25 link layers that two images share."""
    if member.islnk():
        return member.linkname
    parts = [*member.name.split("/")[:-1], *member.linkname.split("/")]
    found: list[str] = []
    for part in parts:
        if part == ".." and found:
            found.pop()
        elif part not in (".", "..", ""):
            found.append(part)
    return "/".join(found)


def _blob(layout: Layout, digest: str) -> Descriptor:
    """Return what a layer is sent as; compressed into another blob where that is worth it."""
    path = layout.path_of(digest)
    size = path.stat().st_size
    with path.open("rb") as file:
        sample = file.read(SAMPLE_BYTES)
        media_type = COMPRESSED.get(sample[:2])
        if media_type is not None:
            return Descriptor(media_type, digest, size)
        if len(gzip.compress(sample, LEVEL)) > WORTH_IT * len(sample):
            return Descriptor(LAYER, digest, size)
        file.seek(0)
        with (
            layout.new_blob() as blob,
            gzip.GzipFile("", "wb", LEVEL, fileobj=blob, mtime=0) as packed,
        ):
            while chunk := file.read(CHUNK_BYTES):
                packed.write(chunk)
    path.unlink()
    return Descriptor(GZIP_LAYER, blob.digest, blob.size)


class Memory:
    """What layers became when they were pushed before, by the digest of their content."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def find(self, contents: list[str]) -> dict[str, Descriptor]:
        """Return what is known of these."""
        known = self._read()
        found = {one: known[one] for one in contents if one in known}
        with suppress(TypeError):
            return {one: Descriptor(*fields) for one, fields in found.items()}
        return {}

    def note(self, layers: Mapping[str, Descriptor]) -> None:
        """Remember what layers became."""
        known = self._read()
        known |= {one: [it.media_type, it.digest, it.size] for one, it in layers.items()}
        with suppress(OSError, CoghubError):
            write_atomically(self.path, json.dumps(known))

    def _read(self) -> dict[str, list[Any]]:
        try:
            known = json.loads(self.path.read_bytes())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}
