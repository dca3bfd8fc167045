"""Images of models as the engine knows them: looked up, fetched, and what their labels say."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coghub.build.docker.client import Docker
from coghub.domain.errors import DockerError, ImageInvalid, ImageNotFound

PREFIXES = ("run.cog.", "org.cogmodel.")
"""The older one is read where the newer is not there."""
NO_MODEL = "is not a Cog model"
_MISSING = ("No such image", "No such object", "not found: manifest unknown", "pull access denied")


@dataclass(frozen=True, slots=True)
class Image:
    """An image that is on this machine."""

    id: str
    """Digest of its config, such as "sha256:664e…"."""
    name: str
    """What it was asked for by."""
    labels: Mapping[str, str]
    environment: Mapping[str, str]
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    size_bytes: int
    names: tuple[str, ...] = ()
    """All that lead to it, with their tags."""

    @property
    def short_id(self) -> str:
        """As the engine shows it."""
        return self.id.removeprefix("sha256:")[:12]

    def label(self, name: str) -> str | None:
        """Return one of Cog's labels, such as `config`; "" counts as absent."""
        return next((self.labels[p + name] for p in PREFIXES if self.labels.get(p + name)), None)

    def config(self) -> dict[str, Any]:
        """Return the effective cog.yaml that the image was built from.

        Raises:
            ImageInvalid: if it has none: it is not an image of a model.
        """
        text = self.label("config")
        if text is None:
            raise ImageInvalid(
                f"Image {self.name} does not appear to be a Cog model: image {NO_MODEL}",
                hint="It has no label `run.cog.config`; build it with `cog build`",
            )
        return _object(self, "config", text)

    def document(self) -> dict[str, Any] | None:
        """Return the OpenAPI document of the labels; None where only the model itself knows it.

        Raises:
            ImageInvalid: if the label is not JSON.
        """
        text = self.label("openapi_schema")
        return _object(self, "openapi_schema", text) if text is not None else None

    @property
    def has_init(self) -> bool:
        """Whether its entrypoint reaps processes."""
        return self.label("has_init") == "true" or any("tini" in part for part in self.entrypoint)

    @property
    def is_ours(self) -> bool:
        """Whether the server inside is this project's."""
        return "run.coghub.version" in self.labels


def find_image(docker: Docker, name: str) -> Image | None:
    """Return an image of this machine by name, id or digest; None if it is not here.

    Raises:
        DockerError: if the engine does not say.
    """
    try:
        found = json.loads(docker.ask(["image", "inspect", name]))[0]
    except DockerError as error:
        if any(sign in error.message for sign in _MISSING):
            return None
        raise
    return _image(name, found)


def pull_image(docker: Docker, name: str) -> Image:
    """Fetch an image and return it.

    Raises:
        ImageNotFound: if no registry has it, or shows it to this user.
        DockerError: if the engine cannot fetch it.
    """
    try:
        docker.ask(["pull", "--quiet", "--platform", "linux/amd64", name])
    except DockerError as error:
        if type(error) is not DockerError:
            raise
        raise ImageNotFound(
            f"No image named `{name}` on this machine, and it cannot be fetched: {error.message}",
            hint=f"Build it with `cog build -t {name}`",
        ) from error
    image = find_image(docker, name)
    if image is None:
        raise ImageNotFound(f"No image named `{name}` on this machine")
    return image


def _image(name: str, found: Mapping[str, Any]) -> Image:
    config = found.get("Config") or {}
    pairs = (text.partition("=") for text in config.get("Env") or ())
    return Image(
        id=str(found["Id"]),
        name=name,
        labels=config.get("Labels") or {},
        environment={variable: value for variable, _, value in pairs},
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        size_bytes=int(found.get("Size") or 0),
        names=tuple(found.get("RepoTags") or ()),
    )


def _object(image: Image, label: str, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ImageInvalid(f"Image {image.name} has a label `{label}` that is no JSON object")
    return value
