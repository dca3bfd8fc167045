"""Rows of the table: what was measured, beside whom, and whether the limit is met."""

import os
import platform
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

from benchmarks.environments import PINS
from benchmarks.measures import Load

README = Path(__file__).with_name("README.md")
MARKS = "<!-- table: made by `make bench BENCH_ARGS=--write` -->", "<!-- end of table -->"
SCALES = {"s": 1.0, "ms": 1e3, "MB": 1e-6, "/s": 1.0, "MB/s": 1e-6, "MiB": 1 / 2**20}


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    ours: str
    peer: str
    result: str
    limit: str
    is_met: bool

    @classmethod
    def ratio(
        cls,
        what: str,
        ours: float,
        peer: float,
        unit: str,
        *,
        at_most: float | None = None,
        at_least: float | None = None,
    ) -> "Row":
        """Compare us with the peer; without a limit the row is for the reader only."""
        ratio = ours / peer
        is_met = (at_most is None or ratio <= at_most) and (at_least is None or ratio >= at_least)
        limit = f"≤ {at_most}×" if at_most else f"≥ {at_least}×" if at_least else ""
        shown = [f"{value * SCALES[unit]:.4g} {unit}" for value in (ours, peer)]
        return cls(
            what, *shown, f"{ratio:.2f}×" if ratio >= 0.1 else f"{ratio:.2g}×", limit, is_met
        )

    @classmethod
    def errors(cls, what: str, ours: Load, peer: Load) -> "Row":
        """Show both sides' errors and refusals; ours must be none of either."""
        shown = [f"{one.errors} of {one.successes}, {one.busy} busy" for one in (ours, peer)]
        wrong = ours.errors + ours.busy
        result = str(wrong) if not ours.first_error else f"{wrong}: {ours.first_error}"
        return cls(what, *shown, result, "0", wrong == 0)

    @classmethod
    def none_wrong(cls, what: str, load: Load) -> "Row":
        """Show our own errors and refusals; there must be none of either."""
        wrong = load.errors + load.busy
        result = str(wrong) if not load.first_error else f"{wrong}: {load.first_error}"
        shown = f"{load.errors} of {load.successes}, {load.busy} refused"
        return cls(what, shown, "", result, "0", wrong == 0)

    @classmethod
    def at_least(cls, what: str, value: float, unit: str, *, limit: float) -> "Row":
        """An amount of ours alone."""
        shown = f"{value * SCALES[unit]:.4g} {unit}"
        return cls(what, shown, "", shown, f"≥ {limit:g} {unit}", value >= limit)

    @classmethod
    def addition(
        cls, what: str, ours: float, beside: float, *, limit: float | None = None
    ) -> "Row":
        """How much longer ours takes than what it is added to, in seconds."""
        shown = [f"{value * 1e3:.4g} ms" for value in (ours, beside)]
        added = ours - beside
        said = "" if limit is None else f"≤ {limit * 1e3:g} ms"
        return cls(what, *shown, f"{added * 1e3:+.2f} ms", said, limit is None or added <= limit)

    @classmethod
    def surplus(cls, what: str, ours: float, peer: float, unit: str, *, at_most: float) -> "Row":
        """How much more ours is."""
        scale = SCALES[unit]
        shown = [f"{value * scale:.4g} {unit}" for value in (ours, peer)]
        more = ours - peer
        result, limit = f"{more * scale:+.3g} {unit}", f"≤ +{at_most * scale:g} {unit}"
        return cls(what, *shown, result, limit, more <= at_most)

    @classmethod
    def skipped(cls, what: str, reason: str) -> "Row":
        """What could not be measured here."""
        return cls(what, "", "", f"skipped: {reason}", "", is_met=True)

    @classmethod
    def absolute(cls, what: str, seconds: float, *, limit: float) -> "Row":
        """A time of ours alone."""
        shown = f"{seconds * 1e3:.3g} ms"
        return cls(what, shown, "", shown, f"≤ {limit * 1e3:.0f} ms", seconds <= limit)

    @classmethod
    def amount(cls, what: str, size_bytes: float, *, limit: float) -> "Row":
        """Bytes of ours alone."""
        shown = f"{size_bytes / 1e3:.3g} kB"
        return cls(what, shown, "", shown, f"≤ {limit / 1e3:g} kB", size_bytes <= limit)


def table(rows: list[Row], peer: str) -> str:
    """Return rows as Markdown, under a line that names machine and versions."""
    lines = [
        machine(),
        "",
        f"| what | coghub | {peer} | result | limit | met |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [row.what, row.ours, row.peer, row.result, row.limit, "yes" if row.is_met else "NO"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def machine() -> str:
    """Return a sentence with the day, the machine and the versions."""
    day = datetime.now(timezone.utc).date()
    peer = ", ".join(re.findall(r"^cog(?:let)?==[\d.]+", PINS.read_text(), re.MULTILINE))
    return (
        f"{day}, {_processor()}, {os.cpu_count()} cores, {platform.system()} "
        f"{platform.release().split('-')[0]}, Python {platform.python_version()}; "
        f"coghub {version('coghub')}; {peer.replace('==', ' ')}."
    )


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.*)", described.read_text()) if described.exists() else []
    return names[0] if names else platform.machine()


def write(rows: list[Row], peer: str, section: str) -> None:
    """Replace a section's table in the README."""
    begin, end = f"<!-- {section}: written by `make bench` -->", f"<!-- end of {section} -->"
    before, _, rest = README.read_text(encoding="utf-8").partition(begin)
    after = rest.partition(end)[2]
    README.write_text(f"{before}{begin}\n{table(rows, peer)}\n{end}{after}", encoding="utf-8")
