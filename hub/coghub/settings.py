"""Every setting of the commands, read once from the environment and passed down."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from coghub.domain.errors import SettingInvalid

ENGINES = ("local", "docker")
PUSH_CONCURRENCY = 5
PUSH_CHUNK_BYTES = 96 * 1024**2
PUSH_THRESHOLD_BYTES = 128 * 1024**2
"""As Cog's own; proxies commonly refuse a request of more than 100 MB."""


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
    docker_folder: Path | None = None
    """Folder of Docker's `config.json`, where credentials of registries are kept."""
    registry_host: str | None = None
    """Host of a push or pull that names none, such as `hub.example` or `http://127.0.0.1:5100`."""
    push_concurrency: int = PUSH_CONCURRENCY
    """How many blobs of a push or pull travel at once."""
    push_chunk_bytes: int = PUSH_CHUNK_BYTES
    """Bytes in one piece of a large blob."""
    push_threshold_bytes: int = PUSH_THRESHOLD_BYTES
    """A blob above this is sent in pieces, each of which can be sent again."""
    base_image: str | None = None
    """An image with Python, which builds begin with in place of the one that is chosen."""
    apt_mirror: str | None = None
    """An address in place of `http://deb.debian.org` and `http://archive.ubuntu.com`."""
    torch_index: str | None = None
    """An address in place of `https://download.pytorch.org/whl`; `none` leaves it out."""
    ca_certificate: str | None = None
    """A file or folder of certificates, or their text, which builds and images trust."""
    sdk_wheel: str | None = None
    """A wheel of `coghub-sdk` that images get in place of this command's own."""
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
        docker_folder=Path(environ.get("DOCKER_CONFIG") or home / ".docker"),
        registry_host=environ.get("COG_REGISTRY_HOST", "").strip() or None,
        push_concurrency=_count(environ, "COG_PUSH_CONCURRENCY", PUSH_CONCURRENCY),
        push_chunk_bytes=_count(environ, "COG_PUSH_DEFAULT_CHUNK_SIZE", PUSH_CHUNK_BYTES),
        push_threshold_bytes=_count(environ, "COG_PUSH_MULTIPART_THRESHOLD", PUSH_THRESHOLD_BYTES),
        base_image=environ.get("COG_BASE_IMAGE", "").strip() or None,
        apt_mirror=_address(environ, "COG_APT_MIRROR"),
        torch_index=_address(environ, "COG_TORCH_INDEX", also="none"),
        ca_certificate=environ.get("COG_CA_CERT", "").strip() or None,
        sdk_wheel=environ.get("COG_SDK_WHEEL", "").strip() or None,
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


def _address(environ: Mapping[str, str], name: str, *, also: str | None = None) -> str | None:
    address = environ.get(name, "").strip()
    if not address:
        return None
    if address != also and not address.startswith(("http://", "https://")):
        raise SettingInvalid(f"`{name}` is no http:// or https:// address: {address}")
    return address.rstrip("/")


def _count(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, "").strip()
    if not text:
        return default
    if not text.isascii() or not text.isdecimal() or int(text) == 0:
        raise SettingInvalid(f"`{name}` is not a whole number above 0: {text}")
    return int(text)
