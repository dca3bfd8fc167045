"""`make fuzz`: the tests of this folder again and again, with growing budgets, until one fails.

Each round has a seed of its own, and says how to have it again. The first ones are small, so that
what is easily found is found at once.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from coghub.settings import current_settings

ROOT = Path(__file__).parents[2]
MOST_EXAMPLES = 300
LIMIT_S = 4 * 3600
"""Of one test: most of them ask for all operations of a document."""


def main() -> None:
    """Fuzz for some hours; exit 1 at the first round that fails."""
    arguments = _arguments()
    ends_at = time.monotonic() + arguments.hours * 3600
    seed, examples = arguments.seed, arguments.examples
    while time.monotonic() < ends_at:
        if not _finds_nothing(seed, examples):
            sys.exit(1)
        seed, examples = seed + 1, min(examples * 2, MOST_EXAMPLES)


def _finds_nothing(seed: int, examples: int) -> bool:
    command = [sys.executable, "-m", "pytest", "tests/fuzz", "-q", f"--hypothesis-seed={seed}"]
    command += [f"--timeout={LIMIT_S}"]
    again = f"COG_FUZZ_EXAMPLES={examples} {' '.join(command)}"
    _say(f"Round with {examples} examples: {again}")
    environ = {**current_settings().environ, "COG_FUZZ_EXAMPLES": str(examples)}
    done = subprocess.run(command, cwd=ROOT, env=environ, check=False)
    if done.returncode:
        _say(f"Found something. To have it again:\n  {again}")
    return done.returncode == 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.endless", description=__doc__)
    parser.add_argument("--hours", type=float, default=4)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--examples", type=int, default=5, help="to each operation, at first")
    return parser.parse_args()


if __name__ == "__main__":
    main()
