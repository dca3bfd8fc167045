"""What a push or pull names: `[HOST[:PORT]/]OWNER/MODEL[:TAG|@DIGEST]`."""

import ipaddress
import re
from dataclasses import dataclass

from coghub.build.image_name import full_name
from coghub.domain.digest import is_digest
from coghub.domain.errors import NameInvalid

DEFAULT_TAG = "latest"
_SCHEME = re.compile(r"(https?)://", re.IGNORECASE)
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)(?::(\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class Host:
    """A registry's address, and how it wants to be spoken to where that was said."""

    address: str
    """Such as "hub.example:5000", in lower case."""
    scheme: str | None = None
    """`http` or `https`; None: https, and on this machine http where https does not answer."""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.address}" if self.scheme else self.address

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine, so that nobody listens between."""
        match = _ADDRESS.fullmatch(self.address)
        return match is not None and is_loopback(match[1].strip("[]"))


@dataclass(frozen=True, slots=True)
class Reference:
    """A name as it was given."""

    host: Host | None
    repository: str
    tag: str | None = None
    digest: str | None = None

    @property
    def version(self) -> str:
        """What comes after `/manifests/`."""
        return self.digest or self.tag or DEFAULT_TAG

    @property
    def name(self) -> str:
        """The name in the local store: as it was given, with its tag, without a scheme."""
        host = f"{self.host.address}/" if self.host else ""
        end = f"@{self.digest}" if self.digest else f":{self.tag or DEFAULT_TAG}"
        return f"{host}{self.repository}{end}"


def parse_host(text: str) -> Host:
    """Return a host such as "hub.example", "127.0.0.1:5100" or "http://localhost:5100/".

    Raises:
        NameInvalid: if it is none.
    """
    scheme = _SCHEME.match(text)
    address = text[scheme.end() :] if scheme else text
    match = _ADDRESS.fullmatch(address.removesuffix("/"))
    if match is None or int(match[2] or 1) not in range(1, 65536):
        raise NameInvalid(
            f"Not the address of a registry: {text}", hint="Such as hub.example or localhost:5100"
        )
    return Host(match[0].lower(), scheme[1].lower() if scheme else None)


def parse_reference(text: str) -> Reference:
    """Return the parts of a name; its host is the first part with a dot or port, or `localhost`.

    Raises:
        NameInvalid: if it is no name, or its digest is none.
    """
    scheme = _SCHEME.match(text)
    name, _, digest = text[scheme.end() if scheme else 0 :].partition("@")
    first, slash, rest = name.partition("/")
    host = None
    if scheme or (slash and is_host(first)):
        host, name = parse_host(f"{scheme[0] if scheme else ''}{first}"), rest
    if digest and not is_digest(digest):
        raise NameInvalid(f"Not a digest such as sha256:9f86…: {digest}")
    repository, _, tag = full_name(name).rpartition(":")
    is_tagged = name != repository
    return Reference(host, repository, tag if is_tagged else None, digest or None)


def has_host(name: str) -> bool:
    """Tell whether a name says where its bundle comes from."""
    first, slash, _ = name.partition("/")
    return bool(_SCHEME.match(name) or (slash and is_host(first)))


def is_host(first: str) -> bool:
    """Tell whether the first part of a name is a host."""
    return "." in first or ":" in first or first.lower() == "localhost"


def is_loopback(name: str) -> bool:
    """Tell whether a host's name or address is this machine's own."""
    if name.lower() == "localhost" or name.lower().endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
