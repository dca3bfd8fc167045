"""One connection to a host, straight or through a proxy: a request out, the answer's head in."""

import http.client
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from urllib.parse import SplitResult

import coghub
from coghub.build.registry_client.routes import Proxy
from coghub.domain.errors import RegistryUnreachable

CHUNK_BYTES = 1024**2
TIMEOUT_S = 60.0
"""Without a byte in either direction."""
MAX_CHEAP_BYTES = 4096
PORTS = {"http": 80, "https": 443}
AGENT = f"coghub/{coghub.__version__}"


@dataclass(frozen=True, slots=True)
class Body:
    """What a request carries."""

    size: int
    chunks: Callable[[], Iterable[bytes]]
    """Begins anew with each call."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, not yet sent."""

    method: str
    parts: SplitResult
    """Of its URL."""
    headers: Mapping[str, str]
    body: Body | None
    timeout_s: float

    @property
    def is_cheap(self) -> bool:
        """Whether it may go twice without harm: a piece of a blob may not, and is not small."""
        size = self.body.size if self.body else 0
        return self.method != "PATCH" and size <= MAX_CHEAP_BYTES

    @property
    def path(self) -> str:
        """What stands in the request's first line."""
        return f"{self.parts.path or '/'}{'?' if self.parts.query else ''}{self.parts.query}"

    @property
    def all_headers(self) -> dict[str, str]:
        """The headers, with those that every request has."""
        always = {"Host": self.parts.netloc.rpartition("@")[2], "User-Agent": AGENT}
        size = self.body.size if self.body else 0
        if size or self.method in ("POST", "PUT", "PATCH"):
            always["Content-Length"] = str(size)
        return always | dict(self.headers)


class Connection:
    """Connects with its first request."""

    def __init__(self, parts: SplitResult, proxy: Proxy | None, tls: ssl.SSLContext | None) -> None:
        self._proxy = proxy
        host, port = parts.hostname or "", port_of(parts)
        to = (proxy.host, proxy.port) if proxy else (host, port)
        self._http = (
            HTTPSConnection(*to, context=tls, timeout=TIMEOUT_S)
            if tls
            else HTTPConnection(*to, timeout=TIMEOUT_S)
        )
        if proxy and tls:
            self._http.set_tunnel(host, port, headers=_introduction(proxy))

    @property
    def is_open(self) -> bool:
        """Whether it has been used before."""
        return self._http.sock is not None

    def exchange(self, request: Request) -> HTTPResponse:
        """Send the request and return the answer with its headers.

        Raises:
            OSError: if there is no connection, or it breaks.
            http.client.HTTPException: if the answer is not HTTP.
        """
        http = self._http
        if http.sock is None:
            http.connect()
        assert http.sock is not None
        http.sock.settimeout(min(TIMEOUT_S, request.timeout_s))
        is_relayed = self._proxy is not None and request.parts.scheme == "http"
        target = f"http://{request.parts.netloc}{request.path}" if is_relayed else request.path
        http.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
        also = _introduction(self._proxy) if is_relayed else {}
        for name, value in (request.all_headers | also).items():
            http.putheader(name, value)
        http.endheaders()
        with suppress(BrokenPipeError, ConnectionResetError):  # it may have said why
            for chunk in request.body.chunks() if request.body else ():
                http.send(chunk)
        if http.sock is not None:
            http.sock.settimeout(request.timeout_s)
        return http.getresponse()

    def close(self) -> None:
        """Close it; may be called twice."""
        self._http.close()

    def cut(self) -> None:
        """End it so that another thread that waits on it wakes up."""
        sock = self._http.sock
        with suppress(OSError):  # it may be closed already
            if sock is not None:
                sock.shutdown(socket.SHUT_RDWR)


def port_of(parts: SplitResult) -> int:
    """Return the port of a URL.

    Raises:
        RegistryUnreachable: if the URL is none that can be connected to.
    """
    try:
        return parts.port or PORTS[parts.scheme]
    except (ValueError, KeyError) as error:
        raise RegistryUnreachable(f"Not an address: {parts.geturl()}", is_final=True) from error


def explained(error: OSError | http.client.HTTPException, address: str) -> RegistryUnreachable:
    """Return what went wrong with a connection in words."""
    match error:
        case ssl.SSLCertVerificationError():
            return RegistryUnreachable(
                f"The certificate of {address} is not trusted: {error.verify_message}",
                hint="Name the file of the authority that signed it in `SSL_CERT_FILE`",
                is_final=True,
            )
        case TimeoutError():
            return RegistryUnreachable(f"The connection to {address} was silent for too long")
        case OSError():
            reason = error.strerror or str(error) or type(error).__name__
            return RegistryUnreachable(f"No connection to {address}: {reason}")
        case _:
            reason = str(error) or type(error).__name__
            return RegistryUnreachable(f"The connection to {address} broke: {reason}")


def _introduction(proxy: Proxy | None) -> dict[str, str]:
    if proxy is None or proxy.authorization is None:
        return {}
    return {"Proxy-Authorization": proxy.authorization}
