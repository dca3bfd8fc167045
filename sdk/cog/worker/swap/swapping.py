"""One swap: all changed files are looked at first, and only then is anything changed."""

from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from cog.worker.swap import changes, patch
from cog.worker.swap.changes import Changes
from cog.worker.swap.errors import Broken, NotSafe
from cog.worker.swap.sources import Sources


class _Step(NamedTuple):
    path: Path
    module: ModuleType
    text: str
    changes: Changes


def swap(sources: Sources, paths: Iterable[Path]) -> list[str]:
    """Bring the new source of some files into the process, and return what is other now.

    Raises:
        Broken: if a file is no Python.
        NotSafe: if the process cannot go on with what was changed.
    """
    sources.note()
    modules = sources.modules()
    steps = [_step(sources, path, modules[path]) for path in paths if path in modules]
    changing = {step.path for step in steps}
    names = {name for step in steps for name in step.changes.names}
    for path in modules.keys() - changing:
        changes.refuse_stale(sources.text(path) or "", names)
    for step in steps:
        try:
            patch.apply(step.changes, step.module, modules.values())
        except NotSafe:
            raise
        except Exception as error:
            reason = f"{step.path.name} cannot be loaded: {type(error).__name__}: {error}"
            raise NotSafe(reason) from error
        sources.replace(step.path, step.text)
    return [f"{step.path.name}: {label}" for step in steps for label in step.changes.labels]


def _step(sources: Sources, path: Path, module: ModuleType) -> _Step:
    old = sources.text(path)
    try:
        text = path.read_text(encoding="utf-8")
        used = changes.used_by_setup(it for it in sources.texts())
        return _Step(path, module, text, changes.compare(old or "", text, used=used))
    except FileNotFoundError:
        raise NotSafe(f"{path.name} is gone") from None
    except (SyntaxError, UnicodeDecodeError, ValueError) as error:
        line = getattr(error, "lineno", None)
        where = f"{path.name}:{line}" if line else path.name
        raise Broken(f"{where}: {getattr(error, 'msg', error)}") from error
    except NotSafe as reason:
        raise NotSafe(f"{path.name}: {reason}") from None
