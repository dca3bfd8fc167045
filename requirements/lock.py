"""Compiles the pins with hashes in this folder; run by `make lock`.

Releases younger than a week are left out: most bad releases are withdrawn within days.
No index is named in the result, so a mirror serves as well.
"""

import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

HERE = Path(__file__).resolve().parent
MINIMUM_AGE = timedelta(days=7)
OLDEST_PYTHON = "3.11"
# Name, and the pins that it must agree with. (`server.in` is a part of `dev.in`.)
FILES = (("dev", None), ("uv", "dev.txt"), ("bench", None), ("peers", None))


def main() -> None:
    """Compile every `.in` file, in the order in which they constrain each other."""
    newest = (datetime.now(timezone.utc) - MINIMUM_AGE).strftime("%Y-%m-%dT00:00:00Z")
    for name, constraint in FILES:
        command = [sys.executable, "-m", "uv", "--no-config", "pip", "compile", "--quiet"]
        command += ["--universal", "--generate-hashes", "--no-annotate", "--no-header"]
        command += ["--no-emit-index-url", "--no-emit-find-links", "--exclude-newer", newest]
        command += ["--python-version", OLDEST_PYTHON, "--output-file", f"{name}.txt", f"{name}.in"]
        command += ["--constraint", constraint] if constraint else []
        print(f"Compiling requirements/{name}.txt")
        subprocess.run([*command, *sys.argv[1:]], cwd=HERE, check=True)


if __name__ == "__main__":
    main()
