"""Checks of the model's Python: that it parses, and says what it takes and gives."""

import ast
import sys
from collections.abc import Iterator

from coghub.build.checks import minor_version
from coghub.build.cog_yaml import Config
from coghub.build.doctor.code import Module
from coghub.build.doctor.findings import Finding, Findings, Level
from coghub.build.doctor.project import ExaminedProject, Reference

METHODS = ("run", "predict")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def check_syntax(project: ExaminedProject) -> Findings:
    """Check that all files that the model leads to can be parsed."""
    for fault in project.code.faults:
        level, hint = Level.ERROR, None
        if fault.is_syntax and _is_newer(project.config):
            ours = f"{sys.version_info.major}.{sys.version_info.minor}"
            level = Level.WARNING
            hint = f"It was read by Python {ours}, which is older than the model's"
        kind = "invalid syntax: " if fault.is_syntax else "cannot be read: "
        reason = fault.reason.removeprefix("invalid syntax: ")
        message = "invalid syntax" if reason == "invalid syntax" else f"{kind}{reason}"
        yield Finding("python-syntax", level, message, fault.path, fault.line, hint)


def _is_newer(config: object) -> bool:
    if not isinstance(config, Config):
        return False
    return minor_version(config.build.python_version) > sys.version_info[:2]


def check_annotations(project: ExaminedProject) -> Findings:
    """Check that what is called for a prediction says what it takes and what it returns."""
    for reference in project.references:
        module = project.code.modules.get(reference.path)
        called = _called(module, reference) if module else None
        if module and called:
            name = called.name if called in module.tree.body else f"{reference.name}.{called.name}"
            yield from _unannotated(module, called, f"{name}()")


def _unannotated(module: Module, called: Function, shown: str) -> Iterator[Finding]:
    check = "python-missing-type-annotations"
    if called.returns is None:
        message = f"{shown} is missing a return type annotation"
        hint = f"Say what it returns, such as `def {called.name}(…) -> str:`"
        yield Finding(check, Level.ERROR, message, module.path, called.lineno, hint)
    arguments = [*called.args.posonlyargs, *called.args.args, *called.args.kwonlyargs]
    for argument in arguments if called in module.tree.body else arguments[1:]:
        if argument.annotation is None:
            message = f'{shown} is missing a type annotation for "{argument.arg}"'
            hint = f"Say what it takes, such as `{argument.arg}: str`"
            yield Finding(check, Level.ERROR, message, module.path, argument.lineno, hint)


def _called(module: Module, reference: Reference) -> Function | None:
    """Return the method or function of a reference, if it is in that file."""
    for node in module.tree.body:
        if isinstance(node, Function) and node.name == reference.name:
            return node
        if isinstance(node, ast.ClassDef) and node.name == reference.name:
            names = ("train",) if reference.key == "train" else METHODS
            found = {it.name: it for it in node.body if isinstance(it, Function)}
            return next((found[name] for name in names if name in found), None)
    return None
