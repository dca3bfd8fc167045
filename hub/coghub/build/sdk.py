"""The folder that gives a model its `cog`, and nothing else."""

import hashlib
import importlib.util
import os
import shutil
from pathlib import Path

from coghub.build.files import explained
from coghub.domain.errors import SDKNotFound
from coghub.settings import Settings


def sdk_path(settings: Settings) -> Path:
    """Return a folder for PYTHONPATH in which `cog` is the only thing to import.

    That is the checkout's own folder, or one made in the cache with a link to the installed
    package: its neighbours in site-packages must not reach the model. Where the package's folder
    cannot be written it is copied, so that it can be byte-compiled for the model's Python.

    Raises:
        SDKNotFound: if the SDK is not installed beside this command.
    """
    package = _package()
    if _is_alone(package):
        return package.parent
    mark = hashlib.sha256(f"{package}\0{_mark(package)}".encode()).hexdigest()[:16]
    folder = settings.cache_folder / "sdk" / mark
    if not (folder / "cog" / "__init__.py").exists():
        with explained(folder):
            _provide(package, folder)
    return folder


def _package() -> Path:
    spec = importlib.util.find_spec("cog")
    if spec is None or spec.origin is None or not (Path(spec.origin).parent / "worker").is_dir():
        raise SDKNotFound(
            "The package `coghub-sdk` is not installed beside this command",
            hint="Run `pip install coghub-sdk`",
        )
    return Path(spec.origin).resolve().parent


def _is_alone(package: Path) -> bool:
    """Tell whether nothing beside the package can be imported."""
    for path in package.parent.iterdir():
        is_importable = path.suffix in {".py", ".so", ".pth"} or path.is_dir()
        is_hidden = path.name.startswith(".") or path.name in {"__pycache__", "dist"}
        is_description = path.suffix in {".egg-info", ".dist-info"}
        if path != package and is_importable and not is_hidden and not is_description:
            return False
    return True


def _mark(package: Path) -> str:
    """Return what changes when another version is installed."""
    found = [path.stat() for path in package.rglob("*.py")]
    newest = max(status.st_mtime_ns for status in found)
    return f"{newest} {len(found)} {sum(status.st_size for status in found)}"


def _provide(package: Path, folder: Path) -> None:
    """Make the folder; another process may do so at the same time."""
    temporary = folder.with_name(f"{folder.name}.{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    if os.access(package, os.W_OK):
        (temporary / "cog").symlink_to(package)
    else:
        shutil.copytree(package, temporary / "cog", ignore=shutil.ignore_patterns("__pycache__"))
    try:
        temporary.rename(folder)
    except OSError:
        shutil.rmtree(temporary, ignore_errors=True)
        if not (folder / "cog" / "__init__.py").exists():
            raise
