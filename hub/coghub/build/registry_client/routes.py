"""How a host is reached: through which proxy, trusting which certificates.

The variables are those of curl and requests, so that what works for other tools works here.
"""

import base64
import ipaddress
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from coghub.build.registry_client.reference import is_loopback
from coghub.domain.errors import SettingInvalid

CERTIFICATES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
PROXY_PORT = 8080
"""Where a proxy's address names none."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy."""

    host: str
    port: int
    authorization: str | None = None
    """Of the header `Proxy-Authorization`."""


def proxy_for(scheme: str, host: str, port: int, environ: Mapping[str, str]) -> Proxy | None:
    """Return the proxy that requests to a host go through; None: they go there directly.

    Raises:
        SettingInvalid: if the proxy is of a kind that is not known here.
    """
    if is_loopback(host) or _is_excluded(host, port, _said("no_proxy", environ)):
        return None
    address = _said(f"{scheme}_proxy", environ) or _said("all_proxy", environ)
    if not address:
        return None
    url = urlsplit(address if "://" in address else f"http://{address}")
    if url.scheme != "http" or not url.hostname:
        raise SettingInvalid(f"Not the address of an HTTP proxy: {scheme}_proxy")
    return Proxy(url.hostname, url.port or PROXY_PORT, _authorization(url.username, url.password))


def tls_context(environ: Mapping[str, str]) -> ssl.SSLContext:
    """Return what checks the certificates of servers.

    Raises:
        SettingInvalid: if a variable names a file that holds no certificates.
    """
    variable = next((name for name in CERTIFICATES if environ.get(name)), None)
    if variable is None:
        return ssl.create_default_context()
    path = Path(environ[variable])
    try:
        if path.is_dir():
            return ssl.create_default_context(capath=str(path))
        return ssl.create_default_context(cafile=str(path))
    except OSError as error:
        raise SettingInvalid(f"`{variable}` names no file of certificates: {path}") from error


def _is_excluded(host: str, port: int, excluded: str) -> bool:
    """Tell whether `no_proxy` has the host, a domain above it, its network, or everything."""
    for entry in (it.strip().lower() for it in excluded.split(",")):
        name = entry.removesuffix(f":{port}").removeprefix("*").removeprefix(".")
        if entry == "*" or (name and (host == name or host.endswith(f".{name}"))):
            return True
        with suppress(ValueError):
            if ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False):
                return True
    return False


def _said(name: str, environ: Mapping[str, str]) -> str:
    return environ.get(name) or environ.get(name.upper()) or ""


def _authorization(name: str | None, password: str | None) -> str | None:
    if name is None:
        return None
    pair = f"{unquote(name)}:{unquote(password or '')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"
