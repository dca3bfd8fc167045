"""What a hub, and the instances that it starts, may connect to on behalf of its users."""

from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from cog.network_guard import Guard, address_and_port
from coghub.hub_settings import HubSettings

LOCALHOST = "localhost"


def hub_guard(settings: HubSettings, *, callback_url: str) -> Guard:
    """Return the guard of what the hub itself sends: webhooks.

    Args:
        settings: of the hub.
        callback_url: of its second listener, which trusts whoever reaches it with the right path.
    """
    own = address_and_port(urlsplit(callback_url).netloc)
    return Guard(
        is_private_allowed=is_for_this_machine(settings),
        networks=tuple(map(ip_network, settings.allow_networks)),
        refused=frozenset({own}),
    )


def instance_guard(settings: HubSettings, *, callback_url: str) -> Guard:
    """Return the guard of an instance's server: it brings inputs, and outputs to the hub."""
    own = address_and_port(urlsplit(callback_url).netloc)
    return Guard(
        is_private_allowed=is_for_this_machine(settings),
        networks=tuple(map(ip_network, settings.allow_networks)),
        allowed=frozenset({own}),
    )


def is_for_this_machine(settings: HubSettings) -> bool:
    """Tell whether only this machine's users reach the hub.

    A proxy in front of it lets others in, though the hub itself listens on loopback only.
    """
    hosts = [settings.host]
    if settings.public_url is not None:
        hosts.append(urlsplit(settings.public_url).hostname or "")
    return not settings.trusted_proxies and all(map(_is_loopback, hosts))


def _is_loopback(host: str) -> bool:
    try:
        return host == LOCALHOST or ip_address(host).is_loopback
    except ValueError:
        return False
