"""Bundles that are named with a host: fetched when they are not here, or are no longer current."""

from dataclasses import replace

from coghub.build.bundle import Bundle, Store
from coghub.build.registry_client.logins import Logins
from coghub.build.registry_client.manifests import digest_at
from coghub.build.registry_client.opening import open_registry
from coghub.build.registry_client.pull import pull
from coghub.build.registry_client.reference import Host, Reference, parse_reference
from coghub.build.registry_client.registry import Registry
from coghub.cli.invocation import Invocation
from coghub.cli.prediction import teller
from coghub.cli.registries import PUBLIC_HOST, chosen_host, tell_host
from coghub.domain.errors import (
    BundleNotFound,
    CredentialsUnusable,
    RegistryError,
    RegistryUnreachable,
)


def named_bundle(invocation: Invocation, name: str) -> Bundle:
    """Return the bundle of a name; one without a host is of this machine, else of the last login.

    Raises:
        BundleNotFound: if it is not here, and no registry was said.
        RegistryError: if it is not here, and cannot be fetched.
        BundleInvalid: if what is there is no bundle.
    """
    reference = parse_reference(name)
    if reference.host is not None:
        host = Logins(invocation.settings).completed(reference.host)
        return _current(invocation, replace(reference, host=host))
    try:
        return Store(invocation.settings).find(name)
    except BundleNotFound:
        host, origin = chosen_host(invocation)
        if host == PUBLIC_HOST:
            raise
        tell_host(invocation, host, origin)
        return _current(invocation, replace(reference, host=host))


def pulled(invocation: Invocation, reference: Reference) -> Bundle:
    """Fetch a bundle and return it; what is here already is not sent again.

    Raises:
        RegistryError: if it cannot be fetched.
        BundleInvalid: if it is no bundle.
    """
    with open_registry(_host(reference), invocation.settings) as registry:
        return _pulled(invocation, registry, reference)


def _current(invocation: Invocation, reference: Reference) -> Bundle:
    """Return what the registry has now; where it does not answer, what is here, with a warning."""
    known = _known(invocation, reference)
    if known is not None and reference.digest:
        return known
    try:
        with open_registry(_host(reference), invocation.settings) as registry:
            if known and _is_current(registry, reference, known):
                return known
            return _pulled(invocation, registry, reference)
    except (RegistryError, CredentialsUnusable) as error:
        if known is None:
            raise
        invocation.console.warn(f"{error.message}; what is on this machine is taken")
        return known


def _host(reference: Reference) -> Host:
    assert reference.host is not None
    return reference.host


def _known(invocation: Invocation, reference: Reference) -> Bundle | None:
    try:
        return Store(invocation.settings).find(reference.name)
    except BundleNotFound:
        return None


def _is_current(registry: Registry, reference: Reference, known: Bundle) -> bool:
    digest = digest_at(registry, reference.repository, reference.version)
    if digest is None:
        raise RegistryUnreachable(f"{registry.host} does not say what it has")
    return digest == known.digest


def _pulled(invocation: Invocation, registry: Registry, reference: Reference) -> Bundle:
    console, store = invocation.console, Store(invocation.settings)
    with console.step(f"Pulling {registry.host.address}/{reference.repository}...") as step:
        bundle = pull(store, registry, reference, name=reference.name, report=teller(console, step))
        step.succeed(text=f"Pulled {bundle.name}")
    return bundle
