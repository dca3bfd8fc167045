"""One blob on its way to a registry.

1. `HEAD`: what the registry has is not sent.
2. `POST`: an upload begins; where another repository is known to have the blob, it is mounted.
3. A small blob is one `PUT`. A large one is `PATCH` after `PATCH`, then an empty `PUT`.
4. When a connection breaks, `GET` says how far the registry came, and the upload goes on there.
   What a registry no longer knows begins anew.

Source: OCI distribution specification 1.1, "Pushing blobs".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Protocol, Self
from urllib.parse import quote, urlencode

from coghub.build.files import pieces
from coghub.build.oci import Descriptor
from coghub.build.registry_client.connection import Body
from coghub.build.registry_client.meter import Meter
from coghub.build.registry_client.registry import Call, Registry
from coghub.build.registry_client.transport import LONG_TIMEOUT_S, Answer
from coghub.domain.errors import (
    BundleInvalid,
    RegistryBusy,
    RegistryError,
    RegistryRefused,
    RegistryUnreachable,
    RemoteNotFound,
)
from coghub.settings import Settings

MAX_RESTARTS = 5
"""Of one blob, where the registry has forgotten an upload or counts in another way than we do."""
OCTETS = ("Content-Type", "application/octet-stream")
_RANGE = re.compile(r"(?:bytes=)?0-(\d+)")


@dataclass(frozen=True, slots=True)
class Sizes:
    """How a blob is cut."""

    threshold_bytes: int
    """Above this in pieces."""
    chunk_bytes: int

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return what the settings say."""
        return cls(settings.push_threshold_bytes, settings.push_chunk_bytes)


class Source(Protocol):
    """A blob that is to be sent, once or again from any position."""

    @property
    def size(self) -> int:
        """Its bytes."""
        ...

    @property
    def digest(self) -> str:
        """Its digest; one that is still being made is waited for."""
        ...

    def chunks(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes from a position up to another."""
        ...


@dataclass(frozen=True, slots=True)
class File:
    """A blob that lies on the disk."""

    descriptor: Descriptor
    file: IO[bytes]
    """Read by position only, so that it may be read again."""

    @property
    def size(self) -> int:
        return self.descriptor.size

    @property
    def digest(self) -> str:
        return self.descriptor.digest

    def chunks(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes from a position up to another."""
        for chunk in pieces(self.file, start, end):
            if not chunk:
                raise BundleInvalid(f"The blob became shorter: {self.digest}")
            yield chunk


class _Forgotten(Exception):
    """The registry does not know the upload, or not as we do; it has to begin anew."""

    def __init__(self, error: RegistryError) -> None:
        super().__init__(str(error))
        self.error = error


class Upload:
    """Sends one blob to one repository."""

    def __init__(
        self, registry: Registry, repository: str, source: Source, sizes: Sizes, meter: Meter
    ) -> None:
        self.registry = registry
        self.repository = repository
        self.source = source
        self.sizes = sizes
        self.meter = meter
        self.scope = f"repository:{repository}:pull,push"
        self.size = source.size
        self.sent = 0
        """Bytes that the registry has, as far as we know."""
        self._shown = 0
        self._url = ""
        self._chunk_bytes = sizes.chunk_bytes

    def run(self, mount_from: str | None = None, *, is_new: bool = False) -> None:
        """Bring the blob there.

        Args:
            mount_from: a repository of this registry that had the blob once.
            is_new: the registry is known not to have it, and need not be asked.

        Raises:
            RegistryError: if it cannot be brought there.
        """
        if (not is_new and self._is_there()) or self._begin(mount_from):
            return self.meter.spare(self.size)
        is_large = self.size > self.sizes.threshold_bytes
        # Some registries take a blob in one piece only, which is the last thing to try.
        for is_cut in (*[is_large] * MAX_RESTARTS, False):
            try:
                self._send(is_cut=is_cut)
            except _Forgotten as lost:
                failure = lost
                self._note(0)
                if self._is_there() or self._begin(None):  # only the answer was lost
                    return self._note(self.size)
            else:
                return None
        raise failure.error

    def _is_there(self) -> bool:
        path = f"/v2/{self.repository}/blobs/{self.source.digest}"
        with self.registry.repeated(Call("HEAD", path, self.scope), 200, 404) as answer:
            return answer.status == 200  # noqa: PLR2004 - OK

    def _begin(self, mount_from: str | None) -> bool:
        """Begin an upload; tell whether a mount has made it needless."""
        path = f"/v2/{self.repository}/blobs/uploads/"
        if mount_from:
            query = urlencode({"mount": self.source.digest, "from": mount_from})
            scope = f"{self.scope} repository:{mount_from}:pull"
            try:
                return self._began(Call("POST", f"{path}?{query}", scope))
            except (RegistryRefused, RemoteNotFound):
                pass  # the other repository is gone, or no longer ours
        return self._began(Call("POST", path, self.scope))

    def _began(self, call: Call) -> bool:
        self._url = ""
        with self.registry.repeated(call, 201, 202) as answer:
            if answer.status == 201:  # noqa: PLR2004 - Created
                return True
            self._follow(answer)
            self._chunk_bytes = _chunk_bytes(answer, self.sizes.chunk_bytes)
        return False

    def _send(self, *, is_cut: bool) -> None:
        """Send what is missing, from wherever the registry stands after a failure."""
        is_broken = False

        def attempt() -> None:
            nonlocal is_broken
            if is_broken:
                self._ask()
            is_broken = True  # until this attempt has come to its end
            while is_cut and self.sent < self.size:
                self._patch(min(self.size, self.sent + self._chunk_bytes))
            self._finish()

        self.registry.retries.run(attempt, lambda: self.sent)

    def _patch(self, end: int) -> None:
        start = self.sent
        headers = (OCTETS, ("Content-Range", f"{start}-{end - 1}"))
        with self._called("PATCH", self._url, headers, end, (201, 202, 204)) as answer:
            self._follow(answer)
        reached = _reached(answer)
        self._note(end if reached is None else reached)
        if not start < self.sent <= end:
            raise self._miscounted(self.sent)

    def _finish(self) -> None:
        """Send what is left with the request that names the digest."""
        joint = "&" if "?" in self._url else "?"
        url = f"{self._url}{joint}digest={quote(self.source.digest, safe='')}"
        with self._called("PUT", url, (OCTETS,), self.size, (201, 204)):
            self._note(self.size)

    def _called(
        self,
        method: str,
        url: str,
        headers: tuple[tuple[str, str], ...],
        end: int,
        expected: tuple[int, ...],
    ) -> Answer:
        """Send what lies between `sent` and `end`; a refusal means that the upload is lost."""
        start = self.sent

        def chunks() -> Iterator[bytes]:
            position = start
            for chunk in self.source.chunks(start, end):
                yield chunk
                position += len(chunk)
                self._show(position, moved=len(chunk))

        body = Body(end - start, chunks)
        call = Call(method, url, self.scope, headers, body, LONG_TIMEOUT_S)
        try:
            return self.registry.call(call, *expected)
        except (RegistryBusy, RegistryUnreachable, RegistryRefused):
            raise
        except RegistryError as error:
            raise _Forgotten(error) from error

    def _ask(self) -> None:
        """Learn how far the registry came before the connection broke."""
        try:
            with self.registry.call(Call("GET", self._url, self.scope), 204, 200) as answer:
                self._follow(answer)
        except (RegistryBusy, RegistryUnreachable, RegistryRefused):
            raise
        except RegistryError as error:
            raise _Forgotten(error) from error
        reached = _reached(answer) or 0
        if reached > self.size:
            raise self._miscounted(reached)
        self._note(reached)

    def _miscounted(self, reached: int) -> _Forgotten:
        host, digest = self.registry.host, self.source.digest
        return _Forgotten(RegistryError(f"{host} has {reached} bytes of another upload: {digest}"))

    def _follow(self, answer: Answer) -> None:
        """Go on where the registry says; it may say so from its root or as a whole address."""
        location = answer.headers.get("Location")
        if location:
            self._url = self.registry.resolved(location, answer.url)
        elif not self._url:
            raise RegistryError(f"{self.registry.host} began an upload and did not say where")

    def _note(self, reached: int) -> None:
        self.sent = reached
        self._show(reached)

    def _show(self, position: int, *, moved: int = 0) -> None:
        self.meter.advance(position - self._shown, moved=moved)
        self._shown = position


def _chunk_bytes(answer: Answer, wanted: int) -> int:
    """Return the size of a piece, within what the registry allows."""
    least, most = (_number(answer.headers.get(f"OCI-Chunk-{it}-Length")) for it in ("Min", "Max"))
    return max(min(wanted, most or wanted), least or 1)


def _reached(answer: Answer) -> int | None:
    """Return how many bytes the registry has, by its `Range`; None if it does not say."""
    match = _RANGE.fullmatch((answer.headers.get("Range") or "").strip())
    if match is None:
        return None
    last = int(match[1])
    return last + 1 if last else 0


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() else None
