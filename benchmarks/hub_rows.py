"""The rows of the hub's table: what is measured, beside what, and the limits."""

from collections.abc import Callable, Mapping
from functools import partial

from benchmarks import hub_measures, moving_bytes, pages
from benchmarks.databases import Database
from benchmarks.hub_measures import FEW_ROWS
from benchmarks.measures import SLOTS, Effort
from benchmarks.report import Row

MAX_ADDITION_S = 0.010
MIN_PER_SECOND = 200.0
MAX_CPU_S = 0.004
MAX_GROWTH = 1.2
MAX_SENT_AGAIN = 0.01
MAX_P99_S = 0.050


def addition(effort: Effort, on: Database) -> list[Row]:
    """One client, a sync predictor, beside a direct call to an instance."""
    found = hub_measures.additions(effort, on)
    direct_s = found.direct.p50_s
    what = "warm no-op prediction, {}, p50, beside the instance itself"
    official = what.format("official client")
    return [
        Row.skipped(official, "`replicate` is not installed")
        if found.official_s is None
        else Row.addition(official, found.official_s, direct_s, limit=MAX_ADDITION_S),
        Row.addition(what.format("bare HTTP"), found.raw.p50_s, direct_s, limit=MAX_ADDITION_S),
        Row.none_wrong("errors in it", found.raw),
    ]


def load(effort: Effort, on: Database) -> list[Row]:
    """As many clients as slots, an async predictor."""
    found = hub_measures.busy(effort, on)
    what = f"predictions through the hub, {SLOTS} clients"
    return [
        Row.at_least(what, found.load.per_second, "/s", limit=MIN_PER_SECOND),
        Row.absolute("CPU of the hub's process for each", found.cpu_s, limit=MAX_CPU_S),
        Row.none_wrong("errors in it", found.load),
    ]


def rows(effort: Effort, on: Database) -> list[Row]:
    """A database with many old predictions, beside one with few."""
    amounts = f"{effort.rows:,} old predictions beside {FEW_ROWS:,}, p50"
    return [
        Row.ratio(f"{what}: {amounts}", many_s, few_s, "ms", at_most=MAX_GROWTH)
        for what, (few_s, many_s) in hub_measures.old_rows(effort, on).items()
    ]


def push(effort: Effort, on: Database) -> list[Row]:
    """A push after a change of the code, beside the first one."""
    first, second = moving_bytes.second_push(effort, on)
    size = f"{effort.weights_bytes / 2**30:g} GiB of weights, 1 MB of code"
    what = f"bytes sent by the second push, code changed ({size}), beside the first"
    return [Row.ratio(what, second, first, "MiB", at_most=MAX_SENT_AGAIN)]


def transfers(effort: Effort, on: Database) -> list[Row]:
    """Polls while bytes move."""
    alone, beside = moving_bytes.beside_transfers(effort, on)
    size = f"{effort.moved_bytes / 2**30:g} GiB"
    what = f"GET of a prediction while a push of {size} and a pull run"
    return [
        Row.addition(f"{what}, p50, beside none", beside.p50_s, alone.p50_s),
        Row.absolute(f"{what}, p99", beside.p99_s, limit=MAX_P99_S),
    ]


MEASURES = {
    "addition": addition,
    "load": load,
    "rows": rows,
    "push": push,
    "transfers": transfers,
    "pages": pages.rows,
}


def measures_on(on: Database) -> Mapping[str, Callable[[Effort], list[Row]]]:
    """Return the measures of a hub on a kind of database."""
    return {name: partial(measure, on=on) for name, measure in MEASURES.items()}
