"""An image out of the engine, as blobs that a registry takes.

The engine exports a tar: a file for each layer, the config, and `manifest.json` that names them.
It comes as a stream, and each layer is a file of its own as soon as it has passed; meanwhile the
ones before are compressed, where that is worth it. Weights hardly get smaller: a large layer that
is sent as it is can be read while it still comes.

What a layer became is remembered by what it holds: one that a registry has is not exported again.
"""

import fcntl
import gzip
import json
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol, cast

from coghub.build.docker.client import Docker, error_of
from coghub.build.docker.image import Image
from coghub.build.events import Progress, Report
from coghub.build.files import explained, pieces, write_atomically
from coghub.build.oci import CONFIG, LAYER, MANIFEST, MAX_JSON_BYTES, Descriptor, Layout
from coghub.domain.digest import digest_of
from coghub.domain.errors import CoghubError, ImageInvalid
from coghub.domain.size import size_text

GZIP_LAYER, ZSTD_LAYER = f"{LAYER}+gzip", f"{LAYER}+zstd"
COMPRESSED = {b"\x1f\x8b": GZIP_LAYER, b"\x28\xb5": ZSTD_LAYER}
"""First bytes of a layer that the engine keeps compressed."""
CHUNK_BYTES = 64 * 1024
SAMPLE_BYTES = 4 * 1024**2
WORTH_IT = 0.85
"""Above this ratio of the sample's sizes a layer is sent as it is."""
LEVEL = 1
"""Of gzip: three times as fast as the usual one, for a tenth more bytes."""
AT_ONCE = 4
"""Layers that are compressed and handed on."""
PIPE_BYTES = 1024**2
"""Of the export's pipe, where the system allows it: sixteen times less waking up."""
LARGE_BYTES = 64 * 1024**2
"""From this size on a layer may be sent while it comes."""


@dataclass(frozen=True, slots=True)
class Exported:
    """An image as a manifest in a layout."""

    digest: str
    """Of the manifest."""
    layers: Mapping[str, Descriptor]
    """What each layer became, by the digest of its content."""


class Arriving:
    """A layer that still comes, and is sent as it is; read by one thread, written by another.

    Raises:
        ImageInvalid: from every method, if it does not come to its end.
    """

    def __init__(self, media_type: str, size: int, file: IO[bytes]) -> None:
        self.media_type = media_type
        self.size = size
        self.file = file
        self._written = 0
        self._digest = ""
        self._is_broken = False
        self._changed = threading.Condition()

    def chunks(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes from a position up to another, as they come."""
        while start < end:
            for chunk in pieces(self.file, start, min(self._beyond(start), end)):
                yield chunk
                start += len(chunk)

    @property
    def digest(self) -> str:
        """The digest of the whole; waits for it."""
        with self._changed:
            self._wait(lambda: bool(self._digest))
            return self._digest

    def _beyond(self, start: int) -> int:
        """Return how much is there; waits until that is more than this."""
        with self._changed:
            self._wait(lambda: self._written > start)
            return self._written

    def _wait(self, holds: Callable[[], bool]) -> None:
        self._changed.wait_for(lambda: self._is_broken or holds())
        if self._is_broken:
            raise ImageInvalid("The engine's export broke off")

    def add(self, written: int) -> None:
        """Let readers know how much is there."""
        with self._changed:
            self._written = written
            self._changed.notify_all()

    def end(self, digest: str) -> None:
        """Let readers know that all is there."""
        with self._changed:
            self._digest = digest
            self._changed.notify_all()

    def give_up(self) -> None:
        """End all waiting."""
        with self._changed:
            self._is_broken = not self._digest
            self._changed.notify_all()


class Carrier(Protocol):
    """Brings layers on, while the next ones come; called in threads."""

    is_early: bool
    """Whether it takes large layers that are sent as they are before they have come."""

    def send(self, blob: Descriptor) -> None:
        """Bring on a layer that lies in the layout."""

    def send_arriving(self, arriving: Arriving) -> None:
        """Bring on a layer while it comes."""


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
    carrier: Carrier,
) -> Exported:
    """Write an image's manifest, and the blobs that are not known, into a layout.

    Args:
        docker: where it is.
        image: which.
        layout: an empty one.
        known: what layers became that need not be written, by the digest of their content.
        report: hears how far it is.
        carrier: gets each layer, while the next ones come.

    Raises:
        ImageInvalid: if the export is none that can be read.
        DiskFull: if no space is left, here or in the engine.
        DockerError: if the engine does not export it.
    """
    process = docker.start(["save", image.id], keeps_errors=True)
    assert process.stdout is not None
    assert process.stderr is not None
    _widen(process.stdout)
    export = _Export(layout, known, report, carrier)
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
    carrier: Carrier
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
        head = content.read(SAMPLE_BYTES)
        if size < MAX_JSON_BYTES and head[:1] in (b"{", b"["):
            whole = head + content.read()
            self.documents[name], self.files[name] = whole, digest_of(whole)
        elif name.endswith("layer.tar") or name.startswith("blobs/"):
            self._take_layer(name, head, content, size)

    def _take_layer(self, name: str, head: bytes, content: IO[bytes], size: int) -> None:
        with ExitStack() as opened:
            blob = opened.enter_context(self.layout.new_blob())
            arriving = sent = None
            if self.carrier.is_early and size >= LARGE_BYTES and (kind := _kept(head)):
                arriving = Arriving(kind, size, blob.reader())
                opened.callback(arriving.give_up)
                sent = self.compressors.submit(self._arrives, arriving)
            while head:
                blob.write(head)
                if arriving:
                    arriving.add(blob.size)
                head = content.read(CHUNK_BYTES)
            self.moved += blob.size
            self.report(Progress(f"Exported {size_text(self.moved)}"))
            if arriving:
                arriving.end(blob.digest)
        self.files[name] = blob.digest
        if sent:
            self.blobs[blob.digest] = sent
        elif blob.digest in self.known:
            self.layout.path_of(blob.digest).unlink()
        elif blob.digest not in self.blobs:
            self.blobs[blob.digest] = self.compressors.submit(self._ready, blob.digest)

    def _arrives(self, arriving: Arriving) -> Descriptor:
        with arriving.file:
            self.carrier.send_arriving(arriving)
            return Descriptor(arriving.media_type, arriving.digest, arriving.size)

    def _ready(self, digest: str) -> Descriptor:
        blob = _blob(self.layout, digest)
        self.carrier.send(blob)
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


def _kept(sample: bytes) -> str | None:
    """Return what a layer is, by its beginning, if it is sent as it is; None to compress it."""
    media_type = COMPRESSED.get(sample[:2])
    if media_type is None and len(gzip.compress(sample, LEVEL)) > WORTH_IT * len(sample):
        return LAYER
    return media_type


def _blob(layout: Layout, digest: str) -> Descriptor:
    """Return what a layer is sent as; compressed into another blob where that is worth it."""
    path = layout.path_of(digest)
    with path.open("rb") as file:
        kept = _kept(file.read(SAMPLE_BYTES))
        if kept is not None:
            return Descriptor(kept, digest, path.stat().st_size)
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
