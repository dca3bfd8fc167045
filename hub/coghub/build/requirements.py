"""Requirements as the installer wants them: files followed, options apart, local packages found."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from coghub.build import local_packages
from coghub.build.cog_yaml import Build
from coghub.build.index import NO_INDEX_SETTINGS, IndexSettings
from coghub.build.requirement_lines import logical_lines, name_of, options_of, without_options
from coghub.domain.errors import RequirementsInvalid

SDK_NAMES = frozenset({"cog", "coglet"})
"""Models get these from the command, at the version of the command."""

SDK_OVERRIDES = tuple(f"{name} ; python_version < '3'" for name in sorted(SDK_NAMES))
"""As overrides for uv: not even when another package requires them."""

_SETTINGS: dict[str, Callable[[str], IndexSettings]] = {
    "index-url": lambda value: IndexSettings(index_url=value),
    "extra-index-url": lambda value: IndexSettings(extra_index_urls=(value,)),
    "find-links": lambda value: IndexSettings(find_links=(value,)),
    "no-index": lambda _: IndexSettings(no_index=True),
    "trusted-host": lambda value: IndexSettings(trusted_hosts=(value,)),
    "pre": lambda _: IndexSettings(pre=True),
    "no-binary": lambda value: IndexSettings(no_binary=tuple(value.split(","))),
    "only-binary": lambda value: IndexSettings(only_binary=tuple(value.split(","))),
}


@dataclass(slots=True)
class Requirements:
    """Everything that a project asks of the installer."""

    packages: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)
    index: IndexSettings = NO_INDEX_SETTINGS
    local_packages: dict[str, str] = field(default_factory=dict)
    """Path below the project → digest of the content."""
    warnings: list[str] = field(default_factory=list)

    def names(self) -> set[str]:
        """Return the normalised names of the packages asked for."""
        return {name_of(line) for line in self.packages} - {""}


def read_requirements(build: Build, project: Path) -> Requirements:
    """Return what `python_requirements` and `python_packages` ask for.

    Raises:
        RequirementsInvalid: if a file cannot be read, or a local package cannot be used.
    """
    reader = _Reader(project)
    if build.python_requirements:
        reader.read_file(project / build.python_requirements)
    for item in build.python_packages:
        reader.read_text(item, project, "python_packages")
    return reader.found


class _Reader:
    def __init__(self, project: Path) -> None:
        self.project = project
        self.found = Requirements()
        self.seen: set[tuple[Path, bool]] = set()

    def read_file(self, path: Path, *, as_constraints: bool = False) -> None:
        """Read a file once, and the files that it names."""
        mark = (path.resolve(), as_constraints)
        if mark in self.seen:
            return
        self.seen.add(mark)
        self.read_text(_text_of(path), path.parent, path.name, as_constraints=as_constraints)

    def read_text(
        self, text: str, folder: Path, source: str, *, as_constraints: bool = False
    ) -> None:
        """Read lines; paths in options are relative to the folder of the file that names them."""
        for line in logical_lines(text):
            if line.startswith("-"):
                self._take_option(line, folder, source, as_constraints=as_constraints)
            elif as_constraints:
                self.found.constraints.append(line)
            else:
                self._take_package(line, folder)

    def _take_option(
        self, line: str, folder: Path, source: str, *, as_constraints: bool = False
    ) -> None:
        for option, value in options_of(line):
            match option:
                case "requirement" if "://" in value:
                    self.found.packages.append(f"-r {value}")
                case "constraint" if "://" in value:
                    self.found.constraints.append(f"-c {value}")
                case "requirement":
                    self.read_file(_existing(folder / value, source), as_constraints=as_constraints)
                case "constraint":
                    self.read_file(_existing(folder / value, source), as_constraints=True)
                case "editable":
                    self._take_editable(value, folder)
                case _:
                    self._take_setting(option, value, folder)

    def _take_setting(self, option: str, value: str, folder: Path) -> None:
        """Add one setting of the index; the last index named wins, as in pip."""
        if option not in _SETTINGS:
            self.found.warnings.append(f"Option `{option}` in requirements is ignored")
            return
        new = _SETTINGS[option](self._link(value, folder) if option == "find-links" else value)
        both = self.found.index.over(new)
        self.found.index = replace(both, index_url=new.index_url or both.index_url)

    def _take_editable(self, value: str, folder: Path) -> None:
        """Install a local project as it stands; `.` is the model itself, on its path anyway."""
        if value.rstrip("/") not in {".", ""}:
            self._take_package(value, folder)

    def _take_package(self, line: str, folder: Path) -> None:
        requirement, options = without_options(line)
        for option, value in options:
            self._take_setting(option, value, folder)
        if name_of(requirement) in SDK_NAMES:
            self.found.warnings.append(
                f"'{line}' found in requirements — overriding with the SDK of this command"
            )
            return
        if local_packages.is_local(requirement):
            requirement, path, digest = local_packages.locate(requirement, folder, self.project)
            self.found.local_packages[path] = digest
        self.found.packages.append(requirement)

    def _link(self, value: str, folder: Path) -> str:
        """Return a place with wheels; a folder of the project by its path below it."""
        if "://" in value or Path(value).is_absolute():
            return value
        path = (folder / value).resolve()
        project = self.project.resolve()
        return str(path.relative_to(project)) if path.is_relative_to(project) else str(path)


def _existing(path: Path, source: str) -> Path:
    if not path.is_file():
        raise RequirementsInvalid(f'File "{path.name}" named in {source} does not exist: {path}')
    return path


def _text_of(path: Path) -> str:
    """Return a file's text; PowerShell's `pip freeze >` writes UTF-16."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RequirementsInvalid(f"Could not read {path}: {error.strerror}") from error
    encoding = "utf-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise RequirementsInvalid(f"{path} is not {encoding.removesuffix('-sig')} text") from error
