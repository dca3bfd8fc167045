"""Fixes, applied whole or not at all: written atomically, looked at again, taken back if wrong."""

import difflib
import os
import shutil
import stat
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from coghub.build.doctor.code import parse
from coghub.build.doctor.findings import Edit, Fix, Rename
from coghub.build.doctor.texts import TextUnreadable, decoded, edited, read_bytes
from coghub.build.doctor.tokens import masked


class Unfixed(Exception):
    """A fix that was not made, or was taken back; the message says why."""


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one file."""

    path: str
    target: str
    """Where it is now; the same unless it was renamed."""
    before: bytes
    after: bytes

    def diff(self) -> str:
        """Return the change as a unified diff, secrets cut short."""
        old, new = (_shown_lines(content, self.path) for content in (self.before, self.after))
        names = f"a/{self.path}", f"b/{self.target}"
        lines = [*difflib.unified_diff(old, new, *names, lineterm="\n")]
        head: list[str] = []
        if self.path != self.target:
            head = [
                f"diff --git {names[0]} {names[1]}\n",
                f"rename from {self.path}\n",
                f"rename to {self.target}\n",
            ]
        ended = (
            it if it.endswith("\n") else f"{it}\n\\ No newline at end of file\n" for it in lines
        )
        return "".join([*head, *ended])


def apply(project: Path, fixes: Sequence[Fix], verify: Callable[[], str | None]) -> list[Change]:
    """Make the changes of some fixes, and return them.

    Args:
        project: its folder; nothing outside of it is touched, nor through a link.
        fixes: what to do.
        verify: tells what is wrong now, if anything is.

    Raises:
        Unfixed: if they could not be made, or what they led to is wrong; all is as before then.
    """
    changes = _changes(project, fixes)
    with ExitStack() as undo:
        try:
            for change in changes:
                _make(project, change, undo)
        except OSError as error:
            paths = ", ".join(change.path for change in changes)
            raise Unfixed(f"{error.strerror or error}: {paths}") from error
        fault = verify()
        if fault is not None:
            raise Unfixed(f"taken back, since it leads to: {fault}")
        undo.pop_all()
    return changes


def _changes(project: Path, fixes: Sequence[Fix]) -> list[Change]:
    edits: dict[str, list[Edit]] = {}
    for edit in (edit for fix in fixes for edit in fix.edits):
        edits.setdefault(edit.path, []).append(edit)
    targets = {one.path: one for fix in fixes for one in fix.renames}
    changes = [_change(project, path, found, targets.get(path)) for path, found in edits.items()]
    changes += [_change(project, path, [], it) for path, it in targets.items() if path not in edits]
    return changes


def _change(project: Path, path: str, edits: Sequence[Edit], rename: Rename | None) -> Change:
    """Return a file's change, which is not made yet."""
    _require_own(project, path)
    is_python = path.endswith(".py")
    try:
        before = read_bytes(project / path)
        text = decoded(before, is_python=is_python)
        after = edited(text.content, edits)
        if is_python:
            parse(after)
        raw = text.encoded(after)
    except (TextUnreadable, UnicodeError, SyntaxError, LookupError, ValueError) as error:
        raise Unfixed(f"{path}: {error}") from error
    target = rename.target if rename else path
    if target != path:
        _require_own(project, Path(target).parent.as_posix(), is_folder=True)
        if os.path.lexists(project / target):
            raise Unfixed(f"{target} exists")
    return Change(path, target, before, raw)


def _require_own(project: Path, path: str, *, is_folder: bool = False) -> None:
    """Do nothing if a path is the project's own, with no link on the way to it.

    Raises:
        Unfixed: if it is not.
    """
    root = project.resolve()
    whole = Path(os.path.normpath(root / path))
    if whole.resolve() != whole or not whole.is_relative_to(root):
        raise Unfixed(f"{path} is a link, or outside of the project")
    mode = whole.lstat().st_mode
    if not (stat.S_ISDIR(mode) if is_folder else stat.S_ISREG(mode)):
        raise Unfixed(f"{path} is not a regular file")


def _make(project: Path, change: Change, undo: ExitStack) -> None:
    source, target = project / change.path, project / change.target
    if source.read_bytes() != change.before:
        raise Unfixed(f"{change.path} was changed by somebody else meanwhile")
    if change.after != change.before:
        _write(source, change.after)
        undo.callback(_write, source, change.before)
    if target != source:
        source.rename(target)
        undo.callback(target.rename, source)


def _write(path: Path, content: bytes) -> None:
    """Put a file in place of another one, with its rights and, where that may be, its owner."""
    owner = path.stat()
    new = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        with new.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with suppress(OSError):
            os.chown(new, owner.st_uid, owner.st_gid)
        shutil.copymode(path, new)
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def _shown_lines(content: bytes, path: str) -> list[str]:
    text = decoded(content, is_python=path.endswith(".py")).content
    pieces = masked(text).split("\n")
    lines = [f"{line}\n" for line in pieces[:-1]]
    return [*lines, pieces[-1]] if pieces[-1] else lines
