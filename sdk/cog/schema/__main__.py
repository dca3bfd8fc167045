"""`python -m cog.schema`: what a project's model takes and gives, as JSON on stdout.

Run in the model's environment, with the project's root as working directory::

    python -m cog.schema --predict predict.py:Predictor --train train.py:train

Either option, or both. What the model prints while it is imported goes to stderr. On success, exit
status 0 and one JSON object on stdout:

`document`
    The OpenAPI document.
`predict`, `train`
    Null without that option, else an object: `is_async`, `is_streaming`, `takes_weights`
    (booleans) and `concurrency` (what `@concurrent(max=…)` says, else null).
`sources`
    The files in the project that were imported or read on the way, or looked for and missing, and
    the folders that were listed, relative to its root, sorted. The document can only change when
    one of them does: with the references and the environment they are its cache key. A model that
    opens large files at import has them here too, so go by size and time of change where a file
    is large, and by the names in a folder.

On failure, exit status 1 and on stdout one JSON object with `error`, a sentence, and `hint`,
another one or null. On stderr stands the traceback of what the model raised, or the error again.
"""

import argparse
import json
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import NoneType, TracebackType
from typing import Any

from cog.errors import CogError
from cog.schema.inspection import interface_of
from cog.schema.interface import Interface
from cog.schema.loading import PREDICT, TRAIN, load
from cog.schema.openapi import document

_ELSEWHERE = {"site-packages", "dist-packages", "__pycache__", "node_modules"}
"""Folders that hold no code of the project; nor do those whose name begins with a dot."""

_FINDERS = {"importlib", "pkgutil", "pkg_resources"}
"""They list folders to find modules; what they find is a source by itself."""


def main(argv: Sequence[str]) -> int:
    """Print the document and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m cog.schema")
    parser.add_argument("--predict", metavar="REF", help="such as predict.py:Predictor")
    parser.add_argument("--train", metavar="REF", help="such as train.py:train")
    options = parser.parse_args(argv)
    if not (options.predict or options.train):
        parser.error("one of --predict and --train is required")
    opened: set[str] = set()
    sys.addaudithook(lambda event, facts: _note(opened, event, facts))
    with os.fdopen(_own_stdout(), "w", encoding="utf-8") as stdout:
        answer = _attempt(options.predict, options.train)
        if "error" not in answer:
            answer["sources"] = sorted(_sources(opened, Path.cwd()))
        json.dump(answer, stdout, separators=(",", ":"), allow_nan=False)
        stdout.write("\n")
    return int("error" in answer)


def describe(predict: str | None, train: str | None) -> dict[str, Any]:
    """Import what the references name and return all but `sources` of what is printed.

    What the user's own code raises while it is imported comes out as it is.

    Raises:
        CogError: if a reference names nothing, or a signature has no schema.
    """
    interfaces = {
        mode: interface_of(load(reference, mode)) if reference else None
        for mode, reference in ((PREDICT, predict), (TRAIN, train))
    }
    return {
        "document": document(interfaces[PREDICT], interfaces[TRAIN]),
        **{mode: _facts(interface) for mode, interface in interfaces.items()},
    }


def _facts(interface: Interface | None) -> dict[str, Any] | None:
    if interface is None:
        return None
    return {
        "is_async": interface.is_async,
        "is_streaming": interface.is_streaming,
        "takes_weights": interface.takes_weights,
        "concurrency": interface.concurrency,
    }


def _attempt(predict: str | None, train: str | None) -> dict[str, Any]:
    try:
        return describe(predict, train)
    except CogError as error:
        sys.stderr.write(f"{error.message}\n")
        return {"error": error.message, "hint": error.hint}
    except BaseException as error:  # noqa: BLE001 - the user's code may raise anything, or exit
        frames = _outside_ours(error.__traceback__)
        if isinstance(error, SyntaxError) and frames is error.__traceback__:
            frames = None  # nothing of the user's ran, and the error itself names the line
        lines = traceback.format_exception(type(error), error, frames)
        sys.stderr.write("".join(lines))
        last = traceback.format_exception_only(type(error), error)[-1]
        return {"error": last.strip(), "hint": None}


def _outside_ours(frames: TracebackType | None) -> TracebackType | None:
    """Return the traceback from the first frame of the user's on; ours say nothing to them."""
    outermost = frames
    while frames is not None:
        name = frames.tb_frame.f_globals.get("__name__", "")
        if name.partition(".")[0] not in {"cog", "importlib", "__main__"}:
            return frames
        frames = frames.tb_next
    return outermost


def _own_stdout() -> int:
    """Return the real stdout, after sending what anyone else prints, C code too, to stderr."""
    sys.stdout.flush()
    own = os.dup(1)
    os.dup2(2, 1)
    return own


def _note(opened: set[str], event: str, facts: tuple[Any, ...]) -> None:
    if event == "open" and isinstance(facts[0], (str, bytes)):
        is_reading = isinstance(facts[1], str) and not set(facts[1]) & set("wax+")
        if is_reading:
            opened.add(os.fsdecode(facts[0]))
    elif event in {"os.listdir", "os.scandir"} and isinstance(facts[0], (str, bytes, NoneType)):
        lister = sys._getframe(2).f_globals.get("__name__", "")  # noqa: SLF001 - the hook's caller
        if lister.partition(".")[0] not in _FINDERS:
            opened.add(os.fsdecode(facts[0] or "."))


def _sources(opened: set[str], root: Path) -> Iterator[str]:
    modules = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    files = {Path(file) for file in (*opened, *modules) if isinstance(file, str)}
    for file in {(root / file).resolve() for file in files}:
        if not file.is_relative_to(root.resolve()):
            continue
        relative = file.relative_to(root.resolve())
        folders = relative.parts if file.is_dir() else relative.parts[:-1]
        if not any(part in _ELSEWHERE or part.startswith(".") for part in folders):
            yield relative.as_posix()


if __name__ == "__main__":
    _status = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(_status)  # the model may have started threads that never end
