"""Files: what clients upload for their inputs, and what predictions take and make."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

MAX_NAME_BYTES = 255
DEFAULT_NAME = "file"
DEFAULT_TYPE = "application/octet-stream"
CONTENT_TYPE = re.compile(
    r"[\w!#$&^.+-]{1,100}/[\w!#$&^.+-]{1,100}(?:\s*;[\x20-\x7e]{0,200})?", re.ASCII
)
"""Source: RFC 6838, section 4.2; whatever else is called a type is not handed on."""


@dataclass(frozen=True, slots=True)
class File:
    """A file that a client uploaded."""

    id: str
    account_id: int
    name: str
    content_type: str
    size_bytes: int
    md5: str
    sha256: str
    metadata: Mapping[str, Any]
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class PredictionFile:
    """A file that went into or came out of a prediction."""

    key: str
    """The part of its URL that nobody can guess."""
    name: str
    content_type: str
    size_bytes: int
    etag: str
    created_at: datetime


def file_name(text: str) -> str:
    """Return the last part of a path, without what is no part of a name."""
    last = text.replace("\\", "/").rpartition("/")[2]
    shown = "".join(character if character.isprintable() else "_" for character in last)
    return DEFAULT_NAME if shown in {"", ".", ".."} else shown


def content_type(text: str) -> str:
    """Return a content type that may stand in a header: what was said, if it is one."""
    return text if CONTENT_TYPE.fullmatch(text) else DEFAULT_TYPE
