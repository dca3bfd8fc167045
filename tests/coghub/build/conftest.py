"""A machine of its own for each test, and wheels made on the spot."""

import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from coghub.build.events import Event, Notice
from coghub.settings import Settings, current_settings, read_settings

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


class Recorder:
    """Remembers what was reported."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    @property
    def notices(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Notice)]


@pytest.fixture
def report() -> Recorder:
    return Recorder()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings whose folders are all below the test's own, and that name no index."""
    return isolated_settings(tmp_path)


def isolated_settings(folder: Path) -> Settings:
    environ = {
        "HOME": str(folder / "home"),
        "PATH": current_settings().environ["PATH"],
        "COG_CACHE_DIR": str(folder / "cache"),
        "COG_DATA_DIR": str(folder / "data"),
        "UV_CACHE_DIR": str(folder / "uv-cache"),
        "PIP_CONFIG_FILE": os.devnull,
    }
    (folder / "home").mkdir(exist_ok=True)
    return read_settings(environ)


MakeWheel = Callable[..., Path]


@pytest.fixture(scope="session")
def make_wheel() -> MakeWheel:
    """Return a function that writes a tiny wheel into a folder."""
    return write_wheel


def write_wheel(
    folder: Path, name: str, version: str = "1.0", requires: tuple[str, ...] = ()
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{name.replace('-', '_')}-{version}"
    path = folder / f"{stem}-py3-none-any.whl"
    needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}\n"
    wheel = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files = {
        f"{name.replace('-', '_')}/__init__.py": f"version = {version!r}\n",
        f"{stem}.dist-info/METADATA": metadata,
        f"{stem}.dist-info/WHEEL": wheel,
    }
    record = "".join(f"{one},,\n" for one in [*files, f"{stem}.dist-info/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for inside, content in {**files, f"{stem}.dist-info/RECORD": record}.items():
            archive.writestr(zipfile.ZipInfo(inside), content)
    return path
