"""Every setting of the commands, read once from the environment and passed down."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from coghub.domain.errors import SettingInvalid

ENGINES = ("local", "docker")


@dataclass(frozen=True, slots=True)
class Settings:
    """How the commands run on this machine."""

    home: Path
    cache_folder: Path
    """What can be made again: environments, unpacked bundles, the SDK as models see it."""
    data_folder: Path
    """What cannot: the store of bundles."""
    engine: str | None = None
    """`local` or `docker`; None chooses by what answers."""
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The whole environment as it was at the start, for the processes that are started."""


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings that an environment says.

    Raises:
        SettingInvalid: if a variable has a value that cannot be used; the message names it.
    """
    home = Path(environ.get("HOME") or Path.home())
    return Settings(
        home=home,
        cache_folder=_folder(environ, "COG_CACHE_DIR", "XDG_CACHE_HOME", home / ".cache"),
        data_folder=_folder(environ, "COG_DATA_DIR", "XDG_DATA_HOME", home / ".local/share"),
        engine=_engine(environ),
        environ=dict(environ),
    )


def current_settings() -> Settings:
    """Return the settings of this process."""
    return read_settings(os.environ)


def _folder(environ: Mapping[str, str], own: str, shared: str, default: Path) -> Path:
    """Return our own variable's folder as it stands, or `coghub` in the shared or default one."""
    if environ.get(own):
        return Path(environ[own]).expanduser().absolute()
    base = Path(environ.get(shared) or default)
    return (base if base.is_absolute() else default) / "coghub"


def _engine(environ: Mapping[str, str]) -> str | None:
    engine = environ.get("COG_ENGINE", "").strip().lower()
    if not engine or engine == "auto":
        return None
    if engine not in ENGINES:
        raise SettingInvalid(f"`COG_ENGINE` is not one of local, docker, auto: {engine}")
    return engine
