"""On which hardware a version runs."""

from collections.abc import Mapping
from typing import Any

from coghub.domain.hardware import Hardware
from coghub.domain.model import Version

CPU = "cpu"


def hardware_for(
    version: Version, wanted: str | None, offered: Mapping[str, Hardware]
) -> Hardware | None:
    """Return the hardware of a version; None if the hub does not have it.

    Args:
        version: what is to run; its cog.yaml says whether it uses a GPU.
        wanted: the sku that the model's owner chose, if any.
        offered: what the hub has.
    """
    if wanted is not None:
        return offered.get(wanted)
    gpus = [it for sku, it in offered.items() if sku != CPU]
    if _wants_gpu(version.config) and gpus:
        return gpus[0]
    # As Cog does: a model that would use a GPU is tried without where there is none.
    return offered.get(CPU)


def slots_of(version: Version) -> int:
    """Return how many predictions an instance of a version runs at once.

    A model may say it in its code alone: then its server tells, when it is ready.
    """
    concurrency = version.config.get("concurrency")
    most = concurrency.get("max") if isinstance(concurrency, dict) else None
    return most if isinstance(most, int) and most > 0 else 1


def _wants_gpu(config: Mapping[str, Any]) -> bool:
    build = config.get("build")
    return isinstance(build, dict) and bool(build.get("gpu"))
