"""Where the weights lie while pictures are made: chosen by what the GPU has."""

from collections.abc import Mapping
from dataclasses import dataclass

GIB = 1024**3
WORKING_BYTES = 5 * GIB
"""What a picture of one megapixel takes beside the weights: attention, and the autoencoder."""
LARGE_PIXELS = 1536 * 1024
"""Beyond this the autoencoder works in tiles."""
RESIDENT, MODEL, SEQUENTIAL, CPU = "resident", "model", "sequential", "cpu"


@dataclass(frozen=True)
class Plan:
    """Where the weights lie, and how that was found."""

    name: str
    """`resident`: all on the GPU. `model`: each part comes when it works. `sequential`: each layer
    does. `cpu`: there is no GPU."""
    reason: str

    @property
    def is_tight(self) -> bool:
        """Tell whether the autoencoder should spare memory with every picture."""
        return self.name in {MODEL, SEQUENTIAL}

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


def plan(gpu_bytes: int | None, part_bytes: Mapping[str, int], wanted: str | None = None) -> Plan:
    """Return the fastest plan that fits.

    Args:
        gpu_bytes: the memory of the GPU; None if there is none.
        part_bytes: what each part of the pipeline takes.
        wanted: a plan's name, which is then taken.

    Raises:
        ValueError: if there is no such plan here.
    """
    possible = [CPU] if gpu_bytes is None else [RESIDENT, MODEL, SEQUENTIAL]
    if wanted is not None:
        if wanted not in possible:
            raise ValueError(f"FLUX_MEMORY is {wanted}, and here can be: {', '.join(possible)}")
        return Plan(wanted, "as FLUX_MEMORY says")
    if gpu_bytes is None:
        return Plan(CPU, "there is no GPU")
    needs = {
        RESIDENT: sum(part_bytes.values()) + WORKING_BYTES,
        MODEL: max(part_bytes.values(), default=0) + WORKING_BYTES,
        SEQUENTIAL: 0,
    }
    name = next(it for it in possible if needs[it] <= gpu_bytes)
    told = ", ".join(f"{it} needs {needs[it] / GIB:.1f} GiB" for it in (RESIDENT, MODEL))
    return Plan(name, f"the GPU has {gpu_bytes / GIB:.1f} GiB, and {told}")
