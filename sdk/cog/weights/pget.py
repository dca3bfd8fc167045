"""`pget URL DEST`: `fetch` as a command, with the flags that models' sources call it with."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cog.errors import FetchError
from cog.weights.fetching import CONNECTIONS, fetch

MULTIFILE = "multifile"
WITHOUT_EFFECT = (
    ("-m", "--minimum-chunk-size", "--chunk-size"),
    ("-r", "--retries"),
    ("--connect-timeout",),
    ("--log-level",),
    ("--max-conn-per-host",),
)
FAILED = 1


def main(arguments: Sequence[str]) -> int:
    """Run the command, and return its exit code."""
    said = _parser().parse_args(arguments)
    try:
        jobs = _listed(said.dest) if said.url == MULTIFILE else [(said.url, said.dest)]
        for url, dest in jobs:
            _get(url, Path(dest).absolute(), said)
    except (FetchError, OSError) as error:
        print(f"pget: {error}", file=sys.stderr)  # noqa: T201 - a command's words
        return FAILED
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "pget",
        usage="pget [-x] [-f] [-c N] [--sha256 HEX] URL DEST\n       pget [...] multifile FILE",
        description="Fetch a file in parts, all at once; what is interrupted is taken up again.",
        epilog="FILE, or - for the standard input, has a line `URL DEST` for each file.",
    )
    parser.add_argument("url", metavar="URL")
    parser.add_argument("dest", metavar="DEST")
    parser.add_argument(
        "-x", "--extract", action="store_true", help="unpack a tar or zip archive into DEST"
    )
    parser.add_argument("-f", "--force", action="store_true", help="write over what is there")
    parser.add_argument(
        "-c", "--concurrency", type=_count, default=CONNECTIONS, metavar="N",
        help="parts at once (%(default)s)",
    )  # fmt: skip
    parser.add_argument("--sha256", metavar="HEX", help="the checksum of what is fetched")
    parser.add_argument("-v", "--verbose", action="store_true", help=argparse.SUPPRESS)
    for names in WITHOUT_EFFECT:
        parser.add_argument(*names, help=argparse.SUPPRESS)
    return parser


def _count(written: str) -> int:
    count = int(written)
    if count < 1:
        raise ValueError
    return count


def _listed(file: str) -> list[tuple[str, str]]:
    text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
    jobs = list[tuple[str, str]]()
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words:
            continue
        try:
            url, dest = words
        except ValueError:
            raise FetchError(f"{file}, line {number}: not `URL DEST`: {line}") from None
        jobs.append((url, dest))
    return jobs


def _get(url: str, dest: Path, said: argparse.Namespace) -> None:
    is_there = dest.exists()
    if is_there and not said.force:
        raise FetchError(f"{dest} exists already; --force writes over it")
    if is_there and dest.is_dir() != said.extract:
        raise FetchError(f"{dest} is {'a folder' if dest.is_dir() else 'no folder'}")
    new = dest.with_name(f"{dest.name}.new") if is_there else dest
    fetch(url, new, sha256=said.sha256, unpack=said.extract, connections=said.concurrency)
    if is_there:
        _put(new, dest)


def _put(new: Path, dest: Path) -> None:
    """Move a file, or all files of a folder, over what is there."""
    if not new.is_dir() or new.is_symlink():
        new.replace(dest)
        return
    dest.mkdir(exist_ok=True)
    for path in new.iterdir():
        _put(path, dest / path.name)
    new.rmdir()
