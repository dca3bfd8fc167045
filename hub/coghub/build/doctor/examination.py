"""All checks of a project, and the fixes that are safe to make without asking."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from coghub.build.config import find_config, project_of
from coghub.build.doctor import (
    config_checks,
    import_checks,
    large_files,
    machine_checks,
    migration,
    old_imports,
    pydantic_models,
    python_checks,
    requirement_checks,
    secrets,
)
from coghub.build.doctor.findings import Finding, Findings, Fix, Level
from coghub.build.doctor.project import ExaminedProject
from coghub.build.doctor.repair import Change, Unfixed, apply
from coghub.domain.errors import CoghubError, ConfigInvalid, ConfigNotFound
from coghub.settings import Settings

Check = Callable[[ExaminedProject], Findings]

CHECKS: tuple[Check, ...] = (
    config_checks.check_config,
    config_checks.check_deprecated_fields,
    config_checks.check_references,
    config_checks.check_packed,
    python_checks.check_syntax,
    pydantic_models.check_pydantic,
    old_imports.check_old_imports,
    python_checks.check_annotations,
    requirement_checks.check_missing,
    requirement_checks.check_unpinned,
    import_checks.check_imports,
    secrets.check_secrets,
    large_files.check_large_files,
    machine_checks.check_docker,
    machine_checks.check_python,
    machine_checks.check_gpu,
)
SAFE_FIXES: dict[str, Check] = {
    pydantic_models.CHECK: pydantic_models.check_pydantic,
    old_imports.CHECK: old_imports.check_old_imports,
    requirement_checks.UNPINNED: requirement_checks.check_unpinned,
    import_checks.CHECK: import_checks.check_imports,
}
ASKED_FIXES: dict[str, Check] = {migration.CHECK: migration.check_migration}
"""Made only for who names them: both spellings are equal here."""
FIXES = {**SAFE_FIXES, **ASKED_FIXES}


@dataclass(frozen=True, slots=True)
class Repair:
    """What one check's fixes led to."""

    descriptions: tuple[str, ...]
    changes: tuple[Change, ...]
    fault: str | None = None
    """Why nothing was changed, if nothing was."""


def examine(config_name: str, start: Path, settings: Settings) -> ExaminedProject | Finding:
    """Return the project around a folder; what is said where there is none."""
    try:
        path = find_config(config_name, start)
    except ConfigNotFound as error:
        return config_checks.not_found(config_name, error.message)
    name = path.name if Path(config_name).is_absolute() else config_name
    return ExaminedProject(project_of(path, config_name), name, settings)


def findings_of(project: ExaminedProject, asked: str | None = None) -> list[Finding]:
    """Return what all checks say; those that must be asked for only if one is."""
    checks = [*CHECKS, *([ASKED_FIXES[asked]] if asked in ASKED_FIXES else [])]
    return [finding for check in checks for finding in check(project)]


def repairs(project: ExaminedProject, names: Sequence[str]) -> Iterator[Repair]:
    """Make the fixes of some checks one after the other, each on what the one before left."""
    for name in names:
        seen = ExaminedProject(project.folder, project.config_name, project.settings)
        fixes = [it.fix for it in FIXES[name](seen) if it.fix is not None]
        errors = _errors(seen)
        for group in _grouped(fixes):
            yield _repaired(project, group, errors)


def _grouped(fixes: Sequence[Fix]) -> list[list[Fix]]:
    """Return the fixes of each file together, so that one that fails spoils no other file."""
    groups: dict[str, list[Fix]] = {}
    for fix in fixes:
        groups.setdefault(fix.edits[0].path, []).append(fix)
    return list(groups.values())


def _repaired(project: ExaminedProject, fixes: Sequence[Fix], errors: set[str]) -> Repair:
    descriptions = tuple(fix.description for fix in fixes)
    try:
        changes = apply(project.folder, fixes, lambda: _new_error(project, errors))
    except Unfixed as error:
        return Repair(descriptions, (), str(error))
    return Repair(descriptions, tuple(changes))


def _new_error(project: ExaminedProject, before: set[str]) -> str | None:
    """Return an error that was not there before a change."""
    now = ExaminedProject(project.folder, project.config_name, project.settings)
    return next(iter(sorted(_errors(now) - before)), None)


def _errors(project: ExaminedProject) -> set[str]:
    """Return what makes a project unusable: cog.yaml, its references, requirements and syntax."""
    if isinstance(project.config, ConfigInvalid):
        return set(project.config.message.splitlines())
    if isinstance(project.plan, CoghubError):
        return {project.plan.message}
    checks = (config_checks.check_references, python_checks.check_syntax)
    found = (finding for check in checks for finding in check(project))
    return {it.message for it in found if it.level is Level.ERROR}
