"""The image that a build begins with."""

from packaging.version import Version

from coghub.build.accelerator.tables import ImageRow, image_rows
from coghub.domain.errors import ConfigInvalid

REPOSITORY = "nvidia/cuda"
NEWER_UBUNTU = Version("22.04")


def slim(python_version: str) -> str:
    """Return Python's own small image."""
    return f"python:{python_version}-slim"


def python_image(image: ImageRow, python_version: str) -> str:
    """Return the image whose Python runs on NVIDIA's, which has none.

    Ubuntu 22.04 and 24.04 have the OpenSSL 3 and libffi 8 that Debian 12's was built with, and at
    least nearly its glibc; Ubuntu 20.04 has those of Debian 11.
    """
    debian = "bookworm" if image.ubuntu >= NEWER_UBUNTU else "bullseye"
    return f"python:{python_version}-slim-{debian}"


def cudnns(cuda: str) -> list[str]:
    """Return the cuDNN of each image with this CUDA, one entry an image."""
    return [row.cudnn for row in image_rows() if _has(row, cuda)]


def cuda_image(cuda: str, cudnn: str | None) -> ImageRow:
    """Return the image for a CUDA such as "12.4" or "12.4.1"; the newest cuDNN unless one is said.

    Raises:
        ConfigInvalid: if there is none.
    """
    known = cudnns(cuda)
    if not known:
        raise ConfigInvalid(f"CUDA {cuda} is not supported by Cog")
    cudnn = cudnn or max(known, key=int)
    found = [row for row in image_rows() if _has(row, cuda) and row.cudnn == cudnn]
    if not found:
        raise ConfigInvalid(f"no matching base image for CUDA {cuda} and CuDNN {cudnn}")
    return max(found, key=lambda row: (row.cuda, row.ubuntu))


def nearest_image(cuda: str, cudnn: str) -> ImageRow | None:
    """Return the image with this cuDNN and the newest CUDA of the same major below a CUDA.

    Libraries of one major version of CUDA carry the same names, so a program runs with them.
    """
    most = Version(cuda)
    found = [
        row
        for row in image_rows()
        if row.cudnn == cudnn and row.cuda.major == most.major and row.cuda < most
    ]
    return max(found, key=lambda row: (row.cuda, row.ubuntu)) if found else None


def _has(row: ImageRow, cuda: str) -> bool:
    wanted = Version(cuda).release
    return row.cuda.release[: len(wanted)] == wanted
