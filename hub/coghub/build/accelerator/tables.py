"""Facts about published images and wheels, read once.

Source: the tags of `nvidia/cuda`, PyTorch's wheel index and page of previous versions, and
TensorFlow's page of tested builds.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from packaging.version import Version

TABLES = Path(__file__).parents[1] / "tables"


@dataclass(frozen=True, slots=True)
class TorchRow:
    """A release of PyTorch for one CUDA, or for the CPU."""

    version: Version
    """Without the local tag."""
    torchvision: str
    torchaudio: str
    cuda: str | None
    index_url: str | None
    """None for wheels of the default index."""
    pythons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TensorFlowRow:
    """A release of TensorFlow, and what it was tested with."""

    version: Version
    cuda: str
    cudnn: str
    """The major version."""
    pythons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ImageRow:
    """A tag of `nvidia/cuda` with compilers and cuDNN."""

    tag: str
    cuda: Version
    cudnn: str
    ubuntu: Version


@cache
def torch_rows() -> tuple[TorchRow, ...]:
    """Return all releases but those for a CUDA that no image has."""
    known = {image.cuda.release[:2] for image in image_rows()}
    rows = (_torch_row(row) for row in _rows("torch.json"))
    return tuple(row for row in rows if row.cuda is None or Version(row.cuda).release[:2] in known)


@cache
def tensorflow_rows() -> tuple[TensorFlowRow, ...]:
    """Return all releases."""
    return tuple(
        TensorFlowRow(
            Version(row["tf"]),
            row["cuda"],
            row["cudnn"].partition(".")[0],
            tuple(row["pythons"]),
        )
        for row in _rows("tensorflow.json")
    )


@cache
def image_rows() -> tuple[ImageRow, ...]:
    """Return all images in the table's order."""
    return tuple(
        ImageRow(row["tag"], Version(row["cuda"]), row["cudnn"], Version(row["ubuntu"]))
        for row in _rows("cuda_base_images.json")
        if row["devel"]
    )


def _torch_row(row: dict[str, Any]) -> TorchRow:
    return TorchRow(
        version=Version(Version(row["torch"]).public),
        torchvision=row["torchvision"].partition("+")[0],
        torchaudio=row["torchaudio"].partition("+")[0],
        cuda=row["cuda"],
        index_url=row["extra_index_url"],
        pythons=tuple(row["pythons"]),
    )


def _rows(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((TABLES / name).read_text("utf-8"))["rows"]
    return rows
