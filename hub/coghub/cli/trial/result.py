"""What came of each test, and how it is told: a line each, and beneath it why not."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from coghub.cli.output import Console

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Result:
    """The verdict on one thing that was tried."""

    name: str
    reasons: tuple[str, ...] = ()
    """Why it did not pass; none if it did."""
    logs: str = ""
    duration_s: float | None = None
    kind: str = "tests"
    """`tests`, `against`, `fuzz` or `start`."""

    @property
    def has_passed(self) -> bool:
        """Whether it is as it has to be."""
        return not self.reasons


def tell(console: Console, result: Result, *, is_result: bool = True) -> None:
    """Say the line of a result; reasons, and what the model printed, only of one that failed.

    Of inputs that were drawn only those are told that show a fault.

    Args:
        console: of the command.
        result: what came of it.
        is_result: whether it goes to stdout.
    """
    if result.kind == "fuzz" and result.has_passed:
        return
    mark = "✓" if result.has_passed else "✗"
    took = "" if result.duration_s is None else f" ({result.duration_s:.2f} s)"
    lines = [f"{mark} {result.name}{took}"]
    for reason in result.reasons:
        lines += [f"    {_harmless(line)}" for line in reason.splitlines()]
    say_line(console, "\n".join(lines), is_result=is_result)
    if result.reasons and result.logs:
        console.say(f"    What the model printed in `{result.name}`:")
        for line in result.logs.splitlines():
            console.say(f"    | {_harmless(line)}")


def tell_sum(console: Console, results: Sequence[Result], *, is_result: bool = True) -> None:
    """Say how many passed."""
    failed = sum(not result.has_passed for result in results)
    parts = [f"{len(results) - failed} passed"] + [f"{failed} failed"] * bool(failed)
    say_line(console, ", ".join(parts), is_result=is_result)


def say_line(console: Console, text: str, *, is_result: bool) -> None:
    """Say a line of the report, on stdout where it is what the command is for."""
    if is_result:
        console.result(f"{text}\n")
    else:
        console.say(text)


def _harmless(line: str) -> str:
    """Return a line without what would move, colour or turn the terminal's."""
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), line)
