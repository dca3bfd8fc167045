"""What models run on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """What one instance on some hardware may use."""

    cpus: float | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Hardware:
    """A sku that is offered to users."""

    sku: str
    """Such as `cpu` or `gpu-h100`."""
    name: str
    """For people, such as "Nvidia H100 GPU"."""
    capacity: int
    """How many instances may run on it at once."""
    gpu_ids: tuple[str, ...] = ()
    """Which GPUs it is, as for CUDA_VISIBLE_DEVICES; empty for a CPU."""
