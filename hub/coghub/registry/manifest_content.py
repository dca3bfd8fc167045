"""Reads a manifest: what it is, and what it names.

Source: OCI image specification 1.1, "Image Manifest" and "Image Index"; Docker's schema 2.
"""

from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import msgspec

from coghub.build.oci import INDEX, MANIFEST
from coghub.domain.digest import digest_of, is_digest
from coghub.domain.distribution_errors import ManifestInvalid

T = TypeVar("T")

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
IMAGES = frozenset({MANIFEST, DOCKER_MANIFEST})
INDEXES = frozenset({INDEX, DOCKER_LIST})
MAX_BYTES = 4 * 1024**2
"""The specification's least; ours have some hundred layers, and the labels are in the config."""
MAX_NAMES = 10_000
"""Layers or images in one manifest; readers give up far below."""
ELSEWHERE = (".nondistributable.", ".foreign.")
"""Media types of layers that are not pushed."""

_Text = Annotated[str, msgspec.Meta(max_length=255)]
_Size = Annotated[int, msgspec.Meta(ge=0)]


class Descriptor(msgspec.Struct, frozen=True, rename="camel"):
    """Points at a blob or a manifest."""

    media_type: _Text
    digest: str
    size: _Size
    artifact_type: _Text | None = None
    platform: dict[str, Any] | None = None


class _Image(msgspec.Struct, frozen=True, rename="camel"):
    schema_version: int
    config: Descriptor
    layers: Annotated[list[Descriptor], msgspec.Meta(max_length=MAX_NAMES)]
    media_type: _Text | None = None
    artifact_type: _Text | None = None
    subject: Descriptor | None = None
    annotations: dict[str, str] | None = None


class _Index(msgspec.Struct, frozen=True, rename="camel"):
    schema_version: int
    manifests: Annotated[list[Descriptor], msgspec.Meta(max_length=MAX_NAMES)]
    media_type: _Text | None = None
    artifact_type: _Text | None = None
    subject: Descriptor | None = None
    annotations: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest that was read."""

    digest: str
    media_type: str
    content: bytes
    blobs: frozenset[str]
    """Digests of config and layers."""
    config: Descriptor | None
    images: tuple[Descriptor, ...]
    """What an index names."""
    artifact_type: str | None
    subject: str | None
    annotations: dict[str, str] | None


def read_manifest(content: bytes, media_type: str | None) -> Manifest:
    """Return what a manifest says.

    Args:
        content: as it was pushed.
        media_type: as the request says; else the content does.

    Raises:
        ManifestInvalid: saying what is wrong with it.
    """
    said = _media_type_of(content)
    if media_type is None or media_type == "application/json":
        media_type = said
    if said is not None and said != media_type:
        raise ManifestInvalid(f"The manifest says that it is {said}, the request {media_type}")
    if media_type in IMAGES:
        return _image(content, media_type)
    if media_type in INDEXES:
        return _index(content, media_type)
    raise ManifestInvalid(f"Not a kind of manifest that is taken here: {media_type}")


def _image(content: bytes, media_type: str) -> Manifest:
    image = decoded(content, _Image, "manifest")
    kept = [layer for layer in image.layers if not any(it in layer.media_type for it in ELSEWHERE)]
    _check(image.schema_version, [image.config, *image.layers], image.subject)
    return Manifest(
        digest=digest_of(content),
        media_type=media_type,
        content=content,
        blobs=frozenset(descriptor.digest for descriptor in (image.config, *kept)),
        config=image.config,
        images=(),
        artifact_type=image.artifact_type or image.config.media_type,
        subject=image.subject.digest if image.subject else None,
        annotations=image.annotations,
    )


def _index(content: bytes, media_type: str) -> Manifest:
    index = decoded(content, _Index, "manifest")
    _check(index.schema_version, index.manifests, index.subject)
    return Manifest(
        digest=digest_of(content),
        media_type=media_type,
        content=content,
        blobs=frozenset(),
        config=None,
        images=tuple(index.manifests),
        artifact_type=index.artifact_type,
        subject=index.subject.digest if index.subject else None,
        annotations=index.annotations,
    )


def _check(schema_version: int, descriptors: list[Descriptor], subject: Descriptor | None) -> None:
    if schema_version != 2:  # noqa: PLR2004 - the specification's number
        raise ManifestInvalid(f"Not a schema version that is taken here: {schema_version}")
    for descriptor in [*descriptors, *([subject] if subject else [])]:
        if not is_digest(descriptor.digest):
            raise ManifestInvalid("A digest in the manifest is not `sha256:` and 64 hex digits")


class _Kind(msgspec.Struct, frozen=True, rename="camel"):
    media_type: Any = None


def _media_type_of(content: bytes) -> str | None:
    media_type = decoded(content, _Kind, "manifest").media_type
    return media_type if isinstance(media_type, str) else None


def decoded(content: bytes, kind: type[T], what: str) -> T:
    """Return JSON as a value of this type.

    Raises:
        ManifestInvalid: if it is no JSON, or not such a value.
    """
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise ManifestInvalid(f"The {what} cannot be read: {error}") from error
