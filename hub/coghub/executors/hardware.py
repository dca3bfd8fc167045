"""Finds what this machine offers: its cores, and the GPUs that NVIDIA's driver knows."""

import re
from collections.abc import Iterable
from contextlib import suppress

import pynvml

from coghub.domain.hardware import Hardware

CPU = "cpu"
KNOWN = (
    ("gpu-t4", "T4", "Nvidia T4 GPU"),
    ("gpu-l40s", "L40S", "Nvidia L40S GPU"),
    ("gpu-a40-large", "A40", "Nvidia A40 (Large) GPU"),
    ("gpu-a100-large", "A100", "Nvidia A100 (80GB) GPU"),
    ("gpu-h100", "H100", "Nvidia H100 GPU"),
    ("gpu-h200", "H200", "Nvidia H200 GPU"),
)
"""Sku, a word of the driver's name for it, and the name that users are shown.

Source: Replicate's list of hardware, for the skus and names that are on it.
"""


def find_hardware(*, cpu_instances: int) -> tuple[Hardware, ...]:
    """Return the CPU, and one entry for each kind of GPU that is there."""
    cpu = [Hardware(CPU, "CPU", cpu_instances)] if cpu_instances else []
    return (*cpu, *gpus_of(_gpu_names()))


def gpus_of(names: Iterable[str]) -> tuple[Hardware, ...]:
    """Return the hardware of GPUs, given the driver's names in the order of their numbers."""
    found = dict[tuple[str, str], list[str]]()
    for number, name in enumerate(names):
        found.setdefault(_kind(name), []).append(str(number))
    return tuple(Hardware(sku, title, len(ids), tuple(ids)) for (sku, title), ids in found.items())


def _kind(name: str) -> tuple[str, str]:
    words = set(re.split(r"[\s-]+", name.upper()))
    for sku, word, title in KNOWN:
        if word in words:
            return sku, title
    bare = re.sub(r"(?i)^nvidia\s+", "", name)
    slug = re.sub(r"[^a-z0-9]+", "-", bare.lower()).strip("-")
    return f"gpu-{slug}", f"{name} GPU"


def _gpu_names() -> list[str]:
    names = list[str]()
    with suppress(pynvml.NVMLError):
        pynvml.nvmlInit()
        try:
            for number in range(pynvml.nvmlDeviceGetCount()):
                handle = pynvml.nvmlDeviceGetHandleByIndex(number)
                names.append(str(pynvml.nvmlDeviceGetName(handle)))
        finally:
            pynvml.nvmlShutdown()
    return names
