"""The documentation tells the truth: the reference is fresh, and what guides show works."""

import ast
import importlib
import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import pytest

from cog.schema.inspection import interface_of
from cog.schema.loading import load
from coghub.build.config import read_config
from coghub.cli.main import COMMANDS, OPERATOR_COMMANDS, operator_root, root
from coghub.cli.trial.cases import read_suite

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"
GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))
MARKDOWN = [
    path
    for pattern in ("*.md", "docs/**/*.md", "examples/*.md", "examples/*/*.md", "benchmarks/*.md")
    for path in sorted(ROOT.glob(pattern))
]
SOURCES = [*(ROOT / "sdk/cog").rglob("*.py"), *(ROOT / "hub/coghub").rglob("*.py")]

SET_FOR_OTHERS = {
    "VIRTUAL_ENV",
    "HOME",
    "PATH",
    "COG_WORKER_TREE",
}
"""Variables that are only passed on, or between our own processes."""


SHOWN_COMMAND = re.compile(r"(?:^|\| |&& |\$ )(cog|coghub) ([^|&<>\n]+)", re.MULTILINE)


def blocks(path: Path, *languages: str) -> list[str]:
    """Return the code blocks of a page in these languages."""
    found = re.findall(r"^```(\w+)\n(.*?)^```$", path.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return [text for language, text in found if language in languages]


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in SOURCES:
        yield path, ast.parse(path.read_text("utf-8"))


@pytest.fixture(scope="module")
def settings_page() -> str:
    return (REFERENCE / "settings.md").read_text("utf-8")


def test_the_reference_is_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    pages = importlib.import_module("docs.generate.pages")

    assert pages.stale() == [], "run `make docs`"


def test_every_variable_that_is_read_is_in_the_reference(settings_page: str) -> None:
    """Read means: named in a call on, or with, something called `environ`."""
    variable = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+|PORT")

    read = {
        constant.value
        for _, tree in trees()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and "environ" in ast.unparse(call)
        for constant in call.args
        if isinstance(constant, ast.Constant) and isinstance(constant.value, str)
        if variable.fullmatch(constant.value)
    }

    assert {"PORT", "COG_CACHE_DIR", "COG_WEIGHTS"} <= read
    unsaid = {name for name in read - SET_FOR_OTHERS if f"`{name}`" not in settings_page}
    assert {name for name in unsaid if not name.startswith(("UV_", "PIP_"))} == set()


def test_every_route_and_every_status_is_in_the_reference() -> None:
    page = (REFERENCE / "http.md").read_text("utf-8")
    app = (ROOT / "sdk/cog/server/app.py").read_text("utf-8")

    paths = set(re.findall(r'b"(/[a-z.-]*)"', app)) | {"/predictions", "/trainings"}
    statuses = {
        status
        for path in (ROOT / "sdk/cog/server").glob("*.py")
        for status in re.findall(r"(?:[rR]efusal|send|_say)\((\d{3})", path.read_text("utf-8"))
    }

    assert [path for path in paths if f"`{path}`" not in page] == []
    assert [status for status in statuses if status not in page] == []


@pytest.mark.parametrize(("group", "names"), [(root, COMMANDS), (operator_root, OPERATOR_COMMANDS)])
def test_every_command_and_visible_option_is_in_the_reference(
    group: click.Group, names: Iterable[str]
) -> None:
    page = (REFERENCE / "commands.md").read_text("utf-8")

    for name in names:
        command = group.get_command(click.Context(group), name)
        assert command is not None
        assert f"## {group.name} {name}\n" in page
        for option in command.params:
            assert all(f"`{flag}`" in page for flag in option.opts if flag.startswith("-")), name


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text("utf-8"))

    local = [link for link in links if "://" not in link]

    assert [link for link in local if not (path.parent / link).exists()] == []


def test_every_file_of_the_reading_order_is_there() -> None:
    """A name alone is a file of the folder that was named before it."""
    _, _, order = (ROOT / "ARCHITECTURE.md").read_text("utf-8").partition("## Reading order")
    folder = ROOT
    for name in re.findall(r"`([\w/]+\.py)`", order):
        path = ROOT / name if "/" in name else folder / name
        folder = path.parent

        assert path.is_file(), name
    assert folder != ROOT


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.stem)
def test_the_python_of_guides_runs(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A block that begins with a file's name is a model, and must have an interface."""
    monkeypatch.chdir(tmp_path)
    for block in blocks(path, "python"):
        named = re.match(r"# (\w+\.py)\n", block)
        if not named:
            exec(compile(block, f"{path.name}", "exec"), {})
            continue
        (tmp_path / named[1]).write_text(block, encoding="utf-8")
        mode = "train" if named[1] == "train.py" else "predict"
        target = "Predictor" if "class Predictor" in block else mode
        interface = interface_of(load(f"{named[1]}:{target}", mode))
        assert interface.parameters


@pytest.mark.parametrize("path", [*GUIDES, ROOT / "README.md"], ids=lambda path: path.stem)
def test_every_cog_yaml_that_is_shown_is_valid(path: Path, tmp_path: Path) -> None:
    """A block that begins with `# cog.test.yaml` holds tests; the files that it names are there."""
    (tmp_path / "tests").mkdir()
    for block in blocks(path, "yaml"):
        (tmp_path / "requirements.txt").touch()
        for name in re.findall(r"tests/[\w.]+", block):
            (tmp_path / name).touch()
        is_tests = block.startswith("# cog.test.yaml\n")
        (tmp_path / "cog.yaml").write_text("" if is_tests else block, encoding="utf-8")
        (tmp_path / "cog.test.yaml").unlink(missing_ok=True)
        if is_tests:
            (tmp_path / "cog.test.yaml").write_text(block, encoding="utf-8")

        suite = read_suite(tmp_path / "cog.yaml", tmp_path)
        assert suite.cases if is_tests else read_config(tmp_path / "cog.yaml").predict


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_is_shown_exists(path: Path) -> None:
    for block in blocks(path, "sh", "console"):
        for name, line in SHOWN_COMMAND.findall(block):
            group = root if name == "cog" else operator_root
            parse(group, shlex.split(line, comments=True))


def parse(command: click.Command, words: list[str]) -> None:
    """Have click read a command line, without running it."""
    context = command.make_context("cog", words, resilient_parsing=False)
    if isinstance(command, click.Group):
        name, child, rest = command.resolve_command(
            context, [*context._protected_args, *context.args]
        )
        assert child is not None, name
        parse(child, rest)
