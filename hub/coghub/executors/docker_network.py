"""The hub's own network of containers: they reach the hub's second listener, and not each other."""

import json
from typing import Any

from coghub.build.docker.client import Docker
from coghub.domain.errors import DockerError

NO_TALK = "com.docker.network.bridge.enable_icc=false"
"""Containers of one network do not reach each other."""


def ensure_network(docker: Docker, name: str, *, label: str, is_internal: bool) -> str:
    """Return the address of this machine on the network, which is made if it is not there.

    Args:
        docker: the engine.
        name: of the network.
        label: put on it when it is made.
        is_internal: it leads nowhere but to this machine.

    Raises:
        DockerError: if the engine cannot make it.
    """
    found = _network(docker, name)
    if found is not None and bool(found["Internal"]) is not is_internal:
        docker.ask(["network", "rm", name])
        found = None
    if found is None:
        switches = ["--internal"] if is_internal else []
        options = ["--driver=bridge", f"--opt={NO_TALK}", f"--label={label}"]
        docker.ask(["network", "create", *options, *switches, name])
        found = _network(docker, name)
    gateways = [one.get("Gateway") for one in (found or {}).get("IPAM", {}).get("Config") or ()]
    if not gateways or not gateways[0]:
        raise DockerError(f"The Docker engine gives network {name} no gateway")
    return str(gateways[0]).partition("/")[0]


def _network(docker: Docker, name: str) -> dict[str, Any] | None:
    try:
        found = json.loads(docker.ask(["network", "inspect", name]))
    except DockerError as error:
        if "No such network" in error.message or "not found" in error.message:
            return None
        raise
    return dict(found[0])
