"""Everything that the server is told: Cog's flags and environment variables, read once."""

import argparse
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LEVELS = {"debug": 10, "info": 20, "warn": 30, "warning": 30, "error": 40}
KEEP = "keep"
FALSE_WORDS = frozenset({"", "0", "false", "no", "off", "none"})

NO_REFERENCE = {
    "predict": "ERROR: COG_PREDICT_TYPE_STUB environment variable is not set.",
    "train": "ERROR: COG_TRAIN_TYPE_STUB environment variable is not set.",
}
NO_REFERENCE_HINT = (
    "Set it to a reference such as `predict.py:Predictor`, or run where cog.yaml is."
)


@dataclass(frozen=True)
class Settings:
    """How this server runs."""

    predict: str | None
    """Reference of the predictor, such as `predict.py:Predictor`."""
    train: str | None
    worker_python: str
    """The interpreter that the worker runs on: the model's."""
    mode: str = "predict"
    """`predict` or `train`: what the worker runs, whatever the route."""
    host: str = "0.0.0.0"  # noqa: S104 - Cog's default; the server lives in a container
    port: int = 5000
    unix_socket: str | None = None
    """Path of a socket to listen on, instead of the port; only the server's user may connect."""
    ready_fd: int | None = None
    """Where to write the port or that path, as a line, once it is bound."""
    reload: str | None = None
    """What a change of the project's source does: `restart` the worker, or `keep` it and swap."""
    await_explicit_shutdown: bool = False
    """SIGTERM is ignored; only `POST /shutdown` and SIGINT end the server."""
    upload_url: str | None = None
    setup_timeout_s: float | None = None
    cancel_grace_s: float = 5.0
    """From a cancel to the end of a worker that does not heed it."""
    queue_size: int = 0
    """Predictions that may wait for a free slot; with 0 they are refused with 409, as by Cog."""
    max_predictions: int = 0
    """The worker is replaced by a fresh one after so many; 0 is never."""
    max_worker_bytes: int = 0
    """It is replaced, too, when it and its children hold more memory after a prediction; 0: never.

    COG_MAX_WORKER_MB, in MiB.
    """
    throttle_s: float = 0.5
    """Shortest time between two `logs` webhooks of a prediction."""
    stream_history: int = 1024
    """Events that a late SSE client is told again."""
    max_input_file_bytes: int = 16 * 1024**3
    """Largest file that is fetched for an input."""
    webhook_token: str | None = None
    user_agent: str | None = None
    """COG_USER_AGENT, sent when an input's file is fetched."""
    fetch_allow: str | None = None
    """Where input files may come from, and outputs and webhooks go to; None is anywhere."""
    openapi_path: str | None = None
    """COG_OPENAPI_SCHEMA: a document that overrules the one made from the model's signature."""
    log_level: int = LEVELS["info"]
    is_console: bool = False
    """Log as text for people, not as JSON lines."""
    health_limit_s: float = 5.0
    """For the model's own health check."""
    restart_pause_s: float = 1.0
    """Before the second start in a row of a worker that dies; doubles with each that follows."""
    max_followers: int = 1024
    """Clients that may follow one prediction at once."""
    ready_file: str | None = None
    """Made at the first healthy answer, for Kubernetes' probes."""

    @property
    def reference(self) -> str | None:
        """The reference of what this server runs."""
        return self.train if self.mode == "train" else self.predict


def read_settings(
    arguments: Sequence[str], environ: Mapping[str, str] | None = None, *, version: str = ""
) -> Settings:
    """Read flags and environment.

    Raises:
        SystemExit: if a flag is wrong, or nothing says what to run.
    """
    environ = os.environ if environ is None else environ
    flags = _parser(version).parse_args(arguments)
    settings = Settings(
        predict=environ.get("COG_PREDICT_TYPE_STUB") or _reference_in_config("predict", "run"),
        train=environ.get("COG_TRAIN_TYPE_STUB") or _reference_in_config("train"),
        worker_python=flags.worker_python or sys.executable,
        mode=flags.x_mode,
        host=flags.host,
        port=_port(environ.get("PORT") or str(Settings.port)),
        unix_socket=flags.unix_socket or environ.get("COG_UNIX_SOCKET") or None,
        ready_fd=flags.ready_fd,
        reload=flags.reload,
        await_explicit_shutdown=flags.await_explicit_shutdown.lower() not in FALSE_WORDS,
        upload_url=flags.upload_url or None,
        setup_timeout_s=_number(environ, "COG_SETUP_TIMEOUT", 0.0) or None,
        cancel_grace_s=_number(environ, "COG_CANCEL_GRACE_S", Settings.cancel_grace_s),
        queue_size=int(_number(environ, "COG_QUEUE_SIZE", Settings.queue_size)),
        max_predictions=int(_number(environ, "COG_MAX_PREDICTIONS", Settings.max_predictions)),
        max_worker_bytes=int(_number(environ, "COG_MAX_WORKER_MB", 0.0) * 1024**2),
        throttle_s=_number(environ, "COG_THROTTLE_RESPONSE_INTERVAL", Settings.throttle_s),
        stream_history=int(
            _number(environ, "COG_STREAM_HISTORY_CAPACITY", Settings.stream_history)
        ),
        max_input_file_bytes=int(
            _number(environ, "COG_MAX_INPUT_FILE_BYTES", Settings.max_input_file_bytes)
        ),
        webhook_token=environ.get("WEBHOOK_AUTH_TOKEN") or None,
        user_agent=environ.get("COG_USER_AGENT") or None,
        fetch_allow=_fetch_allow(environ.get("COG_FETCH_ALLOW")),
        openapi_path=environ.get("COG_OPENAPI_SCHEMA") or None,
        log_level=LEVELS.get(environ.get("COG_LOG_LEVEL", "info").lower(), LEVELS["info"]),
        is_console=environ.get("LOG_FORMAT") == "console"
        or ("LOG_FORMAT" not in environ and sys.stderr.isatty()),
        ready_file="/var/run/cog/ready" if environ.get("KUBERNETES_SERVICE_HOST") else None,
    )
    if settings.reference is None:
        raise SystemExit(f"{NO_REFERENCE[settings.mode]}\n{NO_REFERENCE_HINT}")
    return settings


def _parser(version: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cog.server.http", description="Serve the model of this folder over HTTP"
    )
    add = parser.add_argument
    add("-v", "--version", action="version", version=f"cog {version}")
    add("--host", default="0.0.0.0", help="address to listen on")  # noqa: S104 - as in `Settings`
    add("--await-explicit-shutdown", default="", help="ignore SIGTERM (true or false)")
    add("--x-mode", choices=["predict", "train"], default="predict", help="what to run")
    add("--threads", help="ignored; kept for old images")
    add("--upload-url", help="PUT output files here")
    add("--unix-socket", help="path of a socket to listen on, instead of host and port")
    add("--ready-fd", type=int, help="descriptor that gets port or path as a line once it listens")
    add(
        "--reload",
        choices=["restart", "keep"],
        help="what a change of the source does: a fresh worker, or new code in this one",
    )
    add("--worker-python", help=argparse.SUPPRESS)
    return parser


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:  # noqa: PLR2004 - the largest TCP port
        raise SystemExit(f"ERROR: PORT is not a port number: {text}")
    return int(text)


def _fetch_allow(text: str | None) -> str | None:
    """Return a list of networks; one that means nothing must not come to allow anything."""
    if not text:
        return None
    from cog.network_guard import read_guard  # noqa: PLC0415 - 4 ms that few starts need

    try:
        read_guard(text)
    except ValueError as error:
        raise SystemExit(f"ERROR: COG_FETCH_ALLOW is not a list of networks: {error}") from error
    return text


def _number(environ: Mapping[str, str], name: str, default: float) -> float:
    """Return a number of 0 or more; Cog's server goes on with the default where one is invalid."""
    try:
        number = float(environ.get(name) or default)
    except ValueError:
        number = -1.0
    if 0 <= number < float("inf"):
        return number
    sys.stderr.write(f"warning: `{name}` is not a number of 0 or more and is ignored\n")
    return default


def _reference_in_config(*keys: str) -> str | None:
    """Return a reference from cog.yaml: images made by Cog up to 0.16 have it nowhere else.

    A full YAML reader is not needed for a line such as `predict: "predict.py:Predictor"`.
    """
    try:
        text = Path("cog.yaml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    pattern = rf"""^(?:{"|".join(keys)})\s*:\s*["']?([^"'#\s]+)"""
    found = re.search(pattern, text, re.MULTILINE)
    return found.group(1) if found else None
