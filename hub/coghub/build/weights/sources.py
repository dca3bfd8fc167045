"""The files of a source, brought into the store, and a fingerprint of where they were.

Source: contract 08, section 8.2.
"""

import hashlib
import json
import stat
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from cog.errors import FetchError
from cog.weights import WeightsCache
from cog.weights.remote import look_at
from coghub.build.weights.declared import Source
from coghub.build.weights.lock import is_inside, normalised
from coghub.build.weights.patterns import is_taken
from coghub.domain.digest import digest_of, hex_of
from coghub.domain.errors import WeightsInvalid

HUGGING_FACE = "https://huggingface.co"
TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
TIMEOUT_S = 60.0
MAX_ANSWER_BYTES = 64 * 1024**2
HIDDEN = ".cog"
WHITEOUT = ".wh."


@dataclass(frozen=True, slots=True)
class Found:
    """A file of a source."""

    path: str
    """Relative, with slashes."""
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Listing:
    """What a source has, before any of it is brought."""

    fingerprint: str
    """Empty where only the content tells."""
    paths: tuple[str, ...]
    bring: Callable[[str], Path]
    """Bring the file of a path into the store, and return where it is."""


def set_digest(files: list[Found]) -> str:
    """Return the digest of a set of files, whatever their order.

    Source: contract 08, section 8.5: lines of hash and path, sorted as wholes, joined by newlines.
    """
    lines = sorted(f"{hex_of(it.digest)}  {it.path}" for it in files)
    return digest_of("\n".join(lines).encode())


@dataclass(frozen=True, slots=True)
class Sources:
    """Brings files of all kinds of sources into one store."""

    store: WeightsCache
    folder: Path
    """Of the project."""
    environ: Mapping[str, str]

    def listing(self, source: Source) -> Listing:
        """Return what a source has.

        Raises:
            WeightsInvalid: if it cannot be had, or has what no weight may have.
        """
        uri = normalised(source.uri)
        scheme = urlsplit(uri).scheme
        try:
            match scheme:
                case "file":
                    found = self._folder(uri)
                case "http" | "https":
                    found = self._url(uri)
                case "hf":
                    found = self._hugging_face(uri)
                case _:
                    raise WeightsInvalid(
                        f'unsupported weight source scheme "{scheme}" in URI "{source.uri}"'
                    )
        except FetchError as error:
            raise WeightsInvalid(str(error)) from error
        taken = [it for it in found.paths if is_taken(it, source.include, source.exclude)]
        if not taken:
            raise WeightsInvalid(f"no files in {source.uri} that its patterns take")
        for path in taken:
            if not is_inside(path):
                raise WeightsInvalid(f"{source.uri} has a file of no name: {path!r}")
        return Listing(found.fingerprint, tuple(sorted(taken)), found.bring)

    def bring(self, listing: Listing) -> tuple[str, list[Found]]:
        """Bring all files of a listing; return the fingerprint, and the files.

        Raises:
            WeightsInvalid: if one cannot be had.
        """
        files = list[Found]()
        for path in listing.paths:
            try:
                kept = listing.bring(path)
            except FetchError as error:
                raise WeightsInvalid(str(error)) from error
            except OSError as error:
                raise WeightsInvalid(f"{path} cannot be read: {error.strerror}") from error
            files.append(Found(path, kept.stat().st_size, f"sha256:{kept.name}"))
        return listing.fingerprint or set_digest(files), files

    def _folder(self, uri: str) -> Listing:
        place = uri.removeprefix("file://")
        root = self.folder / place
        if not root.exists():
            raise WeightsInvalid(f"no such file or directory: {uri}")
        if root.is_file():
            return Listing("", (root.name,), lambda _: self._added(root))
        paths = tuple(_walked(root, root))
        return Listing("", paths, lambda path: self._added(root / path))

    def _added(self, path: Path) -> Path:
        """Return where the store has a file; one that it has is read only, not written."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            if (kept := self.store.find(digest)) is not None:
                return kept
            file.seek(0)
            return self.store.add(file, path.stat().st_size, digest)

    def _url(self, uri: str) -> Listing:
        name = unquote(PurePosixPath(urlsplit(uri).path).name)
        tag = look_at(uri, {}).validator or ""
        is_etag = tag.startswith('"')
        # The store asks a URL once; what follows the `#` makes another of it when the file changes.
        changing = f"{uri}#{quote(tag)}" if tag else uri
        fingerprint = f"etag:{tag.strip(chr(34))}" if is_etag else ""
        return Listing(fingerprint, (name,), lambda _: self.store.fetch(changing))

    def _hugging_face(self, uri: str) -> Listing:
        name, _, revision = uri.removeprefix("hf://").strip("/").partition("@")
        if name.count("/") != 1:
            raise WeightsInvalid(f"not hf://OWNER/NAME[@REVISION]: {uri}")
        endpoint = self.environ.get("HF_ENDPOINT", HUGGING_FACE).rstrip("/")
        token = next((self.environ[it] for it in TOKENS if self.environ.get(it)), None)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        asked = f"{endpoint}/api/models/{name}/revision/{quote(revision or 'main', safe='')}"
        said = _json(asked, headers)
        commit, siblings = said.get("sha"), said.get("siblings")
        if not isinstance(commit, str) or not isinstance(siblings, list):
            raise WeightsInvalid(f"Hugging Face says nothing of the files of {name}")
        paths = tuple(str(it.get("rfilename")) for it in siblings)

        def bring(path: str) -> Path:
            url = f"{endpoint}/{name}/resolve/{commit}/{quote(path)}"
            return self.store.fetch(url, headers=headers)

        return Listing(f"commit:{commit}", paths, bring)


def _walked(folder: Path, root: Path) -> Iterator[str]:
    for path in sorted(folder.iterdir()):
        relative = path.relative_to(root).as_posix()
        kind = path.lstat().st_mode
        if path.name.startswith(WHITEOUT) or path.name == HIDDEN:
            raise WeightsInvalid(f"a weight must not have {relative}: the name is reserved")
        if stat.S_ISDIR(kind):
            yield from _walked(path, root)
        elif stat.S_ISREG(kind):
            yield relative
        else:
            what = "symbolic link" if stat.S_ISLNK(kind) else "special file"
            raise WeightsInvalid(f"a weight must not have a {what}: {relative}")


def _json(url: str, headers: Mapping[str, str]) -> dict[str, Any]:
    request = urllib.request.Request(url, headers=dict(headers))  # noqa: S310 - a setting's address
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310 - as above
            return json.loads(response.read(MAX_ANSWER_BYTES))
    except urllib.error.HTTPError as error:
        with error:
            raise WeightsInvalid(
                f"{error.code} {error.reason}: {url}", hint="A private one needs HF_TOKEN"
            ) from error
    except (OSError, ValueError) as error:
        raise WeightsInvalid(f"no answer from {url}: {error}") from error
