"""One registry: requests with the right credentials, redirects, and its errors in words.

Source: OCI distribution specification 1.1, "Authentication" to "Error Codes".
"""

import json
import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

from coghub.build.registry_client.authentication import Authentication, challenge_of
from coghub.build.registry_client.reference import Host, is_loopback
from coghub.build.registry_client.retries import BUSY, Retries
from coghub.build.registry_client.transport import TIMEOUT_S, Answer, Body, Connections
from coghub.domain.errors import (
    RegistryBusy,
    RegistryError,
    RegistryRefused,
    RegistryUnreachable,
    RemoteNotFound,
)

MAX_ERROR_BYTES = 64 * 1024
MAX_REDIRECTS = 5
MAX_REASON_CHARACTERS = 500
NAME_UNKNOWN = "NAME_UNKNOWN"
"""Source: OCI distribution-spec 1.1, "Error codes"."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Call:
    """A request to a registry, with what it is for."""

    method: str
    url: str
    """Whole, or beginning at the root of the registry."""
    scope: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: Body | None = None
    timeout_s: float = TIMEOUT_S


class Registry:
    """A registry that has been found; safe to use from many threads."""

    def __init__(
        self, host: Host, origin: str, connections: Connections, authentication: Authentication
    ) -> None:
        self.host = host
        self.origin = origin
        """Such as "https://hub.example"."""
        self.connections = connections
        self.authentication = authentication
        self.stopped = threading.Event()
        self.retries = Retries(self._wait)

    def call(self, call: Call, *expected: int) -> Answer:
        """Send once and return the answer, whose status is one of the expected ones.

        Raises:
            RegistryError: if it is another.
        """
        answer = self._authorized(call)
        if answer.status in expected:
            return answer
        raise self._refusal(answer, call)

    def repeated(self, call: Call, *expected: int) -> Answer:
        """Do as `call`, and again while the failure is one that passes."""
        return self.retries.run(lambda: self.call(call, *expected))

    def resolved(self, location: str, base: str) -> str:
        """Return where a `Location` leads; our own host is spoken to as before.

        A registry behind a proxy that ends TLS often does not know that it is spoken to by https.
        """
        try:
            url = urlsplit(urljoin(f"{self.origin}/", urljoin(base, location)))
        except ValueError as error:
            raise RegistryError(f"{self.host} leads to what is no address: {location}") from error
        own = urlsplit(self.origin)
        if url.netloc == own.netloc:
            return urlunsplit(url._replace(scheme=own.scheme))
        if url.scheme == "http" and own.scheme == "https" and not is_loopback(url.hostname or ""):
            raise RegistryError(f"{self.host} leads to an address without TLS: {url.netloc}")
        return url.geturl()

    def stop(self) -> None:
        """End what other threads do here."""
        self.stopped.set()
        self.connections.close()

    def close(self) -> None:
        """Close all connections."""
        self.connections.close()

    def __enter__(self) -> "Registry":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _wait(self, seconds: float) -> None:
        if self.stopped.wait(seconds):
            raise RegistryUnreachable("The transfer was stopped", is_final=True)

    def _authorized(self, call: Call) -> Answer:
        """Send with credentials; once more if they had to be learned or renewed."""
        scope, used = call.scope, self.authentication.header(call.scope)
        answer = self._followed(call, used)
        if answer.status != 401:  # noqa: PLR2004 - the one status that asks for credentials
            return answer
        challenge = challenge_of(answer.headers.get_all("WWW-Authenticate") or [])
        if not self.authentication.learn(challenge, scope, used):
            return answer
        answer.close()
        return self._followed(call, self.authentication.header(scope))

    def _followed(self, call: Call, authorization: str | None) -> Answer:
        """Send, and follow redirects of what only reads; another host gets no credentials."""
        url = self.resolved(call.url, "/")
        for _ in range(MAX_REDIRECTS + 1):
            headers = dict(call.headers)
            if authorization and url.startswith(f"{self.origin}/"):
                headers["Authorization"] = authorization
            answer = self.connections.send(call.method, url, headers, call.body, call.timeout_s)
            location = answer.headers.get("Location")
            is_reading = call.method in ("GET", "HEAD")
            if answer.status not in REDIRECTS or not location or not is_reading:
                return answer
            answer.close()
            url = self.resolved(location, url)
        raise RegistryError(f"{self.host} redirects without end: {call.url}")

    def _refusal(self, answer: Answer, call: Call) -> RegistryError:
        """Return what a status and the specification's error body say, as an error."""
        code, text = _reason(answer.read(MAX_ERROR_BYTES))
        said = f": {text}" if text else ""
        path = urlsplit(call.url).path
        match answer.status:
            case 401:
                return RegistryRefused(self._unauthorized, self._login, reason=code)
            case 403:
                denied = f"denied: {self.host} does not allow this{said}"
                return RegistryRefused(denied, self._login, reason=code)
            case 404:
                is_model = code == NAME_UNKNOWN and text
                missing = (
                    f"{self.host} says: {text}"
                    if is_model
                    else f"{self.host} does not have {path}{said}"
                )
                hint = f"Log in as its owner: `cog login {self.host}`" if is_model else None
                return RemoteNotFound(missing, hint, reason=code)
            case status if status in BUSY:
                after_s = _seconds(answer.headers.get("Retry-After"))
                return RegistryBusy(f"{self.host} answered {status}{said}", retry_after_s=after_s)
            case status:
                refused = f"{self.host} answered {status} to {call.method} {path}{said}"
                return RegistryError(refused, reason=code)

    @property
    def _unauthorized(self) -> str:
        if self.authentication.credentials is None:
            return f"unauthorized: You are not logged in to {self.host}"
        return f"unauthorized: {self.host} does not accept the credentials that are stored for it"

    @property
    def _login(self) -> str:
        return f"Run `cog login {self.host}` and try again"


def printable(text: str) -> str:
    """Return what a registry said as a terminal can bear it."""
    return "".join(it if it.isprintable() else " " for it in text)[:MAX_REASON_CHARACTERS]


def _reason(content: bytes) -> tuple[str, str]:
    """Return the code and the text of the specification's error body."""
    try:
        first: dict[str, Any] = json.loads(content)["errors"][0]
        code, message = str(first.get("code") or ""), str(first.get("message") or "")
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return "", ""
    return printable(code), printable(message or code)


def _seconds(text: str | None) -> float | None:
    """Return the seconds of `Retry-After`; a date is as good as nothing."""
    try:
        return max(0.0, float(text or ""))
    except ValueError:
        return None
