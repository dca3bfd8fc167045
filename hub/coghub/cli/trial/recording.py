"""A test made from a run: its inputs, its output as what is expected, and the files of both.

Files of the project stay where they are; those of elsewhere, and outputs, become files in `tests/`.
The test is added at the end of the file that holds the tests; all else in it stays as it is.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coghub.build import yaml_tree
from coghub.build.files import write_atomically
from coghub.cli.input_text import AttachedFile, Inputs
from coghub.cli.trial.cases import FILE_NAME, KEY, Suite, cases_in
from coghub.cli.trial.outcome import PREFIX, End, Outcome, OutputFile
from coghub.cli.trial.yaml_places import appended
from coghub.domain.errors import ConfigInvalid, UsageError

FOLDER = "tests"
MAX_TEXT_CHARACTERS = 500
"""A longer output is easier to read in a file of its own."""
_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass
class Recording:
    """One test on its way into the file of a project."""

    name: str
    folder: Path
    """The project's."""
    files: dict[Path, bytes] = field(default_factory=dict)
    """What is written beside it."""

    def entry(self, inputs: Inputs, outcome: Outcome) -> dict[str, Any]:
        """Return the test as it is written."""
        entry: dict[str, Any] = {"name": self.name}
        if inputs.values:
            entry["inputs"] = self._inputs(inputs)
        return {**entry, "expect": self._expectation(outcome)}

    def _inputs(self, inputs: Inputs) -> dict[str, Any]:
        files = {file.at: file for file in inputs.files}
        return {name: self._input((name,), it, files) for name, it in inputs.values.items()}

    def _input(
        self,
        at: tuple[str | int, ...],
        value: Any,
        files: Mapping[tuple[str | int, ...], AttachedFile],
    ) -> Any:
        if at in files:
            return f"@{self._kept(at, files[at].path)}"
        match value:
            case dict():
                return {key: self._input((*at, key), it, files) for key, it in value.items()}
            case list():
                return [self._input((*at, n), it, files) for n, it in enumerate(value)]
            case _:
                return _escaped(value)

    def _kept(self, at: tuple[str | int, ...], path: Path) -> str:
        """Return how an input's file is named from the project's folder."""
        whole = path.expanduser().resolve()
        if whole.is_file() and whole.is_relative_to(self.folder.resolve()):
            return whole.relative_to(self.folder.resolve()).as_posix()
        label = ".".join(str(part) for part in at)
        return self._stored(label, path.suffix, path.expanduser().read_bytes())

    def _expectation(self, outcome: Outcome) -> dict[str, Any]:
        output = outcome.output
        if outcome.end is not End.SUCCEEDED:
            return {"fails": outcome.error.removeprefix(PREFIX) or True}
        files = output if isinstance(output, list) else [output]
        if files and all(isinstance(it, OutputFile) and it.is_image for it in files):
            names = [
                self._stored(f"out.{n}" if len(files) > 1 else "out", it.suffix, it.content)
                for n, it in enumerate(files)
            ]
            return {"image": names if isinstance(output, list) else names[0]}
        if isinstance(output, str) and len(output) > MAX_TEXT_CHARACTERS:
            return {"equal": f"@{self._stored('out', '.txt', output.encode())}"}
        return {"equal": self._output(output, "out")}

    def _output(self, value: Any, label: str) -> Any:
        match value:
            case OutputFile():
                return f"@{self._stored(label, value.suffix, value.content)}"
            case dict():
                return {key: self._output(it, f"{label}.{key}") for key, it in value.items()}
            case list():
                return [self._output(it, f"{label}.{n}") for n, it in enumerate(value)]
            case _:
                return _escaped(value)

    def _stored(self, label: str, suffix: str, content: bytes) -> str:
        """Return the name of a file that is written with the test, from the project's folder."""
        for path in self._candidates(label, suffix):
            is_taken = self.files.get(path, content) != content
            if not is_taken and (not path.exists() or path.read_bytes() == content):
                self.files[path] = content
                return path.relative_to(self.folder).as_posix()
        raise AssertionError  # there is no end of candidates

    def _candidates(self, label: str, suffix: str) -> Iterator[Path]:
        parts = [self.name, *label.split(".")]
        stem = ".".join(_UNFIT.sub("-", part).strip("-") or "_" for part in parts)
        yield self.folder / FOLDER / f"{stem}{suffix}"
        number = 2
        while True:
            yield self.folder / FOLDER / f"{stem}-{number}{suffix}"
            number += 1


def require_new(suite: Suite, name: str) -> None:
    """Do nothing if a test of that name can be added.

    Raises:
        UsageError: if there is one, or it is no name.
    """
    if not name.strip() or " ".join(name.split()) != name:
        raise UsageError(f"Not the name of a test: {name}")
    if any(case.name == name for case in suite.cases):
        raise UsageError(
            f"There is a test named `{name}` already",
            hint=f"Choose another name, or remove it from {suite.path.name}",
        )


def record(suite: Suite, folder: Path, name: str, inputs: Inputs, outcome: Outcome) -> list[Path]:
    """Write a test and its files, and return the paths of all that was written.

    Where nothing can be added, nothing is left of it.

    Raises:
        ConfigInvalid: if the file has a form to which nothing can be added.
    """
    recording = Recording(name, folder)
    entry = recording.entry(inputs, outcome)
    new = [path for path in recording.files if not path.exists()]
    for path in new:
        write_atomically(path, recording.files[path])
    before = suite.path.read_bytes() if suite.path.exists() else b""
    after = appended(before, KEY, entry)
    if after is None or not _reads_back(after, before, suite, folder):
        for path in new:
            path.unlink()
        raise ConfigInvalid(
            f"The test cannot be added to {suite.path.name} as it is written",
            hint=f"Write `{KEY}` as a list of items that begin with `-`, last in the file",
        )
    write_atomically(suite.path, after)
    return [suite.path, *new]


def _reads_back(after: bytes, before: bytes, suite: Suite, folder: Path) -> bool:
    """Tell whether there is one test more, and everything else as it was."""
    try:
        tree = yaml_tree.read_tree(after)
        read = cases_in(tree, suite.path, folder, is_own=suite.path.name == FILE_NAME)
        rests = [_without_tests(tree), _without_tests(yaml_tree.read_tree(before))]
    except (ConfigInvalid, yaml_tree.YAMLInvalid):
        return False
    names = [case.name for case in suite.cases]
    return [case.name for case in read.cases[:-1]] == names and rests[0] == rests[1]


def _without_tests(tree: yaml_tree.Node | None) -> Any:
    value = yaml_tree.json_of(tree) or {}
    return {key: it for key, it in value.items() if key != KEY} if isinstance(value, dict) else {}


def _escaped(value: Any) -> Any:
    """Return a value whose text is not taken for the name of a file."""
    return f"@{value}" if isinstance(value, str) and value.startswith("@") else value
