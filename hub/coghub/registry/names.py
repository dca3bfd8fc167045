"""Names in the registry's paths: repositories, tags, digests.

Source: OCI distribution specification 1.1, "Pulling manifests".
"""

import re
from dataclasses import dataclass

from coghub.domain.digest import is_digest
from coghub.domain.distribution_errors import (
    DigestRefused,
    ManifestUnknown,
    RepositoryNameInvalid,
    RepositoryUnknown,
)

MAX_NAME_CHARACTERS = 255
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")


@dataclass(frozen=True, slots=True)
class Repository:
    """The images of one model."""

    owner: str
    model: str

    def __str__(self) -> str:
        return f"{self.owner}/{self.model}"


def repository_of(name: str) -> Repository:
    """Return the repository of a name; each is that of a model, so it has two parts.

    Raises:
        RepositoryNameInvalid: if it cannot be a name.
        RepositoryUnknown: if it could not be a model's.
    """
    if len(name) > MAX_NAME_CHARACTERS or _NAME.fullmatch(name) is None:
        raise RepositoryNameInvalid("Not a name for a repository; it is `OWNER/MODEL`")
    parts = name.split("/")
    if len(parts) != 2:  # noqa: PLR2004 - owner and model
        raise RepositoryUnknown(name)
    return Repository(*parts)


def checked_digest(text: str) -> str:
    """Return the text if it is a digest that is taken here.

    Raises:
        DigestRefused: if it is not.
    """
    if not is_digest(text):
        raise DigestRefused("Not a digest that is taken here; it is `sha256:` and 64 hex digits")
    return text


def checked_reference(text: str) -> str:
    """Return the text if it is a tag or a digest.

    Raises:
        DigestRefused: if it is meant as a digest and none that is taken here.
        ManifestUnknown: if it can be neither.
    """
    if ":" in text:
        return checked_digest(text)
    if _TAG.fullmatch(text) is None:
        raise ManifestUnknown(text[:MAX_NAME_CHARACTERS])
    return text
