"""What the environment says; the lines under `environment` in cog.yaml are its defaults."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

GIB = 1024**3


@dataclass(frozen=True)
class Settings:
    """How this model is set up."""

    weights: str
    """FLUX_WEIGHTS: a folder, `hf://OWNER/NAME`, or the URL of a tar."""
    memory: str | None
    """FLUX_MEMORY: `resident`, `model` or `sequential`, in place of what the GPU suggests."""
    safety: str
    """FLUX_SAFETY: the stages, the fast one first, or `off`."""
    lora_folder: Path
    """FLUX_LORAS: the folder that paths of LoRAs lead into."""
    lora_disk_bytes: int
    """FLUX_LORA_DISK_GIB: what fetched LoRAs may take."""
    lora_memory_bytes: int
    """FLUX_LORA_MEMORY_GIB: what loaded ones may take."""
    replicate: str
    """FLUX_REPLICATE: the address of Replicate."""
    civitai: str
    """FLUX_CIVITAI: the address of Civitai."""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Settings":
        """Read them."""
        return cls(
            weights=environ.get("FLUX_WEIGHTS", "hf://black-forest-labs/FLUX.1-dev"),
            memory=environ.get("FLUX_MEMORY") or None,
            safety=environ.get("FLUX_SAFETY", ""),
            lora_folder=Path(environ.get("FLUX_LORAS", "loras")).absolute(),
            lora_disk_bytes=int(float(environ.get("FLUX_LORA_DISK_GIB", "20")) * GIB),
            lora_memory_bytes=int(float(environ.get("FLUX_LORA_MEMORY_GIB", "4")) * GIB),
            replicate=environ.get("FLUX_REPLICATE", "https://replicate.com"),
            civitai=environ.get("FLUX_CIVITAI", "https://civitai.com"),
        )
