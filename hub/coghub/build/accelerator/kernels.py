"""Whether PyTorch's wheels have kernels for the GPUs of this machine."""

import subprocess
from collections.abc import Iterable, Mapping
from shutil import which

from packaging.version import Version

SKIPPED_BY = "COG_SKIP_GPU_CHECK"
QUERY = ("--query-gpu=compute_cap", "--format=csv,noheader")
LIMIT_S = 10.0
NEEDS_CUDA = ((Version("10.0"), Version("12.8")), (Version("8.9"), Version("11.8")))
"""From this compute capability on, from this CUDA on: Blackwell came with 12.8, Ada and Hopper
with 11.8. Source: NVIDIA's release notes of CUDA."""
DROPPED = ((Version("13.0"), Version("7.5")), (Version("12.8"), Version("7.0")))
"""From this CUDA on, below this capability nothing: PyTorch's wheels for 12.8 left out Maxwell and
Pascal, and CUDA 13 itself ends before Volta. Source: PyTorch's and CUDA's release notes."""


def capabilities(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the compute capabilities of the GPUs here, such as "8.6"; empty if none is known."""
    program = which("nvidia-smi", path=environ.get("PATH"))
    if environ.get(SKIPPED_BY) or program is None:
        return ()
    try:
        done = subprocess.run(
            [program, *QUERY], capture_output=True, text=True, check=False, timeout=LIMIT_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    lines = (line.strip() for line in done.stdout.splitlines())
    found = (line for line in lines if line.replace(".", "", 1).isdecimal())
    return tuple(dict.fromkeys(found)) if done.returncode == 0 else ()


def kernel_warning(torch: str, cuda: str, there: Iterable[str]) -> str | None:
    """Return a line for the user if wheels of PyTorch lack kernels for a GPU; None if not.

    Args:
        torch: the version, for people.
        cuda: which the wheels are for, such as "12.4".
        there: compute capabilities of the machine's GPUs.
    """
    version = Version(Version(cuda).base_version)
    for text in there:
        capability = Version(text)
        for least, needed in NEEDS_CUDA:
            if capability >= least and version < needed:
                return _warning(torch, cuda, text, f"it needs CUDA {needed} or later")
        for since, least in DROPPED:
            if version >= since and capability < least:
                return _warning(torch, cuda, text, f"it needs a CUDA before {since}")
    return None


def _warning(torch: str, cuda: str, capability: str, reason: str) -> str:
    return (
        f"torch {torch} with CUDA {cuda} has no kernels for the GPU here"
        f" (compute capability {capability}): {reason}"
    )
