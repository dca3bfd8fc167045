"""What came of each test, and how it is told: a line each, and beneath it why not."""

from collections.abc import Sequence
from dataclasses import dataclass

from coghub.cli.output import Console


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

    Args:
        console: of the command.
        result: what came of it.
        is_result: whether it goes to stdout.
    """
    mark = "✓" if result.has_passed else "✗"
    took = "" if result.duration_s is None else f" ({result.duration_s:.2f} s)"
    lines = [f"{mark} {result.name}{took}"]
    for reason in result.reasons:
        lines += [f"    {line}" for line in reason.splitlines()]
    _say(console, "\n".join(lines), is_result=is_result)
    if result.reasons and result.logs:
        console.say(f"    What the model printed in `{result.name}`:")
        for line in result.logs.splitlines():
            console.say(f"    | {line}")


def tell_sum(console: Console, results: Sequence[Result], *, is_result: bool = True) -> None:
    """Say how many passed."""
    failed = sum(not result.has_passed for result in results)
    parts = [f"{len(results) - failed} passed"] + [f"{failed} failed"] * bool(failed)
    _say(console, ", ".join(parts), is_result=is_result)


def _say(console: Console, text: str, *, is_result: bool) -> None:
    if is_result:
        console.result(f"{text}\n")
    else:
        console.say(text)
