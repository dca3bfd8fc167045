"""pip's own settings, which uv does not read: people have an index or a certificate there.

Source: pip's documentation, "Configuration": general files, then particular ones, then `PIP_*`.
"""

import configparser
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from coghub.build.index import NO_INDEX_SETTINGS, IndexSettings
from coghub.build.requirement_lines import logical_lines

SECTIONS = ("global", "install")
"""The later one wins."""


@dataclass(frozen=True, slots=True)
class PipSettings:
    """What of pip's settings has a meaning for uv."""

    index: IndexSettings = NO_INDEX_SETTINGS
    certificate: str | None = None
    client_certificate: str | None = None
    proxy: str | None = None
    timeout_s: str | None = None
    keyring: str | None = None
    constraints: tuple[str, ...] = ()
    """Lines of the files that `constraint` names."""


def read_pip_settings(environ: Mapping[str, str], home: Path) -> PipSettings:
    """Return the settings that pip would use here."""
    values: dict[str, str] = {}
    for path in _files(environ, home):
        values.update(_read_file(path))
    for name, value in environ.items():
        if name.startswith("PIP_"):
            values[name.removeprefix("PIP_").lower().replace("_", "-")] = value
    return _settings(values)


def uv_environ(
    index: IndexSettings, pip: PipSettings, environ: Mapping[str, str]
) -> dict[str, str]:
    """Return the variables that tell uv the same; a URL may hold a password, so no arguments.

    What is set for uv by name stays as it is, but an index of the project wins.
    """
    theirs = IndexSettings(
        index_url=environ.get("UV_DEFAULT_INDEX") or environ.get("UV_INDEX_URL"),
        extra_index_urls=_words(environ, "UV_INDEX") + _words(environ, "UV_EXTRA_INDEX_URL"),
        find_links=tuple(environ.get("UV_FIND_LINKS", "").replace(",", " ").split()),
        trusted_hosts=_words(environ, "UV_INSECURE_HOST"),
    )
    both = index.over(theirs.over(pip.index))
    wanted = {
        "UV_DEFAULT_INDEX": both.index_url,
        "UV_INDEX": " ".join(both.extra_index_urls),
        "UV_FIND_LINKS": ",".join(both.find_links),
        "UV_INSECURE_HOST": " ".join(both.trusted_hosts),
        "UV_INDEX_STRATEGY": environ.get("UV_INDEX_STRATEGY") or "unsafe-best-match",
        "UV_PRERELEASE": "allow" if both.pre else None,
        "SSL_CERT_FILE": environ.get("SSL_CERT_FILE") or pip.certificate,
        "SSL_CLIENT_CERT": environ.get("SSL_CLIENT_CERT") or pip.client_certificate,
        "HTTPS_PROXY": environ.get("HTTPS_PROXY") or pip.proxy,
        "HTTP_PROXY": environ.get("HTTP_PROXY") or pip.proxy,
        "UV_HTTP_TIMEOUT": environ.get("UV_HTTP_TIMEOUT") or pip.timeout_s,
        "UV_KEYRING_PROVIDER": environ.get("UV_KEYRING_PROVIDER") or pip.keyring,
    }
    return {name: value for name, value in wanted.items() if value}


def index_arguments(index: IndexSettings) -> list[str]:
    """Return what only arguments can tell uv."""
    arguments = ["--no-index"] if index.no_index else []
    for name in index.no_binary:
        arguments += ["--no-binary", name]
    for name in index.only_binary:
        arguments += ["--only-binary", name]
    return arguments


def _words(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(environ.get(name, "").split())


def _files(environ: Mapping[str, str], home: Path) -> list[Path]:
    """Return pip's files in its order; `PIP_CONFIG_FILE` stands in for the user's own."""
    named = environ.get("PIP_CONFIG_FILE", "")
    if named == os.devnull:
        return []
    files = [Path("/etc/xdg/pip/pip.conf"), Path("/etc/pip.conf")]
    own = Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip/pip.conf"
    if sys.platform == "darwin":
        files = [Path("/Library/Application Support/pip/pip.conf")]
        library = home / "Library/Application Support/pip"
        own = library / "pip.conf" if library.is_dir() else own
    users = [] if named and Path(named).exists() else [home / ".pip/pip.conf", own]
    return [*files, *users, Path(sys.prefix) / "pip.conf", *([Path(named)] if named else [])]


def _read_file(path: Path) -> dict[str, str]:
    """Return the options of one file; one that is missing or broken says nothing."""
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text("utf-8"))
    except (OSError, ValueError, configparser.Error):
        return {}
    values: dict[str, str] = {}
    for section in SECTIONS:
        if parser.has_section(section):
            values.update({key.replace("_", "-"): value for key, value in parser.items(section)})
    return values


def _settings(values: Mapping[str, str]) -> PipSettings:
    index = IndexSettings(
        index_url=values.get("index-url") or None,
        extra_index_urls=tuple(values.get("extra-index-url", "").split()),
        find_links=tuple(values.get("find-links", "").split()),
        no_index=_is_true(values.get("no-index")),
        trusted_hosts=tuple(values.get("trusted-host", "").split()),
        pre=_is_true(values.get("pre")),
        no_binary=_names(values.get("no-binary")),
        only_binary=_names(values.get("only-binary")),
    )
    return PipSettings(
        index=index,
        certificate=values.get("cert") or None,
        client_certificate=values.get("client-cert") or None,
        proxy=values.get("proxy") or None,
        timeout_s=values.get("timeout") or values.get("default-timeout") or None,
        keyring="subprocess" if values.get("keyring-provider") == "subprocess" else None,
        constraints=_lines(values.get("constraint", "").split()),
    )


def _lines(names: list[str]) -> tuple[str, ...]:
    """Return the lines of files; one on the web is left to uv."""
    lines: list[str] = []
    for name in names:
        if "://" in name:
            lines.append(f"-c {name}")
            continue
        with suppress(OSError, ValueError):
            lines += logical_lines(Path(name).read_text("utf-8"))
    return tuple(lines)


def _is_true(value: str | None) -> bool:
    return (value or "").strip().lower() in {"1", "true", "yes", "on", "t", "y"}


def _names(value: str | None) -> tuple[str, ...]:
    return tuple(name for name in (value or "").replace(",", " ").split() if name)
