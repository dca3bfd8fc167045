"""Manifests and configs of a registry, read with limits and held to their digests.

Source: OCI distribution specification 1.1, "Pulling manifests", "Pushing Manifests".
"""

import json
from dataclasses import dataclass
from typing import Any

from coghub.build.oci import INDEX, MANIFEST, MAX_JSON_BYTES, Descriptor
from coghub.build.registry_client.reference import DEFAULT_TAG
from coghub.build.registry_client.registry import Call, Registry
from coghub.build.registry_client.transport import body_of
from coghub.domain.digest import digest_of, is_digest
from coghub.domain.errors import BundleInvalid, RegistryError, RemoteNotFound

MAX_MANIFEST_BYTES = 4 * 1024**2
"""What the specification wants every registry to take, and what most take at most."""
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
ACCEPTED = ("Accept", ", ".join((MANIFEST, INDEX, DOCKER_MANIFEST, DOCKER_LIST)))
DIGEST = "Docker-Content-Digest"
SCHEMA_LABELS = ("run.cog.openapi_schema", "org.cogmodel.openapi_schema")


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest as it came."""

    content: bytes
    digest: str
    document: dict[str, Any]

    @property
    def is_index(self) -> bool:
        """Whether it lists other manifests and has no content of its own."""
        kind = self.document.get("mediaType")
        return kind in (INDEX, DOCKER_LIST) or "manifests" in self.document

    @property
    def config(self) -> Descriptor:
        """Points at the config."""
        return _descriptor(self.document.get("config"))

    @property
    def layers(self) -> list[Descriptor]:
        """Point at the layers."""
        layers = self.document.get("layers")
        if not isinstance(layers, list):
            raise BundleInvalid("The manifest has no layers")
        return [_descriptor(layer) for layer in layers]


def digest_at(registry: Registry, repository: str, version: str) -> str | None:
    """Return the digest that a tag has now; None if the registry does not say.

    Raises:
        RemoteNotFound: if there is no such tag.
    """
    call = Call("HEAD", _path(repository, version), _pull(repository), (ACCEPTED,))
    with registry.call(call, 200) as answer:
        digest = answer.headers.get(DIGEST)
    return digest if digest and is_digest(digest) else None


def read_manifest(registry: Registry, repository: str, version: str, scope: str = "") -> Manifest:
    """Return the manifest of a tag or digest.

    Raises:
        RemoteNotFound: if there is none.
        BundleInvalid: if it is too large, no JSON object, or not what a digest says.
    """
    scope = scope or _pull(repository)
    call = Call("GET", _path(repository, version), scope, (ACCEPTED,))
    try:
        answer = registry.repeated(call, 200)
    except RemoteNotFound as error:
        joint = "@" if is_digest(version) else ":"
        raise RemoteNotFound(
            f"{registry.host} has no {repository}{joint}{version}",
            hint=f"If it is private, log in: `cog login {registry.host}`",
            reason=error.reason,
        ) from error
    said = answer.headers.get(DIGEST)
    content = answer.read(MAX_MANIFEST_BYTES + 1)
    if len(content) > MAX_MANIFEST_BYTES:
        raise BundleInvalid(f"The manifest is larger than {MAX_MANIFEST_BYTES} bytes: {version}")
    digest = digest_of(content)
    for expected in (said, version):
        if expected and is_digest(expected) and expected != digest:
            raise BundleInvalid(f"The manifest is not what its digest says: {expected}")
    return Manifest(content, digest, _object(content, "manifest"))


def read_config(registry: Registry, repository: str, manifest: Manifest) -> dict[str, Any]:
    """Return the config of a manifest.

    Raises:
        BundleInvalid: if it is too large, no JSON object, or not what its digest says.
    """
    digest = manifest.config.digest
    path = f"/v2/{repository}/blobs/{digest}"
    with registry.repeated(Call("GET", path, _pull(repository)), 200) as answer:
        content = answer.read(MAX_JSON_BYTES)
    if digest_of(content) != digest:
        raise BundleInvalid(f"The blob is not what its digest says: {digest}")
    return _object(content, "config")


def published_document(registry: Registry, repository: str, tag: str) -> dict[str, Any] | None:
    """Return the OpenAPI document of what is at a tag, else at `latest`.

    None: nothing is there, or what is there has none. The scope is that of a push, so that who may
    not push hears of it now.

    Raises:
        RegistryRefused: if one may not push there.
    """
    scope = f"repository:{repository}:pull,push"
    for version in dict.fromkeys((tag, DEFAULT_TAG)):
        try:
            manifest = read_manifest(registry, repository, version, scope)
            return None if manifest.is_index else _document(registry, repository, manifest)
        except RemoteNotFound:
            continue
    return None


def write_manifest(registry: Registry, repository: str, tag: str, content: bytes) -> str:
    """Put a manifest under a tag, when its blobs are there, and return its digest.

    Raises:
        RegistryError: if the registry refuses it, or understood something else.
    """
    scope = f"repository:{repository}:pull,push"
    headers = (("Content-Type", MANIFEST),)
    call = Call("PUT", _path(repository, tag), scope, headers, body_of(content))
    digest = digest_of(content)
    with registry.repeated(call, 201, 200) as answer:
        said = answer.headers.get(DIGEST) or digest
    if said != digest:
        raise RegistryError(f"{registry.host} stored another manifest than was sent: {said}")
    return digest


def _document(registry: Registry, repository: str, manifest: Manifest) -> dict[str, Any] | None:
    labels = (read_config(registry, repository, manifest).get("config") or {}).get("Labels") or {}
    text = next((labels[name] for name in SCHEMA_LABELS if name in labels), "")
    try:
        document = json.loads(text)
    except (ValueError, TypeError):
        return None
    return document if isinstance(document, dict) else None


def _path(repository: str, version: str) -> str:
    return f"/v2/{repository}/manifests/{version}"


def _pull(repository: str) -> str:
    return f"repository:{repository}:pull"


def _object(content: bytes, noun: str) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BundleInvalid(f"The {noun} is not JSON") from error
    if not isinstance(value, dict):
        raise BundleInvalid(f"The {noun} is not an object")
    return value


def _descriptor(value: Any) -> Descriptor:
    try:
        kind, digest, size = value["mediaType"], value["digest"], value["size"]
    except (KeyError, TypeError) as error:
        raise BundleInvalid("The manifest has a damaged descriptor") from error
    if not isinstance(size, int) or size < 0 or not is_digest(str(digest)):
        raise BundleInvalid("The manifest has a damaged descriptor")
    return Descriptor(str(kind), str(digest), size)
