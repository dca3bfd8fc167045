"""Checks of single fields that more than one kind of request has."""

from urllib.parse import urlsplit

from coghub.domain.errors import InputRejected, InvalidField
from coghub.parts import Hub

MAX_URL_CHARACTERS = 8192


def is_web_url(value: str) -> bool:
    """Tell whether a text is an http or https URL with a host, fit for a link."""
    try:
        parts = urlsplit(value)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    fits = len(value) <= MAX_URL_CHARACTERS and value.isprintable() and " " not in value
    return fits and parts.scheme in {"http", "https"} and has_host


def require_url(value: str | None, field: str) -> None:
    """Do nothing if the value is none, or a URL.

    Raises:
        InputRejected: naming the field.
    """
    if value and not is_web_url(value):
        description = "Does not match format 'uri'"
        raise InputRejected([InvalidField("format", field, description)])


def require_sku(sku: str, hub: Hub) -> None:
    """Do nothing if the hub offers such hardware.

    Raises:
        InputRejected: naming what it offers.
    """
    offered = [hardware.sku for hardware in hub.hardware]
    if sku not in offered:
        description = f"hardware must be one of the following: {', '.join(offered)}"
        raise InputRejected([InvalidField("enum", "hardware", description)])
