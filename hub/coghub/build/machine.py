"""What this machine has beside Python: libraries and system packages."""

import sys
from collections.abc import Iterable
from pathlib import Path

LOADER_CACHE = Path("/etc/ld.so.cache")
PACKAGES = Path("/var/lib/dpkg/info")


def has_libgl() -> bool:
    """Tell whether a program can load libGL, without loading it: drivers run code on load."""
    if sys.platform != "linux":
        return True
    try:
        return b"libGL.so.1" in LOADER_CACHE.read_bytes()
    except OSError:
        return True  # No glibc, hence no such cache: the import will tell.


def missing_packages(names: Iterable[str]) -> list[str]:
    """Return those of the Debian packages that are not installed; all, where there is no dpkg."""
    return [name for name in names if not _is_installed(name.partition("=")[0].strip())]


def _is_installed(name: str) -> bool:
    if not name or "/" in name:
        return False
    return (PACKAGES / f"{name}.list").exists() or any(PACKAGES.glob(f"{name}:*.list"))
