"""How a registry wants to be convinced: `Basic`, or `Bearer` tokens that are renewed.

Source: RFC 7235 for challenges, the distribution project's "Token Authentication Specification".
"""

import base64
import json
import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from coghub.build.registry_client.credentials import REFRESHING, Credentials
from coghub.build.registry_client.reference import is_loopback
from coghub.build.registry_client.transport import Answer, Connections, body_of
from coghub.domain.errors import RegistryBusy, RegistryError, RegistryRefused

MAX_TOKEN_BYTES = 1024**2
DEFAULT_LIFE_S = 60.0
"""Of a token whose server does not say."""
MARGIN_S = 10.0
"""A token is renewed this long before it ends: a request takes a while to arrive."""
_WORD = r"([a-z_]+)=(?:\"([^\"]*)\"|([^\s,\"]+))"
_PARAMETER = re.compile(_WORD, re.IGNORECASE)
_CHALLENGE = re.compile(rf"(?:^|,)\s*(Basic|Bearer)\b((?:\s*,?\s*{_WORD})*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way that a registry offers."""

    kind: str
    """`basic` or `bearer`."""
    realm: str = ""
    service: str = ""
    scope: str = ""


@dataclass(frozen=True, slots=True)
class _Token:
    header: str
    ends_at_s: float


def challenge_of(headers: Iterable[str]) -> Challenge | None:
    """Return what the values of `WWW-Authenticate` ask for; Bearer before Basic."""
    found: dict[str, Challenge] = {}
    for value in headers:
        for kind, rest, *_ in _CHALLENGE.findall(value):
            said = {key.lower(): quoted or bare for key, quoted, bare in _PARAMETER.findall(rest)}
            known = {key: said[key] for key in ("realm", "service", "scope") if key in said}
            found.setdefault(kind.lower(), Challenge(kind.lower(), **known))
    return found.get("bearer") or found.get("basic")


class Authentication:
    """Makes the `Authorization` header of one registry; safe to use from many threads."""

    def __init__(
        self,
        origin: str,
        credentials: Credentials | None,
        connections: Connections,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.origin = origin
        self.credentials = credentials
        self.connections = connections
        self.now = now
        self.name = origin.removeprefix("https://")
        """What `cog login` takes: who wants http has to say so."""
        self.challenge: Challenge | None = None
        self._tokens: dict[str, _Token] = {}
        self._lock = threading.Lock()

    def header(self, scope: str) -> str | None:
        """Return the header for a scope such as "repository:alice/hello:pull,push".

        Raises:
            RegistryRefused: if the credentials are wrong.
            RegistryError: if the server of tokens cannot be used.
        """
        match self.challenge:
            case None:
                return None
            case Challenge(kind="basic"):
                return _basic(self.credentials) if self.credentials else None
            case challenge:
                return self._bearer(challenge, scope)

    def learn(self, challenge: Challenge | None, scope: str, used: str | None) -> bool:
        """Take in what a 401 asked for, and tell whether another try makes sense.

        Args:
            challenge: what the registry offers now.
            scope: of the request that was refused.
            used: the header that was refused; another thread may have renewed it since.
        """
        if challenge is None:
            return False
        is_new = self.challenge is None or challenge.kind != self.challenge.kind
        self.challenge = challenge
        with self._lock:
            token = self._tokens.get(scope)
            if token is not None and token.header == used:
                del self._tokens[scope]
        return is_new or challenge.kind == "bearer"

    def _bearer(self, challenge: Challenge, scope: str) -> str:
        with self._lock:  # one thread asks, the others wait for its answer
            token = self._tokens.get(scope)
            if token is None or token.ends_at_s - MARGIN_S <= self.now():
                token = self._tokens[scope] = self._asked(challenge, scope)
            return token.header

    def _asked(self, challenge: Challenge, scope: str) -> _Token:
        self._check_realm(challenge.realm)
        wanted = [("service", challenge.service)] if challenge.service else []
        wanted += [("scope", one) for one in scope.split()]
        with self._token_answer(challenge.realm, wanted) as answer:
            content = answer.read(MAX_TOKEN_BYTES)
        host = self.name
        if answer.status in (400, 401, 403):
            raise RegistryRefused(
                f"unauthorized: {host} does not accept the credentials that are stored for it"
                if self.credentials
                else f"unauthorized: You are not logged in to {host}",
                hint=f"Run `cog login {host}` and try again",
            )
        if answer.status != HTTPStatus.OK:
            raise RegistryBusy(f"The server of tokens of {host} answered {answer.status}")
        return self._read(content)

    def _token_answer(self, realm: str, wanted: list[tuple[str, str]]) -> Answer:
        credentials = self.credentials
        if credentials is not None and credentials.name == REFRESHING:
            form = [("grant_type", "refresh_token"), ("client_id", "coghub"), *wanted]
            body = body_of(urlencode([*form, ("refresh_token", credentials.secret)]).encode())
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            return self.connections.send("POST", realm, headers, body)
        headers = {"Authorization": _basic(credentials)} if credentials else {}
        query = urlencode([*wanted, ("account", credentials.name)] if credentials else wanted)
        joint = "&" if urlsplit(realm).query else "?"
        return self.connections.send("GET", f"{realm}{joint}{query}", headers)

    def _read(self, content: bytes) -> _Token:
        try:
            answer = json.loads(content)
            token = str(answer.get("token") or answer["access_token"])
            life_s = float(answer.get("expires_in") or DEFAULT_LIFE_S)
        except (ValueError, KeyError, TypeError, AttributeError):
            token, life_s = "", 0.0
        if not token or not token.isascii() or not token.isprintable():
            raise RegistryError(f"The server of tokens of {self.name} answered without a token")
        return _Token(f"Bearer {token}", self.now() + life_s)

    def _check_realm(self, realm: str) -> None:
        """Refuse to send credentials in the clear, unless the registry itself is spoken to so."""
        url = urlsplit(realm)
        is_clear = url.scheme == "http" and not is_loopback(url.hostname or "")
        is_same = self.origin == f"{url.scheme}://{url.netloc}"
        if url.scheme not in ("http", "https") or (is_clear and not is_same):
            raise RegistryError(
                f"The registry {self.name} wants credentials sent in the clear: {realm}"
            )


def _basic(credentials: Credentials) -> str:
    pair = f"{credentials.name}:{credentials.secret}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"
