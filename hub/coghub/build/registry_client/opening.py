"""Finding a registry: how its host wants to be spoken to, and whether it is a hub of ours.

A host without a scheme is tried by https. Only on this machine, where nobody listens between, is
http tried after that; elsewhere who wants http has to say so.
"""

import json
import socket
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from coghub.build.registry_client.authentication import Authentication, challenge_of
from coghub.build.registry_client.credentials import CredentialStore
from coghub.build.registry_client.reference import Host
from coghub.build.registry_client.registry import Registry, printable
from coghub.build.registry_client.retries import BUSY, Retries
from coghub.build.registry_client.transport import Answer, Connections
from coghub.domain.errors import RegistryBusy, RegistryError, RegistryUnreachable
from coghub.settings import Settings

PROBE_TIMEOUT_S = 15.0
MAX_ANSWER_BYTES = 64 * 1024
HUB_PATH = "/cog/v1/hub"
ENDPOINTS = {"docker.io": "registry-1.docker.io", "index.docker.io": "registry-1.docker.io"}
"""Names that people use for what answers elsewhere."""


@dataclass(frozen=True, slots=True)
class Hub:
    """What a hub of ours says of itself."""

    version: str
    url: str
    """Where its pages are, without a slash at the end."""


def open_registry(host: Host, settings: Settings, *, is_anonymous: bool = False) -> Registry:
    """Return the registry at a host, after one request without credentials.

    Args:
        host: which one.
        settings: where stored credentials are.
        is_anonymous: whether to leave the stored ones alone.

    Raises:
        RegistryUnreachable: if nobody answers.
        RegistryError: if who answers is no registry.
        CredentialsUnusable: if stored credentials cannot be read.
    """
    connections = Connections(settings.environ)
    known = None if is_anonymous else CredentialStore(settings).find(host.address)
    try:
        origin, answer = _reached(host, connections)
        authentication = Authentication(origin, known, connections)
        authentication.challenge = challenge_of(answer.headers.get_all("WWW-Authenticate") or [])
    except BaseException:
        connections.close()
        raise
    return Registry(host, origin, connections, authentication)


def hub_at(registry: Registry) -> Hub | None:
    """Return what the hub says of itself; None if the registry is none of ours."""
    answer = asked(registry, HUB_PATH)
    if answer is None or answer.get("hub") != "coghub":
        return None
    url = printable(str(answer.get("url") or registry.origin))
    return Hub(str(answer.get("version") or ""), url.rstrip("/"))


def asked(registry: Registry, path: str) -> dict[str, Any] | None:
    """Return the JSON object at a path outside the registry's API; None if there is none."""
    url = f"{registry.origin}{path}"

    def attempt() -> dict[str, Any] | None:
        answer = registry.connections.send("GET", url, {"Accept": "application/json"})
        content = answer.read(MAX_ANSWER_BYTES)
        if answer.status in BUSY:
            raise RegistryBusy(f"{registry.host} answered {answer.status}")
        return _object(content) if answer.status == 200 else None  # noqa: PLR2004 - OK

    return registry.retries.run(attempt)


def _reached(host: Host, connections: Connections) -> tuple[str, Answer]:
    address = ENDPOINTS.get(host.address, host.address)
    schemes = [host.scheme] if host.scheme else ["https", "http"] if host.is_loopback else ["https"]
    first: RegistryUnreachable | None = None
    for scheme in schemes:
        origin = f"{scheme}://{address}"
        try:
            return origin, _ping(origin, connections)
        except RegistryUnreachable as error:
            first = first or error
    assert first is not None
    is_known = not isinstance(first.__cause__, socket.gaierror)  # a mistyped name gets no advice
    if is_known and not host.scheme and not host.is_loopback and first.hint is None:
        first.hint = f"If it has no TLS and you trust the network, say so: http://{host.address}"
    raise first


def _ping(origin: str, connections: Connections) -> Answer:
    def attempt() -> Answer:
        try:
            answer = connections.send("GET", f"{origin}/v2/", {}, timeout_s=PROBE_TIMEOUT_S)
            answer.read(MAX_ANSWER_BYTES)
        except RegistryUnreachable as error:
            error.is_final = True  # nothing is lost yet, and who mistyped a host waits for this
            raise
        if answer.status in BUSY:
            raise RegistryBusy(f"{urlsplit(origin).netloc} answered {answer.status}")
        return answer

    answer = Retries(time.sleep).run(attempt)
    if answer.status not in (200, 401, 403):
        raise RegistryError(f"Not a registry: {origin}/v2/ answers {answer.status}")
    return answer


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(content)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
