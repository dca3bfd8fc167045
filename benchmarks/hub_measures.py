"""The measurements of the hub, each interleaved with what it is compared to (A B A B …)."""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from http.client import HTTPConnection
from typing import Any

from benchmarks.databases import Database
from benchmarks.environments import FOLDER, kinds, project
from benchmarks.hub import KEEP_ALL, OPEN_QUEUE, Hub, running_hub
from benchmarks.measures import SLOTS, Ask, Effort, Load, load_client, together
from benchmarks.old_predictions import SPAN_S
from benchmarks.servers import side_by_side

try:
    import replicate
except ImportError:
    replicate = None

CALLS_PER_ROUND = 40
FEW_ROWS = 1_000
Sample = list[float]


@dataclass(frozen=True)
class Additions:
    """Medians of one warm prediction: asked of the instance, and of a hub in two ways."""

    direct: Load
    raw: Load
    official_s: float | None
    """None where the official client is not installed."""


def additions(effort: Effort, on: Database) -> Additions:
    """Measure a prediction with one client, of the model's own server and through a hub."""
    ours = [kinds()[0]]
    with (
        running_hub("addition", on) as hub,
        side_by_side(ours, project("sync"), FOLDER) as [server],
        load_client() as ask,
    ):
        order = _order(hub, hub.push_model("sync"), clients=1)
        official = _official(hub, str(order["version"]))
        _warm_up(ask, order)
        seen: tuple[list[Any], list[Any], Sample] = [], [], []
        for _ in range(effort.rounds):
            seen[0].append(ask(port=server.port, clients=1, seconds=effort.round_s))
            seen[1].append(ask(**order, seconds=effort.round_s))
            seen[2].extend(_timed(official, range(CALLS_PER_ROUND)) if official else ())
    direct, median = together(seen[0]), statistics.median(seen[2]) if seen[2] else None
    if direct.errors:
        raise RuntimeError(f"the instance itself failed: {direct.first_error}")
    return Additions(direct, together(seen[1]), median)


def _official(hub: Hub, version: str) -> Callable[[int], None] | None:
    """Return what runs one prediction by the official client, and checks its output."""
    if replicate is None:
        return None
    client = replicate.Client(api_token=hub.token, base_url=hub.process.address)

    def run(number: int) -> None:
        output = client.run(f"{hub.owner}/sync:{version}", input={"number": number})
        if output != number + 1:
            raise RuntimeError(f"the hub answered {output} for {number}")

    return run


def _timed(call: Callable[[int], None], numbers: range) -> Sample:
    return [_seconds(lambda number=number: call(number)) for number in numbers]


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _order(hub: Hub, version: str, *, clients: int) -> dict[str, Any]:
    return {"port": hub.port, "clients": clients, "token": hub.token, "version": version}


def _warm_up(ask: Ask, order: dict[str, Any]) -> None:
    """Have the instance started: its environment is made, and `setup()` run."""
    first = ask(**{**order, "clients": 1}, seconds=0.01)
    if first["errors"]:
        raise RuntimeError(f"the first prediction failed: {first['first_error']}")
    ask(**order, seconds=1)


@dataclass(frozen=True)
class Busy:
    """Many clients, and what the hub's own process used for one prediction."""

    load: Load
    cpu_s: float


def busy(effort: Effort, on: Database) -> Busy:
    """Measure a hub under as many clients as its instance has slots."""
    with running_hub("busy", on) as hub, load_client() as ask:
        order = _order(hub, hub.push_model("concurrent"), clients=SLOTS)
        _warm_up(ask, order)
        rounds, used_s = [], 0.0
        for _ in range(effort.rounds):
            before_s = hub.cpu_s()
            rounds.append(ask(**order, seconds=effort.round_s))
            used_s += hub.cpu_s() - before_s
    load = together(rounds)
    return Busy(load, used_s / max(load.successes, 1))


class Caller:
    """Asks a hub over one kept-alive connection, and times it."""

    def __init__(self, hub: Hub, version: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", hub.port)
        self._headers = {"Authorization": f"Bearer {hub.token}"}
        self._version = version

    def close(self) -> None:
        """Let go."""
        self._connection.close()

    def get(self, path: str) -> tuple[float, Any]:
        """Return seconds and body of a GET."""
        return self._call("GET", path, None, 200)

    def create(self, number: int) -> tuple[float, Any]:
        """Return seconds and body of a new prediction, which is not waited for."""
        body = json.dumps({"version": self._version, "input": {"number": number}})
        return self._call("POST", "/v1/predictions", body, 201)

    def end_of(self, prediction_id: str, number: int) -> None:
        """Wait for the end of a prediction, and check it."""
        while True:
            _, found = self.get(f"/v1/predictions/{prediction_id}")
            if found["status"] not in {"starting", "processing"}:
                break
        if found["output"] != number + 1:
            raise RuntimeError(f"the hub answered {found} for {number}")

    def _call(self, method: str, path: str, body: str | None, status: int) -> tuple[float, Any]:
        started = time.perf_counter()
        self._connection.request(method, path, body, self._headers)
        answer = self._connection.getresponse()
        content = answer.read()
        elapsed_s = time.perf_counter() - started
        if answer.status != status:
            raise RuntimeError(f"{method} {path} was answered {answer.status}: {content[:300]!r}")
        return elapsed_s, json.loads(content)


Request = Callable[[Caller, int, list[str]], float]


@contextmanager
def _filled(name: str, count: int, on: Database) -> Iterator[tuple[Caller, list[str]]]:
    """Run a hub whose database holds old predictions; also return ids of some of them."""
    with running_hub(name, on, **OPEN_QUEUE, **KEEP_ALL) as hub:
        version = hub.push_model("sync")
        with closing(Caller(hub, version)) as caller:
            _, first = caller.create(1)
            caller.end_of(first["id"], 1)
            hub.process.stop()
            hub.rows.fill(count)
            hub.process.restart()
        with closing(Caller(hub, version)) as caller:
            yield caller, hub.rows.some_ids()


def old_rows(effort: Effort, on: Database) -> dict[str, tuple[float, float]]:
    """Return, for each kind of request, the median with few and with many old predictions."""
    with (
        _filled("few", FEW_ROWS, on) as (few, few_ids),
        _filled("many", effort.rows, on) as (many, ids),
    ):
        sides = ((few, few_ids), (many, ids))
        for caller, _ in sides:  # starts the instance
            _create(caller, 1, [])
        seen: dict[str, tuple[Sample, Sample]] = {what: ([], []) for what in REQUESTS}
        for number in range(effort.requests):
            for what, request in REQUESTS.items():
                for side in (0, 1) if number % 2 else (1, 0):  # whoever is asked first is colder
                    caller, old_ids = sides[side]
                    seen[what][side].append(request(caller, number, old_ids))
    return {what: _medians(*times) for what, times in seen.items()}


def _medians(few: Sample, many: Sample) -> tuple[float, float]:
    return statistics.median(few), statistics.median(many)


def _create(caller: Caller, number: int, old_ids: list[str]) -> float:
    del old_ids
    elapsed_s, made = caller.create(number)
    caller.end_of(made["id"], number)
    return elapsed_s


def _get_old(caller: Caller, number: int, old_ids: list[str]) -> float:
    wanted = old_ids[number % len(old_ids)]
    elapsed_s, found = caller.get(f"/v1/predictions/{wanted}")
    if found["id"] != wanted:
        raise RuntimeError(f"the hub answered {found} for {wanted}")
    return elapsed_s


def _list(query: str, least: int) -> Request:
    def ask(caller: Caller, number: int, old_ids: list[str]) -> float:
        del number, old_ids
        elapsed_s, found = caller.get(f"/v1/predictions{query}")
        if len(found["results"]) < least:
            raise RuntimeError(f"the hub listed {len(found['results'])} for {query}")
        return elapsed_s

    return ask


def _half_time() -> str:
    """Return a moment in the middle of the old predictions."""
    moment = datetime.now(timezone.utc) - timedelta(seconds=SPAN_S / 2)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


PAGE_ROWS = 100
REQUESTS: dict[str, Request] = {
    "create": _create,
    "get": _get_old,
    "list, first page": _list("", PAGE_ROWS),
    "list, `source=web`": _list("?source=web", PAGE_ROWS),
    "list, `created_before=`": _list(f"?created_before={_half_time()}", PAGE_ROWS),
}
