"""`make bench`: measure us beside our peers in one run, and print the ratios as tables."""

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from benchmarks import (
    hub_rows,
    image_push,
    images,
    measures,
    peers,
    registries,
    report,
    weights,
)
from benchmarks.databases import DATABASES, Database
from benchmarks.environments import kinds
from benchmarks.measures import FULL, QUICK, SLOTS, Effort
from benchmarks.report import Row


def main() -> None:
    """Measure what was asked for; exit 1 if a limit is not met."""
    arguments = _arguments()
    effort = QUICK if arguments.quick else FULL
    is_met = True
    for section in chosen(arguments.database):
        rows = _measured(section, arguments.only or NAMES, effort)
        if rows:
            print(f"{section.mark}: {report.table(rows, section.peer)}", end="\n\n", flush=True)
        if rows and arguments.write:
            report.write(rows, section.peer, section.mark)
        is_met = is_met and all(row.is_met for row in rows)
    sys.exit(not is_met)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--only", nargs="+", choices=NAMES, help="sections, or single measures")
    databases = parser.add_argument("--database", choices=[*DATABASES, "both"], default="both")
    databases.help = "what a hub keeps its rows in; both are measured without it"
    parser.add_argument("--write", action="store_true", help="put the tables into the README")
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


def blobs(effort: Effort, on: Database) -> list[Row]:
    """Large blobs in and out of the registry."""
    if not registries.is_there():
        print(f"skipped, as {registries.PEER} is not installed", file=sys.stderr)
        return []
    ours, peer = registries.rates(effort, on)
    return [
        Row.ratio("push of a blob of 1 GB", ours.push, peer.push, "MB/s", at_least=0.8),
        Row.ratio("pull of it", ours.pull, peer.pull, "MB/s", at_least=0.8),
    ]


def docker_builds(effort: Effort) -> list[Row]:
    """Images of `cog build`, beside Dockerfiles by hand."""
    docker = images.engine()
    if docker is None:
        print(f"skipped, as no Docker engine with {images.BASE} answers", file=sys.stderr)
        return []
    whole, schema, bare = images.rebuilds(docker, effort)
    first, served, sizes = images.first_builds(docker, effort)
    what = "rebuild after a change of the code, beside"
    return [
        Row.ratio(
            f"{what} the same content, with all labels", whole.ours, whole.peer, "ms", at_most=1.2
        ),
        Row.ratio(
            f"{what} the schema, without the packages' label", schema.ours, schema.peer, "ms"
        ),
        Row.ratio(f"{what} nothing but a COPY", bare.ours, bare.peer, "ms"),
        Row.ratio("first build, warm package cache", first.ours, first.peer, "s", at_most=0.7),
        Row.ratio("the same, beside one with the server too", served.ours, served.peer, "s"),
        Row.surplus("size of the image", sizes.ours, sizes.peer, "MB", at_most=50e6),
    ]


def docker_push(effort: Effort) -> list[Row]:
    """A push of 2 GB of layers, beside `docker push`."""
    docker = images.engine()
    if docker is None or not registries.is_there():
        print("skipped, as there is no Docker engine, or no registry", file=sys.stderr)
        return []
    pushed = image_push.pushes(docker, effort)
    return [
        Row.ratio("push of 2 GB of layers", pushed.ours, pushed.peer, "s", at_most=0.8),
    ]


Measure = Callable[[Effort], list[Row]]


@dataclass(frozen=True)
class Section:
    """Measures that share a table."""

    name: str
    peer: str
    """What stands beside us."""
    measures: Mapping[str, Measure]
    database: Database | None = None
    """What the rows of its hub are in, if it has one."""

    @property
    def mark(self) -> str:
        """Return what its table is called in the README."""
        return self.name + (self.database.mark if self.database else "")


SECTIONS = (
    Section(
        "server",
        "cog + coglet",
        {"latency": latency, "throughput": throughput, "start": start, "command": command},
    ),
    Section("peers", "beside it", peers.MEASURES),
    *(Section("hub", "beside it", hub_rows.measures_on(it), it) for it in DATABASES.values()),
    *(
        Section("registry", registries.PEER, {"blobs": partial(blobs, on=it)}, it)
        for it in DATABASES.values()
    ),
    Section("weights", "curl, aria2c", {"fetch": weights.rows}),
    Section(
        "docker", "by hand, `docker push`", {"images": docker_builds, "image-push": docker_push}
    ),
)
NAMES = list(dict.fromkeys(name for it in SECTIONS for name in (it.name, *it.measures)))


def chosen(database: str) -> list[Section]:
    """Return the sections without a hub, and those on a database, or on `both`."""
    return [it for it in SECTIONS if it.database is None or database in {it.database.name, "both"}]


def _measured(section: Section, wanted: list[str], effort: Effort) -> list[Row]:
    rows: list[Row] = []
    why_not = section.database.missing() if section.database else None
    for name, measure in section.measures.items():
        if section.name not in wanted and name not in wanted:
            continue
        if why_not is not None:
            print(f"skipped: {name} ({section.mark}): {why_not}", file=sys.stderr)
        else:
            print(f"measuring: {name} ({section.mark})", file=sys.stderr)
            rows += measure(effort)
    return rows


if __name__ == "__main__":
    main()
