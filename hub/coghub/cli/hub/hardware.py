"""`coghub hardware`: what models can run on here."""

import click

from coghub.cli.hub.invocation import HubInvocation, hub_command
from coghub.domain.hardware import Hardware
from coghub.parts import Hub


@click.command("hardware")
@hub_command
def command(invocation: HubInvocation) -> None:
    """List what this machine offers to models, and how many instances fit on it at once."""

    async def offered(hub: Hub) -> tuple[Hardware, ...]:
        return hub.hardware

    found = invocation.run(offered)
    shown = [
        {"sku": it.sku, "name": it.name, "instances": it.capacity, "gpu_ids": list(it.gpu_ids)}
        for it in found
    ]
    rows = [(it.sku, str(it.capacity), it.name, _gpus(it)) for it in found]
    invocation.show(shown, rows)


def _gpus(hardware: Hardware) -> str:
    return f"GPU {', '.join(hardware.gpu_ids)}" if hardware.gpu_ids else ""
