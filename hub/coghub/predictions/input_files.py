"""The hub's own files in inputs: an instance is given URLs that need no token."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from coghub.domain.prediction import FILE_SCHEME

UPLOADED = re.compile(r"(?:/v1)*/files/([a-z0-9]{26})")
"""The path of an uploaded file's `urls.get`; official clients put it into inputs."""
MADE = re.compile(r"/files/([\w-]{43})/([^/?#]+)")
"""The path of a file that went into or came out of a prediction."""


@dataclass(frozen=True, slots=True)
class Reachable:
    """How one instance reaches the hub's files, for one prediction."""

    hosts: Collection[str]
    """Under which `host:port` clients know the hub."""
    callback_url: str
    """The instance's own part of the callback listener."""
    prediction_id: str

    def input_of(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return an input in which every URL of a file that the hub holds can be fetched."""
        return {name: self._value(value) for name, value in given.items()}

    def _value(self, value: Any) -> Any:
        match value:
            case str():
                return self._url(value)
            case list():
                return [self._value(item) for item in value]
            case dict():
                return {name: self._value(item) for name, item in value.items()}
            case _:
                return value

    def _url(self, text: str) -> str:
        path = self._path(text)
        if path is None:
            return text
        if found := UPLOADED.fullmatch(path):
            return f"{self.callback_url}/predictions/{self.prediction_id}/files/{found[1]}"
        if found := MADE.fullmatch(path):
            return f"{self.callback_url}/files/{found[1]}/{found[2]}"
        return text

    def _path(self, text: str) -> str | None:
        """Return the path of a URL that leads to this hub."""
        if text.startswith(FILE_SCHEME):
            return text.removeprefix(FILE_SCHEME)
        if not text.startswith(("http://", "https://")):
            return None
        try:
            parts = urlsplit(text)
        except ValueError:
            return None
        return parts.path if parts.netloc in self.hosts else None
