"""Every setting of a hub, read once: flags beat the environment, which beats the file.

A setting `queue_limit` is the flag's or the file's `queue-limit`, and `COGHUB_QUEUE_LIMIT` in the
environment.
"""

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from coghub.domain.errors import SettingInvalid
from coghub.domain.hardware import Limit
from coghub.setting_values import (
    database,
    level,
    limits,
    networks,
    one_of,
    path,
    seconds,
    storage,
    text,
    url,
    whole,
    yes_or_no,
)

PREFIX = "COGHUB_"
WEEK_S = 7 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class HubSettings:
    """How a hub runs."""

    data: Path
    """The folder with everything that the hub knows."""
    database: str | None = field(default=None, repr=False)
    """Where the rows are: `postgresql://user@host/name`; else a file in the data folder."""
    storage: str | None = None
    """Where blobs and files are: `s3://bucket/prefix`, or a folder; else in the data folder."""
    redirect_blobs: bool = True
    """Pulls from S3 are sent to the bucket; `false` where clients cannot reach it."""
    host: str = "127.0.0.1"
    """The address to listen on; `0.0.0.0` lets other machines in."""
    port: int = 5100
    """The port to listen on; 0 takes a free one."""
    public_url: str | None = None
    """How others reach the hub, such as `https://hub.example`; else the request's Host says."""
    tls_cert: Path | None = None
    """A file with the certificate chain (PEM), for https without a proxy."""
    tls_key: Path | None = None
    """The file with its key (PEM)."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks of proxies whose forwarded headers are believed."""
    allow_networks: tuple[str, ...] = ()
    """Networks that inputs and webhooks may reach although the guard would refuse them."""
    metrics_networks: tuple[str, ...] = ()
    """Networks whose machines may read `/metrics`; else it takes an administrator's token."""
    allow_anonymous: bool = False
    """Public models may be run on their pages, read by the API and pulled without an account."""
    sign_up: str = "closed"
    """`open` lets everyone who reaches the pages make an account; `closed` leaves it to you."""
    executor: str = "local"
    """What runs models: `local` as processes of this machine, `docker` in containers."""
    docker_network: str = "internet"
    """What models in containers reach: the `internet`, or with `none` the hub alone."""
    hardware_limits: Mapping[str, Limit] = field(default_factory=dict)
    """What a container may use, by hardware, such as `cpu:cpus=2,memory=8GiB`; else no limit."""
    is_root_read_only: bool = False
    """Containers may write to /tmp and their home only: not all models can live with that."""
    cpu_instances: int = field(default_factory=lambda: os.cpu_count() or 1)
    """How many instances may run on the CPU at once."""
    queue_limit: int = 10_000
    """How many predictions may wait; beyond, new ones are answered with 429."""
    account_queue_limit: int = 2_000
    """How many predictions of one account may wait."""
    predictions_per_minute: int = 0
    """How many predictions one token may make in a minute, else 429; 0 sets no limit."""
    requests_per_minute: int = 0
    """How many other requests to the API one token may make in a minute; 0 sets no limit."""
    queue_timeout_s: float = 24 * 3600.0
    """Longest wait for an instance, in seconds; a prediction fails after it."""
    setup_timeout_s: float = 600.0
    """Longest time from an instance's start to the end of its setup, in seconds."""
    run_timeout_s: float = 1800.0
    """Longest run of a prediction, in seconds; it fails after it."""
    training_timeout_s: float = 24 * 3600.0
    """Longest run of a training, in seconds, before it fails."""
    idle_timeout_s: float = 300.0
    """An instance that did nothing for so long is stopped, in seconds."""
    leave_timeout_s: float = 60.0
    """A hub that stops while others serve ends what it runs for so long at most, in seconds."""
    retention_s: float = 3600.0
    """Input, output, logs and files of API predictions are kept so long after their end."""
    file_expiry_s: float = 24 * 3600.0
    """Uploaded files are kept so long, in seconds."""
    gc_grace_s: float = 24 * 3600.0
    """Blobs that no manifest names are kept so long after their last use, in seconds."""
    upload_expiry_s: float = WEEK_S
    """An unfinished upload is dropped so long after its last byte, in seconds."""
    account_upload_limit: int = 500
    """How many unfinished uploads to the registry one account may have."""
    is_durable: bool = False
    """Answered states survive a power cut too, not only a crash; writes take longer."""
    log_level: str = "info"
    """`debug`, `info`, `warning` or `error`."""
    log_format: str = "console"
    """`console` is `key=value` for people; `json` is one object a line, also for tracebacks."""


def read_hub_settings(
    flags: Mapping[str, Any], environ: Mapping[str, str], *, default_data: Path
) -> HubSettings:
    """Return the settings of a hub.

    Args:
        flags: name → value, as the command line gave them; None where it did not.
        environ: the environment.
        default_data: the data folder where nothing names one.

    Raises:
        SettingInvalid: naming the first setting with a value that cannot be used.
    """
    sources = [_of_flags(flags), _of_environ(environ)]
    file = flags.get("config") or environ.get(f"{PREFIX}CONFIG")
    sources += [_of_file(Path(file))] if file else []
    given: dict[str, Any] = {"data": default_data}
    for source in reversed(sources):
        for name, (where, value) in source.items():
            given[name] = _value(name, where, value)
    settings = HubSettings(**given)
    _check_together(settings)
    return settings


_Source = dict[str, tuple[str, Any]]
"""Setting → how the user calls it there, and the value as it was written."""


def _of_flags(flags: Mapping[str, Any]) -> _Source:
    return {
        name: (f"--{name.replace('_', '-')}", value)
        for name, value in flags.items()
        if value is not None and name != "config"
    }


def _of_environ(environ: Mapping[str, str]) -> _Source:
    found = dict[str, tuple[str, Any]]()
    for variable, value in environ.items():
        name = variable.removeprefix(PREFIX).lower()
        if variable.startswith(PREFIX) and name != "config" and value:
            _require_known(name, variable)
            found[name] = (variable, value)
    return found


def _of_file(file: Path) -> _Source:
    try:
        content = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise SettingInvalid(
            f"Could not read the settings file {file}: {error.strerror}"
        ) from error
    except (ValueError, RecursionError) as error:  # not UTF-8, not TOML, a zero in the name
        raise SettingInvalid(f"The settings file {file} is not TOML: {error}") from error
    found = dict[str, tuple[str, Any]]()
    for key, value in content.items():
        where = f"{key} in {file}"
        name = key.replace("-", "_")
        _require_known(name, where)
        found[name] = (where, value)
    return found


def _require_known(name: str, where: str) -> None:
    if name not in _READERS:
        raise SettingInvalid(f"No such setting: {where}", hint="See docs/reference/settings.md")


def _check_together(settings: HubSettings) -> None:
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise SettingInvalid("`tls-cert` and `tls-key` need each other")


def _value(name: str, where: str, value: Any) -> Any:
    try:
        return _READERS[name](value)
    except ValueError as error:
        raise SettingInvalid(f"`{where}` is not {error}: {value}") from error


MAX_PORT = 65535

_READERS: Mapping[str, Callable[[Any], Any]] = {
    "data": path,
    "database": database,
    "storage": storage,
    "redirect_blobs": yes_or_no,
    "host": text,
    "port": whole(0, MAX_PORT),
    "public_url": url,
    "tls_cert": path,
    "tls_key": path,
    "trusted_proxies": networks,
    "allow_networks": networks,
    "metrics_networks": networks,
    "allow_anonymous": yes_or_no,
    "sign_up": one_of("open", "closed"),
    "executor": one_of("local", "docker"),
    "docker_network": one_of("internet", "none"),
    "hardware_limits": limits,
    "is_root_read_only": yes_or_no,
    "cpu_instances": whole(0),
    "queue_limit": whole(1),
    "account_queue_limit": whole(1),
    "predictions_per_minute": whole(0),
    "requests_per_minute": whole(0),
    "queue_timeout_s": seconds,
    "setup_timeout_s": seconds,
    "run_timeout_s": seconds,
    "training_timeout_s": seconds,
    "idle_timeout_s": seconds,
    "leave_timeout_s": seconds,
    "retention_s": seconds,
    "file_expiry_s": seconds,
    "gc_grace_s": seconds,
    "upload_expiry_s": seconds,
    "account_upload_limit": whole(1),
    "is_durable": yes_or_no,
    "log_level": level,
    "log_format": one_of("console", "json"),
}
assert set(_READERS) == {each.name for each in fields(HubSettings)}
