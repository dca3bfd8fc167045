"""`coghub hardware`: what models can run on here."""

import click

from coghub.cli.hub.invocation import HubInvocation, hub_command
from coghub.domain.hardware import Hardware, Limit
from coghub.parts import Hub

NO_LIMIT = Limit()


@click.command("hardware")
@hub_command
def command(invocation: HubInvocation) -> None:
    """List what this machine offers to models, for how many at once, and what each may use."""

    async def offered(hub: Hub) -> list[tuple[Hardware, Limit]]:
        limits = hub.settings.hardware_limits if hub.settings.executor == "docker" else {}
        return [(it, limits.get(it.sku, NO_LIMIT)) for it in hub.hardware]

    found = invocation.run(offered)
    shown = [
        {
            "sku": it.sku,
            "name": it.name,
            "instances": it.capacity,
            "gpu_ids": list(it.gpu_ids),
            "cpus": limit.cpus,
            "memory_bytes": limit.memory_bytes,
        }
        for it, limit in found
    ]
    rows = [
        (it.sku, str(it.capacity), it.name, ", ".join([*_gpus(it), *_limits(limit)]))
        for it, limit in found
    ]
    invocation.show(shown, rows)


def _gpus(hardware: Hardware) -> list[str]:
    return [f"GPU {', '.join(hardware.gpu_ids)}"] if hardware.gpu_ids else []


def _limits(limit: Limit) -> list[str]:
    cpus = [] if limit.cpus is None else [f"{limit.cpus:g} CPUs each"]
    memory = limit.memory_bytes
    return cpus + ([] if memory is None else [f"{memory / 1024**3:.3g} GiB each"])
