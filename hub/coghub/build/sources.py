"""Which packages the project's own code imports, read from its text and not by running it."""

import re
from pathlib import Path

MAX_FILES = 500
MAX_BYTES = 1024**2

_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(\.*[\w.]*)[ \t]+import[ \t]+([\w, \t(]+)|import[ \t]+([\w., \t]+))",
    re.MULTILINE,
)


def imported(project: Path, references: tuple[str, ...]) -> dict[str, str]:
    """Return each top-level module that is imported → the project's file that does so.

    It starts at the files of the references and follows imports within the project, so that a
    folder with a million images beside the code costs nothing.
    """
    waiting = [project / reference.rpartition(":")[0] for reference in references]
    seen: set[Path] = set()
    found: dict[str, str] = {}
    while waiting and len(seen) < MAX_FILES:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for module in _modules(_text_of(path)):
            inside = _files_of(module, path, project)
            waiting += inside
            if not inside and not module.startswith("."):
                found.setdefault(module.partition(".")[0], path.name)
    return found


def _text_of(path: Path) -> str:
    if not path.is_file():
        return ""  # a pipe would be waited for
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def _modules(text: str) -> list[str]:
    """Return what is imported: "a.b" for `import a.b`, "a" and "a.b" for `from a import b`."""
    modules: list[str] = []
    for source, names, plain in _IMPORT.findall(text):
        if plain:
            modules += [name.split()[0] for name in plain.split(",") if name.split()]
        else:
            words = [name.split()[0] for name in names.replace("(", "").split(",") if name.split()]
            separator = "" if source.endswith(".") else "."
            modules += [source.rstrip(), *(f"{source}{separator}{word}" for word in words)]
    return [module for module in modules if module.strip(".")]


def _files_of(module: str, importer: Path, project: Path) -> list[Path]:
    """Return the project's own files behind a module's name, packages on the way included."""
    dots = len(module) - len(module.lstrip("."))
    bases = [project, importer.parent] if not dots else [importer.parent]
    for base in bases:
        for _ in range(max(0, dots - 1)):
            base = base.parent  # noqa: PLW2901 - one folder up for each further dot
        place = base.joinpath(*module.strip(".").split("."))
        candidates = [place.with_name(place.name + ".py"), place / "__init__.py"]
        if found := [path for path in candidates if path.is_file()]:
            return found
    return []
