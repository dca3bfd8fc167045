"""One blob on its way from a registry into a file, which is there when its digest is right.

What was received before a connection broke, or before the command was ended, is not asked for
again. A registry that sends more than it said, or something else, is not read to its end.

Source: OCI distribution specification 1.1, "Pulling blobs".
"""

import hashlib
import os
import re
from pathlib import Path

from coghub.build import file_lock
from coghub.build.files import explained
from coghub.build.oci import Descriptor
from coghub.build.registry_client.connection import CHUNK_BYTES
from coghub.build.registry_client.meter import Meter
from coghub.build.registry_client.registry import Call, Registry
from coghub.build.registry_client.transport import Answer
from coghub.domain.digest import hex_of
from coghub.domain.errors import BundleInvalid, RegistryUnreachable

_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")
MAX_LIES = 2
"""Times that a blob with a wrong digest is fetched again: a broken part may be a proxy's fault."""


class Download:
    """Fetches one blob of one repository."""

    def __init__(
        self, registry: Registry, repository: str, descriptor: Descriptor, meter: Meter
    ) -> None:
        self.registry = registry
        self.descriptor = descriptor
        self.meter = meter
        self._call = Call(
            "GET",
            f"/v2/{repository}/blobs/{descriptor.digest}",
            f"repository:{repository}:pull",
        )
        self._received = 0

    def run(self, folder: Path) -> Path:
        """Return the file, named by its digest, when all of it is there.

        Raises:
            BundleInvalid: if what comes is not what was announced.
            RegistryError: if it does not come.
            DiskFull: if it has no place.
        """
        target = folder / hex_of(self.descriptor.digest)
        with explained(target):
            lock = file_lock.wait_exclusive(target.with_suffix(".lock"))
            try:
                if target.exists():
                    self.meter.spare(self.descriptor.size)
                else:
                    self._fetch(target)
            finally:
                lock.remove()
        return target

    def _fetch(self, target: Path) -> None:
        part = target.with_suffix(".part")
        fd = os.open(part, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            self._note(min(os.fstat(fd).st_size, self.descriptor.size))
            for _ in range(MAX_LIES):
                self.registry.retries.run(lambda: self._continue(fd), lambda: self._received)
                if self._digest(fd) == self.descriptor.digest:
                    part.replace(target)
                    return
                self._restart(fd)
        finally:
            os.close(fd)
        part.unlink(missing_ok=True)
        raise BundleInvalid(f"The blob is not what its digest says: {self.descriptor.digest}")

    def _continue(self, fd: int) -> None:
        """Receive what is missing."""
        if self._received == self.descriptor.size:
            return
        headers = (("Range", f"bytes={self._received}-"),) if self._received else ()
        call = Call(self._call.method, self._call.url, self._call.scope, headers)
        with self.registry.call(call, 200, 206, 416) as answer:
            if answer.status == 416 or not self._fits(answer):  # noqa: PLR2004 - no such range
                self._restart(fd)
                raise RegistryUnreachable(f"{self.registry.host} does not go on where it stopped")
            if answer.status == 200:  # noqa: PLR2004 - the whole, whatever was asked for
                self._restart(fd)
            self._receive(fd, answer)

    def _fits(self, answer: Answer) -> bool:
        if answer.status == 200:  # noqa: PLR2004 - the whole
            return True
        match = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range") or "")
        return match is not None and int(match[1]) == self._received

    def _receive(self, fd: int, answer: Answer) -> None:
        for chunk in answer.chunks():
            if self._received + len(chunk) > self.descriptor.size:
                raise self._of_wrong_size("more")
            os.pwrite(fd, chunk, self._received)
            self._note(self._received + len(chunk), moved=len(chunk))
        if self._received < self.descriptor.size:
            # A length that was announced and not sent has raised by now: this is all there is.
            raise self._of_wrong_size("less")

    def _of_wrong_size(self, how: str) -> BundleInvalid:
        return BundleInvalid(
            f"{self.registry.host} sent {how} than the {self.descriptor.size} bytes "
            f"of a blob: {self.descriptor.digest}"
        )

    def _digest(self, fd: int) -> str:
        """Read it again: parts may be of an earlier run, and disks err too."""
        summary, position = hashlib.sha256(), 0
        while chunk := os.pread(fd, CHUNK_BYTES, position):
            summary.update(chunk)
            position += len(chunk)
        return f"sha256:{summary.hexdigest()}"

    def _restart(self, fd: int) -> None:
        os.ftruncate(fd, 0)
        self._note(0)

    def _note(self, received: int, *, moved: int = 0) -> None:
        self.meter.advance(received - self._received, moved=moved)
        self._received = received
