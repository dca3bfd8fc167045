"""Credentials where Docker keeps them, so that `docker login` and `cog login` are one.

Source: Docker's `config.json` (`auths`, `credsStore`, `credHelpers`) and the protocol of its
credential helpers: `get`, `store` and `erase`, JSON on stdin and stdout.
"""

import base64
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkstemp
from typing import Any

from coghub.build.files import explained
from coghub.build.registry_client import credential_helper
from coghub.domain.errors import CredentialsUnusable
from coghub.settings import Settings

REFRESHING = "<token>"
"""The user name that says that the secret is a refresh token, as Docker's helpers do."""
DOCKER_HUB = {"docker.io", "index.docker.io", "registry-1.docker.io"}
DOCKER_HUB_KEY = "https://index.docker.io/v1/"
"""Under which Docker keeps its own hub, for historical reasons."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who we are to a registry."""

    name: str
    secret: str = field(repr=False)
    """A password or a token."""


class CredentialStore:
    """Docker's configuration file, and the helpers that it names."""

    def __init__(self, settings: Settings) -> None:
        self.path = (settings.docker_folder or settings.home / ".docker") / "config.json"
        self.environ = settings.environ

    def find(self, address: str) -> Credentials | None:
        """Return what is known for a host such as "hub.example:5000".

        Raises:
            CredentialsUnusable: if the file is damaged, or a helper fails.
        """
        config = self._read()
        for helper in _helpers(config, address):
            for key in _keys(address):
                if found := self._helped(helper, key):
                    return found
        auths = _object(config.get("auths"))
        entries = (_object(auths[key]) for key in _keys(address) if key in auths)
        return next((found for entry in entries if (found := _decoded(entry))), None)

    def write(self, address: str, credentials: Credentials) -> None:
        """Keep the credentials for a host, where the file says that they are kept.

        Raises:
            CredentialsUnusable: if the file is damaged, or a helper fails.
        """
        config = self._read()
        key = DOCKER_HUB_KEY if address in DOCKER_HUB else address
        helper = next(_helpers(config, address), None)
        entry: dict[str, str] = {}
        if helper:
            pair = {"Username": credentials.name, "Secret": credentials.secret}
            said = json.dumps({"ServerURL": key, **pair})
            credential_helper.run(helper, "store", said, self.environ)
        else:
            both = f"{credentials.name}:{credentials.secret}".encode()
            entry = {"auth": base64.b64encode(both).decode()}
        self._write({**config, "auths": {**_object(config.get("auths")), key: entry}})

    def _read(self) -> dict[str, Any]:
        try:
            config = json.loads(self.path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise CredentialsUnusable(f"Could not read {self.path}: {error}") from error
        if not isinstance(config, dict):
            raise CredentialsUnusable(f"Not Docker's configuration: {self.path}")
        return config

    def _write(self, config: dict[str, Any]) -> None:
        """Replace the file, which only its owner may read; a link to it stays one."""
        target = self.path.resolve()
        with explained(target):
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fd, temporary = mkstemp(prefix=".config.json.", dir=target.parent)
            try:
                with os.fdopen(fd, "w", encoding="utf-8") as file:
                    json.dump(config, file, indent="\t")
                Path(temporary).replace(target)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise

    def _helped(self, helper: str, key: str) -> Credentials | None:
        answer = credential_helper.run(helper, "get", key, self.environ)
        if answer is None:
            return None
        try:
            found = json.loads(answer)
            return Credentials(str(found["Username"]), str(found["Secret"]))
        except (ValueError, KeyError, TypeError) as error:
            raise CredentialsUnusable(f"docker-credential-{helper} answered no JSON") from error


def _helpers(config: dict[str, Any], address: str) -> Iterator[str]:
    """Yield the helper of a host: its own, else the one of all hosts."""
    own = _object(config.get("credHelpers"))
    for key in _keys(address):
        if isinstance(own.get(key), str):
            yield own[key]
            return
    everyones = config.get("credsStore")
    if isinstance(everyones, str) and everyones:
        yield everyones


def _keys(address: str) -> list[str]:
    """Return the names that a host may have in the file; tools differ."""
    if address in DOCKER_HUB:
        return [DOCKER_HUB_KEY, "docker.io"]
    return [address, *(f"{scheme}://{address}" for scheme in ("https", "http"))]


def _decoded(entry: dict[str, Any]) -> Credentials | None:
    token = entry.get("identitytoken")
    if isinstance(token, str) and token:
        return Credentials(REFRESHING, token)
    try:
        pair = base64.b64decode(entry.get("auth") or "", validate=True).decode()
    except (ValueError, TypeError):
        return None
    name, separator, secret = pair.partition(":")
    return Credentials(name, secret.strip("\0")) if separator else None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
