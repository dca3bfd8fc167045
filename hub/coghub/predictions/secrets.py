"""Secret inputs: taken out before rows are written, put back when an instance is given the input.

The version's schema says what is secret, at any depth. A row holds the input with `[REDACTED]` in
their places, and beside it, sealed, where each stood and what it was.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from coghub.database.encryption import Box
from coghub.domain.prediction import REDACTED
from coghub.predictions.places import Path, places, with_values


def without_secrets(
    schema: Mapping[str, Any], inputs: Mapping[str, Any], box: Box
) -> tuple[dict[str, Any], bytes | None]:
    """Return the input as it may be shown, and its secrets sealed; None if it has none.

    Args:
        schema: the version's OpenAPI document. It came from outside: nothing in it is relied on.
        inputs: what the client gave.
        box: seals the secrets.
    """
    found = places(schema, inputs, _is_secret)
    if not found:
        return dict(inputs), None
    shown = with_values(inputs, dict.fromkeys(found, REDACTED))
    return shown, box.seal(msgspec.json.encode(list(found.items())))


def with_secrets(inputs: Mapping[str, Any], sealed: bytes | None, box: Box) -> dict[str, Any]:
    """Return the input as it was given.

    Raises:
        KeyFileInvalid: if it was sealed with another key.
    """
    if sealed is None:
        return dict(inputs)
    return with_values(inputs, dict(_opened(sealed, box)))


def values_of(sealed: bytes | None, box: Box) -> list[str]:
    """Return every text among the secrets: what logs must not show.

    Raises:
        KeyFileInvalid: if they were sealed with another key.
    """
    if sealed is None:
        return []
    return [text for _, value in _opened(sealed, box) for text in _texts(value)]


def _opened(sealed: bytes, box: Box) -> list[tuple[Path, Any]]:
    return msgspec.json.decode(box.open(sealed), type=list[tuple[Path, Any]])


def _is_secret(schema: Mapping[str, Any]) -> bool:
    return schema.get("x-cog-secret") is True or schema.get("format") == "password"


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _texts(item)
        case Mapping():
            for item in value.values():
                yield from _texts(item)
        case bool() | None:
            pass
        case _:
            yield str(value)
