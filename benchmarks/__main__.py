"""`make bench`: measure us beside Cog's own server in one run, and print the ratios as a table."""

import argparse
import sys
from collections.abc import Callable

from benchmarks import measures, report
from benchmarks.environments import kinds
from benchmarks.measures import FULL, QUICK, SLOTS, Effort
from benchmarks.report import Row


def main() -> None:
    """Measure what was asked for; exit 1 if a limit is not met."""
    arguments = _arguments()
    effort = QUICK if arguments.quick else FULL
    rows: list[Row] = []
    for name, measure in MEASURES.items():
        if name in (arguments.only or MEASURES):
            print(f"measuring: {name}", file=sys.stderr)
            rows += measure(effort)
    print(report.table(rows))
    if arguments.write:
        report.write(rows)
    sys.exit(not all(row.is_met for row in rows))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--only", nargs="+", choices=list(MEASURES), help="measure these alone")
    parser.add_argument("--write", action="store_true", help="put the table into the README")
    return parser.parse_args()


def latency(effort: Effort) -> list[Row]:
    """One client, a sync predictor."""
    ours, peer = measures.loads(kinds(), "sync", clients=1, slots=1, effort=effort)
    return [
        Row.ratio("no-op prediction, 1 client, p50", ours.p50_s, peer.p50_s, "ms", at_most=0.5),
        Row.errors("errors in it", ours, peer),
    ]


def throughput(effort: Effort) -> list[Row]:
    """As many clients as slots, an async predictor."""
    ours, peer = measures.loads(kinds(), "concurrent", clients=SLOTS, slots=SLOTS, effort=effort)
    what = f"async, {SLOTS} slots, {SLOTS} clients, successes"
    return [
        Row.ratio(what, ours.per_second, peer.per_second, "/s", at_least=5.0),
        Row.errors("errors in it", ours, peer),
    ]


def start(effort: Effort) -> list[Row]:
    """From the start to READY, and the memory of server and worker."""
    ours, peer = measures.starts(kinds(), effort)
    return [
        Row.ratio("server: start to READY", ours.ready_s, peer.ready_s, "ms", at_most=0.8),
        Row.ratio("memory, shared pages shared out (PSS)", ours.pss_bytes, peer.pss_bytes, "MiB"),
        Row.ratio("memory (RSS)", ours.rss_bytes, peer.rss_bytes, "MiB", at_most=1.0),
    ]


def command(effort: Effort) -> list[Row]:
    """The command itself."""
    over, warm = measures.help_over_python_s(effort), measures.warm_predict_s(effort)
    return [
        Row.absolute("`cog --help` over bare Python", over, limit=0.150),
        Row.absolute("`cog predict`, warm small model", warm, limit=1.0),
    ]


MEASURES: dict[str, Callable[[Effort], list[Row]]] = {
    "latency": latency,
    "throughput": throughput,
    "start": start,
    "command": command,
}


if __name__ == "__main__":
    main()
