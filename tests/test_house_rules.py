"""What the linter cannot say: names from the glossary, sizes, what the SDK may import."""

import ast
import re
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted([*(ROOT / "sdk/cog").rglob("*.py"), *(ROOT / "hub/coghub").rglob("*.py")])
SCRIPTS = sorted(
    path
    for folder in ("benchmarks", "docs", "requirements")
    for path in (ROOT / folder).rglob("*.py")
)
TESTS = sorted((ROOT / "tests").rglob("*.py"))
TREES = {path: ast.parse(path.read_text("utf-8")) for path in [*SOURCES, *SCRIPTS, *TESTS]}

DRAWERS = r"utils?|helpers?|common|misc|base_utils|managers?|data|info|handlers?|jobs?|tasks?"
"""Modules with such a name hold what was thrown in, not one idea."""
EMPTY_VERBS = r"process|handle|data"
"""As the whole name of a function; `process_tree` says something."""
EMPTY_WORDS = {"Manager", "Helper", "Utils", "Handler", "Impl", "My", "New", "Job", "Task"}
"""As a word of a class's name."""
MODULE_LIMIT_LINES = 400
"""Above this a module is two things. Most have 50 to 250 lines."""
WHOLE_TREE = "hub/coghub/domain/errors.py"
"""All errors of a wheel are one tree in one file, so that each is seen beside its neighbours."""

SERVED_FROM_THE_MODEL = {"__init__.py", "http.py", "exceptions.py"}
"""The modules of `cog.server` that run in the model's environment."""
THE_USERS_OWN = {("pydantic_hooks.py", "pydantic_core.core_schema")}
"""Imported in a hook that only the library itself calls, so it is there."""


def place(path: Path, node: ast.AST | None = None) -> str:
    line = f":{node.lineno}" if isinstance(node, ast.stmt) else ""
    return f"{path.relative_to(ROOT)}{line}"


def imports(tree: ast.Module) -> Iterator[str]:
    """Return every imported module, also those imported inside functions."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), names=names):
                yield from (f"{module}.{alias.name}" for alias in names)
            case _:
                pass


def is_empty_name(node: ast.AST) -> bool:
    match node:
        case ast.ClassDef(name=name):
            return bool(EMPTY_WORDS & set(re.findall(r"[A-Z][a-z0-9]*", name)))
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return bool(re.fullmatch(EMPTY_VERBS, name))
        case _:
            return False


def test_every_module_says_what_lives_in_it() -> None:
    silent = [place(path) for path in [*SOURCES, *SCRIPTS] if not ast.get_docstring(TREES[path])]

    assert silent == []


def test_no_module_is_a_drawer() -> None:
    names = {path: (path.stem, path.parent.name) for path in TREES}

    drawers = [
        place(path) for path, both in names.items() if any(re.fullmatch(DRAWERS, it) for it in both)
    ]

    assert drawers == []


def test_no_class_or_function_has_an_empty_name() -> None:
    empty = [
        f"{place(path, node)} {node.name}"
        for path in [*SOURCES, *SCRIPTS]
        for node in ast.walk(TREES[path])
        if is_empty_name(node)
    ]

    assert empty == []


def test_no_module_is_two_things() -> None:
    lengths = {place(path): path.read_text("utf-8").count("\n") for path in [*SOURCES, *SCRIPTS]}
    del lengths[WHOLE_TREE]

    assert {name: lines for name, lines in lengths.items() if lines > MODULE_LIMIT_LINES} == {}


def test_what_runs_in_a_models_environment_needs_the_standard_library_only() -> None:
    """Also imports inside functions: a model may run for hours before one is reached."""
    sdk = ROOT / "sdk" / "cog"
    inside = [
        path
        for path in SOURCES
        if path.is_relative_to(sdk)
        and (path.parent.name != "server" or path.name in SERVED_FROM_THE_MODEL)
    ]
    known = sys.stdlib_module_names | {"cog", "annotationlib"}  # the last is new in 3.14

    strangers = [
        f"{place(path)} imports {name}"
        for path in inside
        for name in imports(TREES[path])
        if name.partition(".")[0] not in known and (path.name, name) not in THE_USERS_OWN
    ]

    assert strangers == []


def test_nothing_is_mocked_or_imported_for_the_type_checker_alone() -> None:
    banned = re.compile(r"(unittest\.)?mock(\.|$)|typing\.TYPE_CHECKING")

    offenders = [
        f"{place(path)} imports {name}"
        for path, tree in TREES.items()
        for name in imports(tree)
        if banned.match(name)
    ]

    assert offenders == []


def test_every_lint_exception_has_its_reason() -> None:
    """Or stands right below one of the same rules that has it, as in a block of imports."""
    bare = [
        f"{place(path)}:{number}"
        for path in [*SOURCES, *SCRIPTS]
        for number, (above, line) in enumerate(pairwise(["", *path.read_text().split("\n")]), 1)
        if (found := re.search(r"#\s*noqa: ([A-Z0-9, ]+)$", line)) and found[1] not in above
    ]

    assert bare == []


def test_both_wheels_have_one_version_and_the_changelog_knows_it() -> None:
    projects = [(ROOT / part / "pyproject.toml").read_text("utf-8") for part in ("sdk", "hub")]
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")

    versions = {re.findall(r'^version = "(.+)"$', text, re.MULTILINE)[0] for text in projects}

    assert len(versions) == 1
    assert f"coghub-sdk[server]=={versions.copy().pop()}" in projects[1]
    assert "## Unreleased" in changelog or f"## {versions.pop()}" in changelog


def test_no_folder_with_tests_is_skipped(request) -> None:
    """By its name, as pytest skips `build` unless it is told otherwise."""
    skipped = request.config.getini("norecursedirs")
    folders = {part for path in TESTS for part in path.relative_to(ROOT).parts[:-1]}

    assert [one for one in folders if any(fnmatch(one, pattern) for pattern in skipped)] == []
