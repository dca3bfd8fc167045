"""From the labels of an image to a version of a model."""

from collections.abc import Mapping
from typing import Any

import msgspec

from coghub.database.models import PushedVersion
from coghub.domain.digest import hex_of
from coghub.domain.distribution_errors import ManifestInvalid, VersionRefused
from coghub.registry.manifest_content import decoded

CONFIGS = frozenset(
    {
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.docker.container.image.v1+json",
    }
)
MAX_CONFIG_BYTES = 8 * 1024**2
"""The labels hold a schema and a config, which are small."""
MAX_COG_VERSION_CHARACTERS = 64
PREFIXES = ("run.cog.", "org.cogmodel.")
"""The older one is read where the newer is not there."""
NAMES = ("version", "config", "openapi_schema")


class _Config(msgspec.Struct, frozen=True):
    labels: dict[str, str] | None = msgspec.field(default=None, name="Labels")


class _ImageConfig(msgspec.Struct, frozen=True):
    config: _Config | None = None


def version_of(digest: str, config: bytes, *, takes_images: bool = False) -> PushedVersion | None:
    """Return the version that a manifest with this config is; None if it is no model's image.

    `takes_images`: the hub runs images that hold Python and packages, and not bundles only.

    Raises:
        ManifestInvalid, VersionRefused: see `new_version`.
    """
    labels = cog_labels(config)
    return None if labels is None else new_version(digest, labels, takes_images=takes_images)


def cog_labels(content: bytes) -> dict[str, str] | None:
    """Return Cog's labels, without prefix, of an image's config; None if it is no model's image.

    Raises:
        ManifestInvalid: if it is no config.
    """
    config = decoded(content, _ImageConfig, "config").config
    labels = (config.labels if config else None) or {}
    found = dict[str, str]()
    for prefix in reversed(PREFIXES):
        known = {key: value for key, value in labels.items() if key.startswith(prefix)}
        found |= {key.removeprefix(prefix): value for key, value in known.items()}
    return found if any(name in found for name in NAMES) else None


def new_version(
    digest: str, labels: Mapping[str, str], *, takes_images: bool = False
) -> PushedVersion:
    """Return the version that a pushed manifest is.

    Raises:
        ManifestInvalid: if its labels are not what Cog writes.
        VersionRefused: if no executor of this hub can run it.
    """
    refusal = refusal_of(labels)
    if refusal is not None and not takes_images:
        raise VersionRefused(refusal, hint="push it as a bundle, with `cog push`")
    cog_version = labels.get("version", "")
    if len(cog_version) > MAX_COG_VERSION_CHARACTERS:
        raise ManifestInvalid("The label `run.cog.version` is not a version")
    return PushedVersion(
        id=hex_of(digest),
        cog_version=cog_version,
        openapi_schema=_schema(labels),
        config=_json(labels, "config") if "config" in labels else {},
        is_bundle=is_bundle(labels),
    )


def is_bundle(labels: Mapping[str, str]) -> bool:
    """Tell a bundle from an image that holds Python and packages."""
    return labels.get("bundle") == "1"


def refusal_of(labels: Mapping[str, str]) -> str | None:
    """Return why a hub that runs bundles only cannot run an image; None if it is a bundle."""
    if is_bundle(labels):
        return None
    return "This hub runs bundles only, and this is a Docker image of a model"


def _schema(labels: Mapping[str, str]) -> dict[str, Any]:
    if "openapi_schema" not in labels:
        raise ManifestInvalid("The image has Cog's labels, but no `run.cog.openapi_schema`")
    schema = _json(labels, "openapi_schema")
    components = schema.get("components")
    if not isinstance(components, dict) or not isinstance(components.get("schemas"), dict):
        raise ManifestInvalid("The label `run.cog.openapi_schema` has no `components.schemas`")
    return schema


def _json(labels: Mapping[str, str], name: str) -> dict[str, Any]:
    return decoded(labels[name].encode(), dict[str, Any], f"label `run.cog.{name}`")
