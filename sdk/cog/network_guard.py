"""Which network addresses may be connected to on behalf of someone else.

Who may name a URL for a server to call could else reach what only that server can: its neighbours,
itself, and the address at which clouds hand out credentials. What is asked is the address that is
about to be dialled, so neither a name that resolves to something else the next time, nor a
redirect, nor an odd way to write an address gets past. The hub uses it too: standard library only.
"""

import errno
import ipaddress
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PUBLIC = "public"
PRIVATE = "private"


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


NEVER: tuple[tuple[str, tuple[Network, ...]], ...] = (
    ("unspecified", _networks("0.0.0.0/8", "::/128")),
    ("link-local", _networks("169.254.0.0/16", "fe80::/10")),
    ("multicast", _networks("224.0.0.0/4", "ff00::/8")),
    ("reserved", _networks("240.0.0.0/4")),
    (
        "metadata",  # of Alibaba, Azure and Oracle; AWS, Google and Oracle over IPv6
        _networks("100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32")
        + _networks("fd00:ec2::/32", "fd20:ce::254/128", "fd00:c1::a9fe:a9fe/128"),
    ),
)
"""What no setting allows. Source: RFC 6890 and the clouds' own pages."""
LOCAL: tuple[tuple[str, tuple[Network, ...]], ...] = (
    ("loopback", _networks("127.0.0.0/8", "::1/128")),
    (
        "private",
        _networks("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
        + _networks("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15")
        + _networks("198.51.100.0/24", "203.0.113.0/24")
        + _networks("fc00::/7", "fec0::/10", "100::/64", "2001:db8::/32", "64:ff9b:1::/48"),
    ),
)
"""Addresses that mean something else on every network, or nothing. Source: RFC 6890."""

NAT64 = ipaddress.ip_network("64:ff9b::/96")
COMPATIBLE = ipaddress.ip_network("::/96")
ISATAP = frozenset({0x00005EFE, 0x02005EFE})
"""The third quarter of an IPv6 address whose last quarter is an IPv4 address (RFC 5214)."""
QUARTER = 0xFFFFFFFF


class AddressRefused(OSError):
    """An address that may not be connected to; which one it is might be nobody's business."""

    def __init__(self, kind: str) -> None:
        super().__init__(errno.EACCES, f"its address is {kind}")


@dataclass(frozen=True)
class Guard:
    """Decides about addresses."""

    is_public_allowed: bool = True
    is_private_allowed: bool = False
    """Loopback and private networks."""
    networks: tuple[Network, ...] = ()
    """Allowed besides; what `NEVER` lists stays refused."""
    allowed: frozenset[tuple[Address, int]] = frozenset()
    """Single addresses with their ports, allowed whatever they are."""
    refused: frozenset[tuple[Address, int]] = frozenset()
    """Refused whatever else is allowed: the own listeners of who asks."""

    def refusal(self, host: str, port: int) -> str | None:
        """Return as what kind of address one is refused; None if it may be connected to.

        Args:
            host: an IP address, with or without a scope; names are refused.
            port: the port.
        """
        try:
            address = _plain(ipaddress.ip_address(host.partition("%")[0]))
        except ValueError:
            return "not an IP address"
        if (address, port) in self.allowed:
            return None
        meanings = [address, *_inside(address)]
        if any((it, port) in self.refused for it in meanings):
            return "the hub's own"
        return next(filter(None, map(self._refused_kind, meanings)), None)

    def open_socket(self, target: tuple[Any, ...]) -> socket.socket:
        """Return a socket for an address as `getaddrinfo` tells it, unless it is refused.

        To be handed to what connects, so that what is asked about is what is dialled.

        Raises:
            AddressRefused: if it may not be connected to.
        """
        family, kind, protocol, _, address = target
        refusal = self.refusal(str(address[0]), int(address[1]))
        if refusal is not None:
            raise AddressRefused(refusal)
        return socket.socket(family, kind, protocol)

    def as_text(self) -> str:
        """Return what `read_guard` reads; what is refused only here is not in it."""
        words = [PUBLIC] * self.is_public_allowed + [PRIVATE] * self.is_private_allowed
        words += map(str, self.networks)
        words += sorted(_with_port(address, port) for address, port in self.allowed)
        return " ".join(words)

    def _refused_kind(self, address: Address) -> str | None:
        kind = _kind(address, NEVER)
        if kind is not None:
            return kind
        if any(address in network for network in self.networks):
            return None
        kind = _kind(address, LOCAL)
        if kind is not None:
            return None if self.is_private_allowed else kind
        return None if self.is_public_allowed else PUBLIC


def read_guard(text: str) -> Guard:
    """Return the guard that a text describes, such as `public 10.1.0.0/16 127.0.0.1:4000`.

    Raises:
        ValueError: naming the word that means nothing.
    """
    words = text.replace(",", " ").split()
    rest = [word for word in words if word not in {PUBLIC, PRIVATE}]
    single = [word for word in rest if _is_with_port(word)]
    return Guard(
        is_public_allowed=PUBLIC in words,
        is_private_allowed=PRIVATE in words,
        networks=tuple(
            ipaddress.ip_network(word, strict=False) for word in rest if word not in single
        ),
        allowed=frozenset(map(address_and_port, single)),
    )


def address_and_port(text: str) -> tuple[Address, int]:
    """Return both parts of `127.0.0.1:4000` or `[::1]:4000`.

    Raises:
        ValueError: if it is neither.
    """
    host, _, port = text.rpartition(":")
    return ipaddress.ip_address(host.strip("[]")), int(port)


def explained(error: BaseException) -> str:
    """Return why a connection failed, in plain words where it was refused by a guard.

    Args:
        error: as aiohttp raises it, which names the host that was meant and keeps the reason.
    """
    cause = getattr(error, "os_error", None)
    if isinstance(cause, AddressRefused):
        return f"`{getattr(error, 'host', '')}` may not be reached from here: {cause.strerror}"
    return str(error) or type(error).__name__


def _kind(address: Address, kinds: Iterable[tuple[str, tuple[Network, ...]]]) -> str | None:
    return next((kind for kind, networks in kinds if any(address in it for it in networks)), None)


def _plain(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 socket dials, where it is one of those."""
    mapped = getattr(address, "ipv4_mapped", None)
    return address if mapped is None else mapped


def _inside(address: Address) -> Iterator[Address]:
    """Yield the IPv4 addresses that a gateway may make of an IPv6 address."""
    if not isinstance(address, ipaddress.IPv6Address):
        return
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    last = int(address) & QUARTER
    is_compatible = address in COMPATIBLE and last > 1  # 0 and 1: unspecified and loopback
    if is_compatible or address in NAT64 or (int(address) >> 32) & QUARTER in ISATAP:
        yield ipaddress.IPv4Address(last)


def _is_with_port(word: str) -> bool:
    return word.startswith("[") or word.count(":") == 1


def _with_port(address: Address, port: int) -> str:
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"  # noqa: PLR2004 - IP versions
