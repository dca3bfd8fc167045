"""Checks of cog.yaml itself, and of what it refers to."""

import ast
import re
from collections.abc import Iterator

from coghub.build.bundle_content import require_code
from coghub.build.cog_yaml import Config
from coghub.build.config import CONFIG_NAME
from coghub.build.doctor.code import Module
from coghub.build.doctor.findings import Finding, Findings, Level
from coghub.build.doctor.project import ExaminedProject, Reference
from coghub.build.doctor.texts import is_file
from coghub.build.plan import Plan
from coghub.build.weights.declared import declared
from coghub.domain.errors import ConfigInvalid, ProjectUnreadable

MISSING_FILE = 'invalid build.python_requirements "'
_FIELD = re.compile(r'schema error in "([^"]+)"|^invalid ([\w.]+)')
_DEPRECATED = re.compile(r'deprecated field "([\w.]+)"')
_YAML = re.compile(r"^failed to parse .*?: invalid YAML: ")
_LINE = re.compile(r"line (\d+)")


def not_found(name: str, message: str) -> Finding:
    """Say that there is no config, and so no project."""
    hint = "Make one with `cog init`" if name == CONFIG_NAME else None
    return Finding("config-parse", Level.ERROR, message, hint=hint)


def check_config(project: ExaminedProject) -> Findings:
    """Check that cog.yaml can be read, and that its fields mean something."""
    config, name = project.config, project.config_name
    if isinstance(config, ConfigInvalid):
        lines = config.message.splitlines()
    else:
        lines = _weights_mistakes(config)
    for line in lines:
        field = _FIELD.search(line)
        if line.startswith(MISSING_FILE):
            continue  # has a check of its own
        if _YAML.match(line) and field is None:
            reason = _YAML.sub("", line)
            at = _LINE.match(reason)
            message = f"{name} has invalid YAML: {reason}"
            yield Finding("config-parse", Level.ERROR, message, name, int(at[1]) if at else None)
        else:
            yield _mistake(project, line, (field[1] or field[2]) if field else "weights")


def _weights_mistakes(config: Config) -> list[str]:
    try:
        declared(config.weights)
    except ConfigInvalid as error:
        return error.message.splitlines()
    return []


def _mistake(project: ExaminedProject, message: str, field: str) -> Finding:
    return Finding(
        "config-schema", Level.ERROR, message, project.config_name, project.line_of(field)
    )


def check_deprecated_fields(project: ExaminedProject) -> Findings:
    """Check for fields that have a better spelling."""
    if isinstance(project.config, ConfigInvalid):
        return
    for message in project.config.warnings:
        field = _DEPRECATED.search(message)
        line = project.line_of(field[1]) if field else None
        check = "config-deprecated-fields"
        yield Finding(check, Level.WARNING, message, project.config_name, line)


def check_references(project: ExaminedProject) -> Findings:
    """Check that each reference leads to a name in a file."""
    check, place = "config-predict-ref", project.config_name
    for one in project.references:
        module = project.code.modules.get(one.path)
        if not is_file(project.folder / one.path):
            message = f"{one.path} not found"
            hint = f"{place} says `{one.key}: {one.path}:{one.name}`"
            yield Finding(check, Level.ERROR, message, place, one.line, hint)
        elif module is not None and not has_name(module, one.name):
            yield Finding(check, Level.ERROR, _not_in_file(module, one), place, one.line)
    config = project.config
    if isinstance(config, Config) and not (config.predict or config.train):
        message = f"no predict or train reference found in {place}"
        hint = 'Add a line such as `predict: "predict.py:Predictor"`'
        yield Finding(check, Level.WARNING, message, place, hint=hint)


def check_packed(project: ExaminedProject) -> Findings:
    """Check that what cog.yaml refers to is not left out of what is pushed."""
    there = [one for one in project.references if is_file(project.folder / one.path)]
    if len(there) < len(project.references) or not isinstance(project.plan, Plan):
        return
    try:
        require_code(project.plan, project.files if isinstance(project.files, list) else [])
    except ProjectUnreadable as error:
        if isinstance(project.files, list):
            line = there[0].line if there else None
            place = project.config_name, line
            yield Finding("config-predict-ref", Level.ERROR, error.message, *place, error.hint)


def _not_in_file(module: Module, one: Reference) -> str:
    kind = "function" if one.key == "train" and one.name[:1].islower() else "class"
    wanted = (ast.ClassDef,) if kind == "class" else (ast.FunctionDef, ast.AsyncFunctionDef)
    found = [node.name for node in module.tree.body if isinstance(node, wanted)]
    shown = f"; found: {', '.join(found)}" if found else ""
    return f'{kind} "{one.name}" not found in {one.path}{shown}'


def has_name(module: Module, name: str) -> bool:
    """Tell whether a file may bind a name, in whatever way."""
    return any(bound in (name, "*") for bound in _bound(module.tree))


def _bound(tree: ast.Module) -> Iterator[str]:
    """Yield the names that the file's own level binds; "*" where anything may be."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        match node:
            case ast.ClassDef(name=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield "*" if name == "__getattr__" else name
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                yield from (alias.asname or alias.name for alias in names)
            case ast.Name(id=name):
                yield "*" if name in {"exec", "globals", "setattr"} else name
            case _:
                waiting += ast.iter_child_nodes(node)
