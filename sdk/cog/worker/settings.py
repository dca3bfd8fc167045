"""What the worker is told at its start: flags from the server, and the environment."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """How this worker runs; every field but the last two comes from the server's flags."""

    socket: int
    """Descriptor of the stream socket to the server."""
    exchange: str
    """A private folder, made and removed by the server: large frames, temporary output files."""
    predict: str | None = None
    """Reference of the predictor, such as `predict.py:Predictor`."""
    train: str | None = None
    mode: str = "predict"
    """`predict` or `train`: which of the two this worker runs."""
    keeps: bool = False
    """New source is swapped into this process: see `swap`."""
    life: int | None = None
    """Descriptor of a pipe that reads as ended once the server is gone."""
    max_concurrency: str | None = None
    """COG_MAX_CONCURRENCY as written; it overrules what the model's decorator says."""
    weights: str | None = None
    """COG_WEIGHTS: a URL or a path, for `setup(weights)`."""

    @property
    def reference(self) -> str | None:
        """The reference of what this worker runs."""
        return self.train if self.mode == "train" else self.predict

    def may_overlap(self) -> bool:
        """Say whether predictions might run at the same time, before the model is imported.

        Not sure yet when it is the model's decorator that decides: then its source mentions it.
        """
        if self.max_concurrency is not None:
            return slots(self.max_concurrency, declared=None) > 1
        file = (self.reference or "").partition(":")[0]
        try:
            return b"concurrent" in Path(file).read_bytes()
        except OSError:
            return False


def read_settings(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> Settings:
    """Read flags that come in pairs, `--name value`; argparse would cost 6 ms of each start.

    Raises:
        SystemExit: if a flag is unknown, or a needed one is missing.
    """
    flags = dict(zip(arguments[::2], arguments[1::2], strict=False))
    try:
        settings = Settings(
            socket=int(flags.pop("--socket")),
            exchange=flags.pop("--exchange"),
            predict=flags.pop("--predict", None),
            train=flags.pop("--train", None),
            mode=flags.pop("--mode", "predict"),
            keeps=flags.pop("--keeps", "0") == "1",
            life=int(flags.pop("--life")) if "--life" in flags else None,
            max_concurrency=environ.get("COG_MAX_CONCURRENCY"),
            weights=environ.get("COG_WEIGHTS") or None,
        )
    except (KeyError, ValueError) as error:
        raise SystemExit(f"cog.worker is started by cog.server: {error} in {arguments}") from error
    if flags:
        raise SystemExit(f"cog.worker is started by cog.server: unknown {', '.join(flags)}")
    return settings


def slots(written: str | None, *, declared: int | None) -> int:
    """Return how many predictions may run at once: COG_MAX_CONCURRENCY, else the decorator's."""
    if written is None:
        return declared or 1
    try:
        return max(1, int(written))
    except ValueError:
        return 1
