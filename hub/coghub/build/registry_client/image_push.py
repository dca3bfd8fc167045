"""An image of the engine, to a registry: exported beside, then sent like a bundle.

1. Layers that were pushed before and that the repository still has are known by memory.
2. What else there is comes out of the engine into a folder that lasts as long as the push.
3. It goes the way of all blobs: in parallel, in pieces, taken up again where it broke.
"""

import os
import shutil
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from coghub.build.docker.client import Docker
from coghub.build.docker.image import Image
from coghub.build.events import Report, Step, ignore
from coghub.build.files import explained
from coghub.build.image.export import Arriving, Memory, export_image, layers_of
from coghub.build.oci import Descriptor, Layout
from coghub.build.registry_client.meter import Meter
from coghub.build.registry_client.push import UNKNOWN, Parcel, Pushed, push
from coghub.build.registry_client.registry import Call, Registry
from coghub.build.registry_client.upload import File, Sizes, Source, Upload
from coghub.domain.errors import CoghubError, RegistryError
from coghub.settings import Settings


@dataclass(frozen=True, slots=True)
class ImagePush:
    """Brings images of an engine to a repository of a registry."""

    docker: Docker
    registry: Registry
    repository: str
    settings: Settings
    report: Report

    def push(self, image: Image, tag: str) -> Pushed:
        """Bring an image there, and put it under a tag.

        Raises:
            RegistryError: if the registry cannot or will not have it.
            ImageInvalid: if the engine's export cannot be read.
            DiskFull: if no space is left, here or in the engine.
        """
        memory = Memory(self.settings.cache_folder / "pushed-layers.json")
        contents = layers_of(self.docker, image)
        remembered = memory.find(contents)
        known = {
            content: blob for content, blob in remembered.items() if self._is_there(blob.digest)
        }
        # Which layer comes is known only when it has come: none is sent before, if one is there.
        is_new = not any(self._is_there(one) for one in contents if one not in remembered)
        try:
            pushed, layers = self._push(image, tag, known, is_new=is_new)
        except RegistryError as error:
            if not known or error.reason not in UNKNOWN:
                raise
            # It has tidied up since it was asked.
            pushed, layers = self._push(image, tag, {}, is_new=False)
        memory.note(layers)
        return pushed

    def _push(
        self, image: Image, tag: str, known: Mapping[str, Descriptor], *, is_new: bool
    ) -> tuple[Pushed, Mapping[str, Descriptor]]:
        """Push what is not known, and return what each layer became."""
        spared = {blob.digest: blob.size for blob in known.values()}
        with _folder(self.settings) as folder:
            layout = Layout(folder)
            self.report(Step("Exporting image from Docker daemon..."))
            early = EarlyUploads(layout, self.registry, self.repository, self.settings, is_new)
            exported = export_image(self.docker, image, layout, known, self.report, early)
            self.report(Step("Pushing layers..."))
            parcel = Parcel(layout, exported.digest, image.name, frozenset(spared))
            pushed = push(
                parcel,
                self.registry,
                self.repository,
                tag=tag,
                settings=self.settings,
                report=self.report,
            )
        whole = replace(
            pushed,
            sent_bytes=pushed.sent_bytes + early.sent_bytes,
            spared_bytes=pushed.spared_bytes - early.sent_bytes + sum(spared.values()),
        )
        return whole, exported.layers

    def _is_there(self, digest: str) -> bool:
        path = f"/v2/{self.repository}/blobs/{digest}"
        call = Call("HEAD", path, f"repository:{self.repository}:pull,push")
        with self.registry.repeated(call, 200, 404) as answer:
            return answer.status == 200  # noqa: PLR2004 - OK


@dataclass(slots=True)
class EarlyUploads:
    """Sends layers while the engine still exports the next ones.

    What fails here is left to the push itself, which sends what is missing and tells why it cannot.
    """

    layout: Layout
    registry: Registry
    repository: str
    settings: Settings
    is_early: bool
    sent_bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, blob: Descriptor) -> None:
        """Send one blob; may be called from several threads."""
        with suppress(OSError), self.layout.path_of(blob.digest).open("rb", buffering=0) as file:
            self._send(File(blob, file), is_new=False)

    def send_arriving(self, arriving: Arriving) -> None:
        """Send a layer that the registry is known not to have, while it comes."""
        self._send(arriving, is_new=True)

    def _send(self, source: Source, *, is_new: bool) -> None:
        meter = Meter("Pushed", source.size, ignore)
        sizes = Sizes.of(self.settings)
        with suppress(CoghubError, OSError):
            Upload(self.registry, self.repository, source, sizes, meter).run(is_new=is_new)
            with self._lock:
                self.sent_bytes += meter.moved


@contextmanager
def _folder(settings: Settings) -> Generator[Path]:
    """Make a folder for the block; those of processes that were killed are removed."""
    exports = settings.cache_folder / "exports"
    folder = exports / str(os.getpid())
    with explained(exports):
        exports.mkdir(parents=True, exist_ok=True)
        for other in exports.iterdir():
            if not _lives(other.name):
                shutil.rmtree(other, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _lives(pid: str) -> bool:
    if not pid.isdecimal():
        return False
    with suppress(ProcessLookupError):
        try:
            os.kill(int(pid), 0)
        except PermissionError:
            return True
        return True
    return False
