"""Which modules are the project's own, and where they lie."""

import ast
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

MAX_NAME = 200
"""A text longer than that names no folder."""
SOURCE = "/src/"
"""Where the project lies in a container."""


def added_folders(project: Path, trees: Iterable[ast.Module]) -> Iterator[Path]:
    """Yield folders of the project that its code adds to `sys.path`, as far as texts name them."""
    root = project.resolve()
    for tree in trees:
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not _is_of_path(node.func):
                continue
            for part in ast.walk(node):
                text = part.value if isinstance(part, ast.Constant) else None
                if isinstance(text, str) and 0 < len(text) < MAX_NAME:
                    folder = (root / text.removeprefix(SOURCE)).resolve()
                    if folder != root and folder.is_relative_to(root) and folder.is_dir():
                        yield folder


def _is_of_path(called: ast.expr) -> bool:
    """Tell whether it is `sys.path.append`, `insert` or `extend`."""
    return (
        isinstance(called, ast.Attribute)
        and called.attr in {"append", "insert", "extend"}
        and isinstance(called.value, ast.Attribute)
        and called.value.attr == "path"
        and isinstance(called.value.value, ast.Name)
        and called.value.value.id == "sys"
    )


def files_behind(
    module: str, names: Sequence[str], importer: str, folders: Sequence[Path]
) -> list[str] | None:
    """Return the project's files behind an import; None if the module is not the project's.

    Args:
        module: its full name; a relative one begins with dots.
        names: what is taken from it.
        importer: the file that imports it, below the project.
        folders: the project's, then those that its code adds.
    """
    root = folders[0].resolve()
    dots = len(module) - len(module.lstrip("."))
    parts = [part for part in module.split(".") if part]
    if dots:
        base = (root / importer).parent
        for _ in range(dots - 1):
            base = base.parent
        return _files(base, parts, names, root)
    if parts[0] in sys.stdlib_module_names or parts[0] == "cog":
        return []
    for base in (root, (root / importer).parent, *folders[1:]):
        if _has(base, parts[0]):
            return _files(base, parts, names, root)
    return None


def _has(base: Path, name: str) -> bool:
    """Tell whether a module of that name is in a folder."""
    if (base / f"{name}.py").is_file() or any(base.glob(f"{name}.*.so")):
        return True
    package = base / name
    return package.is_dir() and (
        (package / "__init__.py").is_file() or any(package.glob("*.py")) or _is_tree(package)
    )


def _is_tree(package: Path) -> bool:
    return any(package.glob("*/*.py"))


def _files(base: Path, parts: Sequence[str], names: Sequence[str], root: Path) -> list[str]:
    """Return the files of a module, of the packages on the way, and of what is taken from it."""
    found: list[Path] = []
    for count in range(1, len(parts) + 1):
        place = base.joinpath(*parts[:count])
        found += [place.with_suffix(".py"), place / "__init__.py"]
    place = base.joinpath(*parts)
    found += [place / "__init__.py"] if not parts else []
    for name in names:
        found += [place / f"{name}.py", place / name / "__init__.py"]
    return [
        path.relative_to(root).as_posix()
        for path in found
        if path.is_relative_to(root) and path.is_file()
    ]
