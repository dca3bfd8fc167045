"""Which registries were logged in to from here: the last one, and how each is spoken to."""

import json
from dataclasses import replace
from typing import Any

from coghub.build.files import write_atomically
from coghub.build.registry_client.reference import Host, parse_host
from coghub.domain.errors import NameInvalid
from coghub.settings import Settings


class Logins:
    """A small file in the data folder; it holds no secret."""

    def __init__(self, settings: Settings) -> None:
        self.path = settings.data_folder / "registries.json"

    @property
    def last(self) -> Host | None:
        """The host of the last login."""
        try:
            return self.completed(parse_host(str(self._read()["last_login"])))
        except (KeyError, NameInvalid):
            return None

    def completed(self, host: Host) -> Host:
        """Return the host with the scheme that its login used, unless it says one itself."""
        scheme = self._schemes().get(host.address)
        return replace(host, scheme=scheme) if scheme and not host.scheme else host

    def note(self, host: Host) -> None:
        """Remember a login; a scheme is remembered only where the user said it."""
        schemes = self._schemes()
        schemes.pop(host.address, None)
        if host.scheme:
            schemes[host.address] = host.scheme
        known = {**self._read(), "last_login": host.address, "schemes": schemes}
        write_atomically(self.path, json.dumps(known, indent=1))

    def _schemes(self) -> dict[str, str]:
        schemes = self._read().get("schemes")
        known = schemes if isinstance(schemes, dict) else {}
        return {key: value for key, value in known.items() if value in ("http", "https")}

    def _read(self) -> dict[str, Any]:
        try:
            known = json.loads(self.path.read_bytes())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}
