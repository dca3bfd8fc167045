"""What a setting may say: each function returns the value, or raises what it should have been.

A value is a text (from a flag or the environment) or what a TOML file can say.
"""

import re
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from coghub.domain.hardware import Limit

MAX_SECONDS = 100 * 365 * 24 * 3600.0
"""A hundred years: later moments cannot be computed with."""
MAX_DIGITS = 18
"""As many as fit the database's integers."""
DIGITS = re.compile(r"[0-9]+")
WORDS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
MAX_CPUS = 10_000
BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._/-]{1,500})?")
LEVELS = ("debug", "info", "warning", "error")


def whole(least: int, most: int | None = None) -> Callable[[Any], int]:
    """Return the reader of a whole number."""
    span = f"from {least} to {most}" if most is not None else f"of {least} or more"

    def read(value: Any) -> int:
        written = "" if isinstance(value, bool) else str(value)
        if DIGITS.fullmatch(written) is None or len(written) > MAX_DIGITS:
            raise ValueError(f"a whole number {span}")
        number = int(written)
        if number < least or (most is not None and number > most):
            raise ValueError(f"a whole number {span}")
        return number

    return read


def seconds(value: Any) -> float:
    try:
        number = -1.0 if isinstance(value, bool) else float(value)
    except (ValueError, TypeError, OverflowError):
        number = -1.0
    if not 0 < number <= MAX_SECONDS:
        raise ValueError("a number of seconds above 0, and of at most 100 years")
    return number


def yes_or_no(value: Any) -> bool:
    if str(value).lower() not in WORDS:
        raise ValueError("true or false")
    return WORDS[str(value).lower()]


def text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError("a text")
    return value.strip()


def path(value: Any) -> Path:
    if not isinstance(value, (str, Path)) or not str(value) or "\0" in str(value):
        raise ValueError("a path")
    try:
        return Path(value).expanduser().absolute()
    except RuntimeError:
        raise ValueError("a path: there is no such user") from None


def url(value: Any) -> str:
    try:
        written = text(value)
        parts = urlsplit(written)
        is_usable = bool(parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0)
    except ValueError:
        raise ValueError("an http or https URL") from None
    if (
        not is_usable
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
        or not _is_plain(written)
    ):
        raise ValueError("an http or https URL, without user, query and fragment")
    return written.rstrip("/")


def _is_plain(written: str) -> bool:
    """Tell whether a text may stand in a header as it is."""
    return written.isascii() and written.isprintable() and " " not in written


def networks(value: Any) -> tuple[str, ...]:
    words = value.replace(",", " ").split() if isinstance(value, str) else value
    try:
        if not isinstance(words, (list, tuple)) or not all(isinstance(it, str) for it in words):
            raise ValueError  # noqa: TRY301 - ip_network's own is meant with it
        return tuple(str(ip_network(word, strict=False)) for word in words)
    except ValueError:
        raise ValueError("a list of addresses or networks, such as 10.0.0.0/8") from None


def storage(value: Any) -> str:
    """Return the address of a bucket and of a place in it, or a folder's path."""
    text = value.rstrip("/") if isinstance(value, str) else ""
    if text.startswith("/") and "\0" not in text:
        return str(Path(text))
    if BUCKET.fullmatch(text) is None or {"", ".", ".."} & set(text.split("/")[3:]):
        raise ValueError("an address such as s3://bucket/prefix, or the path of a folder from /")
    return text


def one_of(*words: str) -> Callable[[Any], str]:
    """Return the reader of one of some words."""

    def read(value: Any) -> str:
        if str(value).lower() not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return str(value).lower()

    return read


def limits(value: Any) -> dict[str, Limit]:
    """Return limits by hardware, written as `cpu:cpus=2,memory=8GiB gpu-h100:memory=64GiB`."""
    words = value.split() if isinstance(value, str) else value
    try:
        return dict(_limit(str(word)) for word in words)
    except (ValueError, TypeError):
        raise ValueError("limits, such as cpu:cpus=2,memory=8GiB") from None


def _limit(text: str) -> tuple[str, Limit]:
    sku, _, said = text.partition(":")
    given = dict(part.split("=", 1) for part in said.split(","))
    cpus, memory = given.pop("cpus", None), given.pop("memory", None)
    if not sku or given:
        raise ValueError(text)
    number = None if cpus is None else float(cpus)
    if number is not None and not 0 < number < MAX_CPUS:
        raise ValueError(text)
    return sku, Limit(number, None if memory is None else _bytes(memory))


def _bytes(text: str) -> int:
    found = re.fullmatch(r"(\d{1,9})([KMGT]i?B?)", text)
    if found is None or int(found[1]) == 0:
        raise ValueError(text)
    return int(found[1]) * 1024 ** (1 + "KMGT".index(found[2][0]))


def level(value: Any) -> str:
    if str(value).lower() not in LEVELS:
        raise ValueError(f"one of {', '.join(LEVELS)}")
    return str(value).lower()


def database(value: Any) -> str:
    scheme = str(value).partition("://")[0]
    if not isinstance(value, str) or scheme not in {"postgresql", "postgres"} or "\0" in value:
        raise ValueError("an address like `postgresql://user@host/name`")
    return value.strip()
