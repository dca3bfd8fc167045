"""Beside LitServe and BentoML: the model that adds one, and an embedding model with batches.

Their servers run on their own interpreters; `peer_models` has the models in their words.
"""

import json
import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from benchmarks.environments import (
    FOLDER,
    MODELS,
    PEER_PINS,
    ROOT,
    environment,
    ours_on,
    project,
)
from benchmarks.measures import SLOTS, Effort, Load, turn_by_turn
from benchmarks.report import Row
from benchmarks.servers import Kind, start

PEER_MODELS = ROOT / "benchmarks" / "peer_models"
PEER_NAMES = ("LitServe", "BentoML")
MAX_LATENCY, MIN_THROUGHPUT = 0.25, 4.0
MIN_BATCHED, MIN_BESIDE_LITSERVE = 3.0, 1.0


def latency(effort: Effort) -> list[Row]:
    """One client, a sync predictor."""
    ours, *peers = _adders("sync", effort, clients=1, slots=1)
    what = "no-op prediction, 1 client, p50, beside"
    rows = [
        Row.ratio(f"{what} {name}", ours.p50_s, peer.p50_s, "ms", at_most=MAX_LATENCY)
        for name, peer in zip(PEER_NAMES, peers, strict=True)
    ]
    return [*rows, Row.none_wrong("errors in it", ours)]


def throughput(effort: Effort) -> list[Row]:
    """As many clients as slots, an async predictor."""
    ours, *peers = _adders("concurrent", effort, clients=SLOTS, slots=SLOTS)
    what, least = f"async, {SLOTS} clients, successes, beside", MIN_THROUGHPUT
    rows = [
        Row.ratio(f"{what} {name}", ours.per_second, peer.per_second, "/s", at_least=least)
        for name, peer in zip(PEER_NAMES, peers, strict=True)
    ]
    return [*rows, Row.none_wrong("errors in it", ours)]


def batches(effort: Effort) -> list[Row]:
    """An embedding model: in batches, without, and in those of LitServe."""
    python = _embedding_python()
    ours = ours_on(python, COG_QUEUE_SIZE="64")
    batched = shutil.copytree(
        ROOT / "examples" / "embeddings", FOLDER / "projects" / "batched", dirs_exist_ok=True
    )
    runs = [(ours, batched), (ours, MODELS / "unbatched"), (_lit(python, "embeddings"), batched)]
    batched_load, alone, lit = _measured(runs, effort, clients=SLOTS, model="embeddings")
    what = f"embeddings, {SLOTS} clients, in batches, beside"
    return [
        Row.ratio(
            f"{what} the same without",
            batched_load.per_second,
            alone.per_second,
            "/s",
            at_least=MIN_BATCHED,
        ),
        Row.ratio(
            f"{what} LitServe with its batches",
            batched_load.per_second,
            lit.per_second,
            "/s",
            at_least=MIN_BESIDE_LITSERVE,
        ),
        Row.none_wrong("errors in it", batched_load),
        Row.none_wrong("errors without batches", alone),
    ]


def _adders(model: str, effort: Effort, *, clients: int, slots: int) -> list[Load]:
    python = environment("peers", PEER_PINS)
    bento = ("-m", "bentoml", "serve", f"bento_{model}:Adder", "--host", "127.0.0.1")
    kinds = [
        ours_on(environment("model", None)),
        _lit(python, model),
        Kind("bentoml", python, {"BENTOML_DO_NOT_TRACK": "True"}, (*bento, "--port", "{port}"),
             "/readyz", "plain"),
    ]  # fmt: skip
    folders = [project(model), PEER_MODELS, PEER_MODELS]
    runs = list(zip(kinds, folders, strict=True))
    return _measured(runs, effort, clients=clients, slots=slots)


def _measured(
    runs: list[tuple[Kind, Path]],
    effort: Effort,
    *,
    clients: int,
    slots: int = 1,
    model: str = "adder",
) -> list[Load]:
    """Start each kind on its folder, and measure them turn by turn."""
    with ExitStack() as stack:
        servers = []
        for kind, folder in runs:
            log = FOLDER / f"{folder.name}-{kind.name}.log"
            servers.append(start(kind, folder, log, slots=slots))
            stack.callback(servers[-1].stop)
        return turn_by_turn(servers, effort, clients=clients, model=model)


def _lit(python: Path, model: str) -> Kind:
    command = (str(PEER_MODELS / f"lit_{model}.py"), "{port}")
    return Kind("litserve", python, {}, command, "/health", "plain")


def _embedding_python() -> Path:
    """Return an interpreter with what the example needs, and LitServe; `cog` makes it."""
    folder = FOLDER / "projects" / "embeddings-environment"
    shutil.copytree(ROOT / "examples" / "embeddings", folder, dirs_exist_ok=True)
    pinned = [
        line.partition(" ")[0]
        for line in PEER_PINS.read_text().splitlines()
        if "litserve==" in line
    ]
    requirements = folder / "requirements.txt"
    requirements.write_text("\n".join([requirements.read_text(), *pinned, ""]))
    show = "import json, sys; print(json.dumps(sys.executable))"
    command = [str(Path(sys.executable).parent / "cog"), "exec", "python", "-c", show]
    environ = {**os.environ, "COG_ENGINE": "local", "COG_CACHE_DIR": str(FOLDER / "cache")}
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return Path(json.loads(done.stdout.splitlines()[-1]))


MEASURES = {"peer-latency": latency, "peer-throughput": throughput, "batches": batches}
