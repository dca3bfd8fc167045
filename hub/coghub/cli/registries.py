"""Which registry a command speaks to."""

from coghub.build.registry_client.logins import Logins
from coghub.build.registry_client.reference import Host, parse_host
from coghub.cli.invocation import Invocation

PUBLIC_HOST = Host("r8.im")
"""Replicate's own, where nothing else is said: as for Cog."""


def chosen_host(
    invocation: Invocation, named: Host | None = None, configured: Host | None = None
) -> tuple[Host, str]:
    """Return the host, and in words where it is said.

    Args:
        invocation: its flag, its settings, its last login.
        named: the host in the command's argument, which wins.
        configured: the host in `image` of cog.yaml.

    Raises:
        NameInvalid: if a flag or variable has no address of a registry.
    """
    logins, settings = Logins(invocation.settings), invocation.settings
    flag = invocation.registry and parse_host(invocation.registry)
    variable = settings.registry_host and parse_host(settings.registry_host)
    choices = (
        (named, ""),
        (flag or None, "from --registry"),
        (variable or None, "from COG_REGISTRY_HOST"),
        (configured, "from `image` in cog.yaml"),
        (logins.last, "the last login"),
        (PUBLIC_HOST, "the default; `cog login HOST` chooses another"),
    )
    host, origin = next((host, origin) for host, origin in choices if host is not None)
    return logins.completed(host), origin


def tell_host(invocation: Invocation, host: Host, origin: str) -> None:
    """Say where it goes before anything goes there."""
    reason = f" ({origin})" if origin else ""
    invocation.console.say(f"Registry: {host}{reason}")
    if host.scheme == "http" and not host.is_loopback:
        invocation.console.warn(f"{host} has no TLS: whoever listens on the way reads along")
