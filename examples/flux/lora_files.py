"""LoRAs as files: from any site, by any of the addresses that people copy from it."""

import base64
import binascii
import hashlib
import json
import re
import tarfile
import urllib.request
import zipfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qs, unquote

from cog.errors import FetchError
from cog.weights import WeightsCache

SUFFIX = ".safetensors"
TIMEOUT_S = 30.0
SHOWN = 60
"""Letters of a data URI in a message."""
USUAL_NAMES = ("lora.safetensors", "pytorch_lora_weights.safetensors")
"""Taken where a repository or an archive holds several files."""


@dataclass(frozen=True)
class LoraFile:
    """A LoRA that is on this machine."""

    said: str
    """How the user named it; without secrets."""
    key: str
    """Another for another content."""
    content: Path | bytes = field(repr=False)
    """A file of safetensors, or an archive with one in it."""

    def read(self) -> bytes:
        """Return the safetensors.

        Raises:
            ValueError: if there are none.
        """
        if isinstance(self.content, bytes):
            return self.content
        if zipfile.is_zipfile(self.content):
            with zipfile.ZipFile(self.content) as archive:
                return archive.read(_one_of(archive.namelist(), self.said))
        if tarfile.is_tarfile(self.content):
            with tarfile.open(self.content) as archive:
                names = [it.name for it in archive if it.isfile()]
                member = archive.extractfile(_one_of(names, self.said))
                assert member is not None  # it is a file
                return member.read()
        return self.content.read_bytes()


@dataclass(frozen=True)
class Sites:
    """Where LoRAs come from, and who asks."""

    cache: WeightsCache
    folder: Path
    """Paths lead into it, and nowhere else."""
    hf_token: str | None = field(default=None, repr=False)
    civitai_token: str | None = field(default=None, repr=False)
    replicate: str = "https://replicate.com"
    civitai: str = "https://civitai.com"

    def bring(self, said: str, held: ExitStack) -> LoraFile:
        """Return a LoRA, fetched if need be; it stays on the disk until `held` is closed.

        Raises:
            ValueError: if nothing is named so, or it cannot be had.
        """
        said = said.strip()
        short = f"{said[:SHOWN]}…" if said.startswith("data:") else said
        if said.startswith("data:"):
            content = _decoded(said, short)
            return LoraFile(short, hashlib.sha256(content).hexdigest(), content)
        path = self._local(said)
        if path is None:
            path = self._fetched(said, short, held)
        stat = path.stat()
        return LoraFile(short, f"{path} {stat.st_mtime_ns} {stat.st_size}", path)

    def _local(self, said: str) -> Path | None:
        """Return the path that is meant; None if it is none."""
        path = Path(self.folder, said.removeprefix("file://"))
        if not said.startswith(("/", "./", "../", "file://")) and not path.is_file():
            return None
        inside = path.resolve()
        if not inside.is_relative_to(self.folder.resolve()):
            raise ValueError(f"Paths of LoRAs lead into {self.folder} (FLUX_LORAS): {said}")
        if not inside.is_file():
            raise ValueError(f"There is no such file: {said}")
        return inside

    def _fetched(self, said: str, short: str, held: ExitStack) -> Path:
        try:
            url, headers = self._address(said)
            return held.enter_context(self.cache.using(url, headers=headers))
        except FetchError as error:
            raise ValueError(f"The LoRA {short} cannot be had: {error}{_hint(error)}") from error

    def _address(self, said: str) -> tuple[str, Mapping[str, str]]:
        """Return the URL of a file, and the headers to ask for it with."""
        for pattern, found_by in _FORMS:
            found = re.fullmatch(pattern, said)
            if found is not None:
                return found_by(self, **found.groupdict())
        if not said.startswith(("http://", "https://", "s3://")):
            raise ValueError(
                f"No LoRA is named so: {said}. Known are OWNER/NAME at Hugging Face, the URLs of "
                "Hugging Face, Replicate and Civitai, of a .safetensors file or a tar, and paths"
            )
        return said, {}

    def from_hugging_face(
        self, name: str, revision: str | None = None, path: str | None = None
    ) -> tuple[str, Mapping[str, str]]:
        """Return the URL of a repository's file; `path` may be a folder with one in it."""
        revision = unquote(revision) if revision else "main"
        path = path.strip("/") if path else ""
        if not path.endswith(SUFFIX):
            path = self._file_in_repository(name, revision, path)
        escaped = revision.replace("/", "%2F")
        return f"hf://{name}@{escaped}/{path}", self._with(self.hf_token)

    def _file_in_repository(self, name: str, revision: str, folder: str) -> str:
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HfHubHTTPError

        try:
            files = HfApi(token=self.hf_token).list_repo_files(name, revision=revision)
        except HfHubHTTPError as error:
            reason = str(error).splitlines()[0]
            told = f"Hugging Face does not show {name}: {reason}{_hint(error)}"
            raise ValueError(told) from error
        return _one_of([it for it in files if it.startswith(folder)], name)

    def from_civitai(
        self, model: str, version: str | None = None, query: str | None = None
    ) -> tuple[str, Mapping[str, str]]:
        """Return the URL of a model's version; of its newest if none is named."""
        version = version or parse_qs(query or "").get("modelVersionId", [None])[0]
        if version is None:
            said = self._json(f"{self.civitai}/api/v1/models/{model}")
            versions = said.get("modelVersions") or []
            if not versions:
                raise ValueError(f"The model {model} at Civitai has no version")
            version = versions[0]["id"]
        return self.from_civitai_version(str(version))

    def from_civitai_version(
        self, version: str, query: str | None = None
    ) -> tuple[str, Mapping[str, str]]:
        """Return the URL of a version; its query chooses among its files."""
        asked = f"?{query}" if query else ""
        url = f"{self.civitai}/api/download/models/{version}{asked}"
        return url, self._with(self.civitai_token)

    def from_replicate(
        self, name: str, version: str | None = None
    ) -> tuple[str, Mapping[str, str]]:
        """Return the URL of the weights that a training at Replicate has made."""
        inside = f"/versions/{version}" if version else ""
        return f"{self.replicate}/{name}{inside}/_weights", {}

    def _with(self, token: str | None) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {token}"} if token else {}

    def _json(self, url: str) -> dict:
        headers = dict(self._with(self.civitai_token))
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - a setting's address
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310 - too
                return json.load(response)
        except (OSError, ValueError) as error:
            told = f"Civitai does not show the model: {url}: {error}{_hint(error)}"
            raise ValueError(told) from error


def _hint(error: Exception) -> str:
    is_refused = re.search(r"\b40[13]\b", str(error))
    return " (it may need hf_token or civitai_token)" if is_refused else ""


def _decoded(said: str, short: str) -> bytes:
    head, comma, content = said.partition(",")
    if not comma or not head.endswith(";base64"):
        raise ValueError(f"Not a data URI in base64: {short}")
    try:
        return base64.b64decode(content, validate=True)
    except binascii.Error as error:
        raise ValueError(f"Not a data URI in base64: {short}: {error}") from error


def _one_of(names: list[str], holder: str) -> str:
    """Return the one file of safetensors among names, or that of a usual name."""
    found = [it for it in names if it.endswith(SUFFIX)]
    usual = [it for it in found if PurePosixPath(it).name in USUAL_NAMES]
    if not found:
        raise ValueError(f"{holder} holds no {SUFFIX}")
    if len(found) == 1:
        return found[0]
    if len(usual) == 1:
        return usual[0]
    raise ValueError(f"{holder} holds several, name one of them: {', '.join(found)}")


_NAME = r"(?P<name>[\w.-]+/[\w.-]+)"
_VERSION = r"(?P<version>[0-9a-f]{5,64})"
_HF = r"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/"
_CIVITAI = r"(?:https?://)?(?:www\.)?civitai\.com/"
_QUERY = r"(?:\?(?P<query>.*))?"
_FORMS: list[tuple[str, Callable]] = [
    (rf"{_HF}{_NAME}(?:/(?:tree|blob|resolve)/(?P<revision>[^/]+)(?P<path>/[^?]+)?)?/?(?:\?.*)?",
     Sites.from_hugging_face),
    (rf"(?:hf|huggingface)://{_NAME}(?:@(?P<revision>[^/]+))?(?P<path>/.+)?",
     Sites.from_hugging_face),
    (rf"(?:https?://)?(?:www\.)?replicate\.com/{_NAME}(?:/versions/{_VERSION})?/?",
     Sites.from_replicate),
    (rf"{_NAME}:{_VERSION}", Sites.from_replicate),
    (rf"{_CIVITAI}models/(?P<model>\d+)(?:/[^?]*)?{_QUERY}", Sites.from_civitai),
    (rf"{_CIVITAI}api/download/models/(?P<version>\d+){_QUERY}", Sites.from_civitai_version),
    (r"(?:urn:air:.*:)?civitai:(?P<model>\d+)(?:@(?P<version>\d+))?", Sites.from_civitai),
    (rf"{_NAME}(?:@(?P<revision>[^/]+))?(?P<path>/.+)?", Sites.from_hugging_face),
]  # fmt: skip
"""Each form, and what finds its file; the last takes what the others leave."""
