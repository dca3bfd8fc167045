"""Checks of requirements: that their files are there, and say exact versions."""

import re

from coghub.build.cog_yaml import Config
from coghub.build.config import ConfigInvalid
from coghub.build.doctor.config_checks import MISSING_FILE
from coghub.build.doctor.findings import Edit, Finding, Findings, Fix, Level
from coghub.build.doctor.project import ExaminedProject
from coghub.build.doctor.requirement_places import Line, read_files
from coghub.build.plan import Plan
from coghub.build.requirement_lines import name_of, normalised
from coghub.build.requirements import SDK_NAMES
from coghub.domain.errors import CoghubError

UNPINNED = "requirements-unpinned"
_NAME = re.compile(r"\s*[A-Za-z0-9][A-Za-z0-9._-]*\s*(\[[^\]]*\])?\s*")
_SPECIFIER = re.compile(r"[^;#]*?(?=\s*;|\s+--|\s*$)")
_EXACT = re.compile(r"===?\s*(?![^\s,;]*\*)[^\s,;]+")
_COMMIT = re.compile(r"@[^/]+$")


def check_missing(project: ExaminedProject) -> Findings:
    """Check that every file of requirements that is named can be used."""
    if isinstance(project.config, ConfigInvalid):
        for line in project.config.message.splitlines():
            if line.startswith(MISSING_FILE):
                yield _missing(project, line)
    elif isinstance(project.plan, CoghubError):
        is_missing = "does not exist" in project.plan.message
        check = "requirements-missing" if is_missing else "requirements-invalid"
        place = project.config.build.python_requirements or project.config_name
        yield Finding(check, Level.ERROR, project.plan.message, place, hint=project.plan.hint)


def _missing(project: ExaminedProject, message: str) -> Finding:
    field = "build.python_requirements"
    hint = "Make the file, or change `python_requirements`"
    place = project.config_name, project.line_of(field)
    return Finding("requirements-missing", Level.ERROR, message, *place, hint)


def check_unpinned(project: ExaminedProject) -> Findings:
    """Check that every package has one version, so that the same build is the same tomorrow."""
    config = project.config
    if not isinstance(config, Config) or not isinstance(project.plan, Plan):
        return
    pinned = {name_of(line) for line in project.plan.constraints if _is_exact(line)}
    if config.build.python_requirements:
        files = read_files(project.folder, config.build.python_requirements)
        lines = [line for file in files if not file.is_constraints for line in file.lines]
        names = [name_of(line.text) for line in lines]
        for line, name in zip(lines, names, strict=True):
            if is_unpinned(line.text) and name not in pinned:
                # Two lines for one package have markers: which of them led to the version?
                yield _unpinned(project, line, is_only=names.count(name) == 1)
    for text in config.build.python_packages:
        if is_unpinned(text) and name_of(text) not in pinned:
            yield _in_config(project, text)


def is_unpinned(text: str) -> bool:
    """Tell whether a line leaves it open which version is installed."""
    url = text.partition(" --")[0].partition(";")[0].partition("#")[0].strip()
    if "git+" in url:
        return not _COMMIT.search(url.partition("://")[2])
    name = name_of(text)
    if not name or name in SDK_NAMES or "://" in url or url.endswith((".whl", ".zip", ".gz")):
        return False
    found = _NAME.match(text)
    return found is not None and not _is_exact(text[found.end() :])


def _is_exact(text: str) -> bool:
    """Tell whether there is one version before the marker."""
    return _EXACT.search(text.partition(";")[0]) is not None


def _unpinned(project: ExaminedProject, line: Line, *, is_only: bool) -> Finding:
    name = _shown(line.text)
    version = _version(project, line.text)
    fix = _pin(line, version) if version and line.is_whole and is_only else None
    place = line.path, line.number
    hint = _hint(name, version, is_fixable=fix is not None)
    return Finding(UNPINNED, Level.WARNING, f"{name} has no exact version", *place, hint, fix)


def _in_config(project: ExaminedProject, text: str) -> Finding:
    name = _shown(text)
    place = project.config_name, project.line_of("build.python_packages")
    hint = _hint(name, _version(project, text), is_fixable=False)
    return Finding(UNPINNED, Level.WARNING, f"{name} has no exact version", *place, hint)


def _hint(name: str, version: str | None, *, is_fixable: bool) -> str:
    if "git+" in name:
        return "Name a commit: `…@COMMIT`"
    if version is None:
        return f"Write `{name}==VERSION`; after a first run `cog doctor --fix` knows which"
    done = "`cog doctor --fix` pins it" if is_fixable else f"Write `{name}=={version}`"
    return f"The environment has {version}: {done}"


def _shown(text: str) -> str:
    found = _NAME.match(text)
    return text.partition(" ")[0] if "://" in text or found is None else found[0].strip()


def _version(project: ExaminedProject, text: str) -> str | None:
    known = project.installed
    return known.versions.get(normalised(name_of(text))) if known and "://" not in text else None


def _pin(line: Line, version: str) -> Fix | None:
    """Put the version in place of whatever the line says of versions."""
    name = _NAME.match(line.text)
    specifier = _SPECIFIER.match(line.text, name.end()) if name else None
    if name is None or specifier is None or specifier[0].lstrip().startswith("@"):
        return None
    start = line.start + len(name[0].rstrip())
    edit = Edit(line.path, start, line.start + specifier.end(), f"=={version}")
    return Fix(f"pinned {name[0].strip()} to {version}", (edit,))
