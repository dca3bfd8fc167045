"""The tests of a project as values, read from `cog.test.yaml` or from `tests` in cog.yaml.

All mistakes are told at once, each with its line and its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from coghub.build import yaml_tree
from coghub.cli.input_text import Inputs
from coghub.cli.trial.expect_fields import Faulty, Reading, expectations_of
from coghub.cli.trial.expectations import Expectation
from coghub.cli.trial.yaml_values import value_of
from coghub.domain.errors import ConfigInvalid, InputInvalid

FILE_NAME = "cog.test.yaml"
KEY = "tests"
CASE_KEYS = ("name", "inputs", "expect", "timeout")


@dataclass(frozen=True, slots=True)
class Case:
    """One test: what goes in, and what has to come out."""

    name: str
    inputs: Inputs = field(default_factory=Inputs)
    expectations: tuple[Expectation, ...] = ()
    tolerance: float = 0.0
    """How far apart numbers and images may be, also from another version's."""
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class Suite:
    """The tests of a project."""

    path: Path
    """Where they stand, or where the first one would."""
    cases: tuple[Case, ...] = ()


def read_suite(config_path: Path, folder: Path) -> Suite:
    """Return the tests of a project; without any, an empty suite.

    Args:
        config_path: of its cog.yaml, which has been read by others.
        folder: of the project; files are named from there.

    Raises:
        ConfigInvalid: with one line for each mistake.
    """
    own = folder / FILE_NAME
    root = _tree(config_path)
    is_in_config = isinstance(root, yaml_tree.Mapping) and KEY in root.entries
    if not own.is_file():
        path = config_path if is_in_config else own
        return cases_in(root, path, folder) if is_in_config else Suite(path)
    if is_in_config:
        raise ConfigInvalid(
            f"There are tests in both {FILE_NAME} and {config_path.name}",
            hint=f"Move those in {config_path.name} to {FILE_NAME}",
        )
    return cases_in(_tree(own), own, folder, is_own=True)


def cases_in(
    root: yaml_tree.Node | None, path: Path, folder: Path, *, is_own: bool = False
) -> Suite:
    """Return the tests in a tree; `is_own` says that the file is for nothing else.

    Raises:
        ConfigInvalid: with one line for each mistake.
    """
    reader = _Reader(path.name, folder)
    if isinstance(root, yaml_tree.Scalar) and root.is_null:
        root = None
    if isinstance(root, yaml_tree.Mapping):
        if is_own:
            reader.check_keys(root, (KEY,), "")
        cases = reader.cases(root.entries.get(KEY))
    else:
        cases = list[Case]()
        if root is not None:
            reader.fault(None, "", f"must be a mapping with `{KEY}`")
    if reader.faults:
        raise ConfigInvalid("\n".join(reader.faults))
    return Suite(path, tuple(cases))


def _tree(path: Path) -> yaml_tree.Node | None:
    try:
        return yaml_tree.read_tree(path.read_bytes())
    except yaml_tree.YAMLInvalid as error:
        raise ConfigInvalid(f"failed to parse {path.name}: invalid YAML: {error}") from error
    except OSError as error:
        raise ConfigInvalid(f"failed to read {path.name}: {error.strerror}") from error


class _Reader:
    """Turns nodes into tests, and notes what is wrong with them."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.faults: list[str] = []
        self.seen: dict[str, str] = {}
        """The place of each name."""

    def fault(self, line: int | None, place: str, message: str) -> None:
        at = f"{self.name}:{line}" if line else self.name
        self.faults.append(f"{at}: {place}: {message}" if place else f"{at}: {message}")

    def check_keys(self, node: yaml_tree.Mapping, known: tuple[str, ...], place: str) -> None:
        for key in node.entries:
            if key not in known:
                meant = get_close_matches(key, known, 1)
                advice = f"did you mean `{meant[0]}`?" if meant else f"there are {_list(known)}"
                self.fault(node.lines.get(key), place, f"unknown key `{key}`; {advice}")

    def cases(self, node: yaml_tree.Node | None) -> list[Case]:
        if node is None or (isinstance(node, yaml_tree.Scalar) and node.is_null):
            return []
        if not isinstance(node, yaml_tree.Sequence):
            self.fault(None, KEY, "must be a list")
            return []
        cases = [self._case(item, index) for index, item in enumerate(node.items)]
        return [case for case in cases if case]

    def _case(self, node: yaml_tree.Node, index: int) -> Case | None:
        place = f"{KEY}[{index}]"
        if not isinstance(node, yaml_tree.Mapping):
            self.fault(None, place, "must be a mapping with `inputs` and `expect`")
            return None
        self.check_keys(node, CASE_KEYS, place)
        try:
            values = value_of(node)
        except yaml_tree.YAMLInvalid as error:
            self.fault(None, place, str(error))
            return None
        expectations, tolerance = self._expectations(node, values, place)
        return Case(
            self._name(node, values, index),
            self._inputs(node, values, place),
            expectations,
            tolerance,
            self._timeout(node, values, place),
        )

    def _name(self, node: yaml_tree.Mapping, values: Mapping[str, Any], index: int) -> str:
        given, place = values.get("name"), f"{KEY}[{index}].name"
        if given is not None and (isinstance(given, (dict, list)) or not str(given).strip()):
            self.fault(node.lines.get("name"), place, "must be a text")
            given = None
        name = f"test {index + 1}" if given is None else " ".join(str(given).split())
        if name in self.seen:
            self.fault(node.lines.get("name"), place, f"`{name}` is also {self.seen[name]}")
        self.seen.setdefault(name, place)
        return name

    def _inputs(self, node: yaml_tree.Mapping, values: Mapping[str, Any], place: str) -> Inputs:
        given, inputs = values.get("inputs"), Inputs()
        line = node.lines.get("inputs")
        if given is not None and not isinstance(given, dict):
            self.fault(line, f"{place}.inputs", "must be a mapping of names to values")
            return inputs
        own = node.entries.get("inputs")
        lines = own.lines if isinstance(own, yaml_tree.Mapping) else {}
        for name, value in (given or {}).items():
            try:
                inputs.values[name] = self._attached(inputs, (name,), value)
            except InputInvalid as error:
                self.fault(lines.get(name, line), f"{place}.inputs", error.message)
        return inputs

    def _attached(self, inputs: Inputs, at: tuple[str | int, ...], value: Any) -> Any:
        """Return a value with its files noted: a text `@PATH`, where `@@` is one `@`."""
        match value:
            case dict():
                return {key: self._attached(inputs, (*at, key), it) for key, it in value.items()}
            case list():
                return [self._attached(inputs, (*at, n), it) for n, it in enumerate(value)]
            case str() if value.startswith("@@"):
                return value[1:]
            case str() if value.startswith("@"):
                path = str(self.folder / Path(value[1:]).expanduser()) if value[1:] else ""
                return inputs.attach(at, path)
            case _:
                return value

    def _expectations(
        self, node: yaml_tree.Mapping, values: Mapping[str, Any], place: str
    ) -> tuple[tuple[Expectation, ...], float]:
        given, own = values.get("expect"), node.entries.get("expect")
        place = f"{place}.expect"
        if given is None:
            return (), 0.0
        if not isinstance(given, dict) or not isinstance(own, yaml_tree.Mapping):
            self.fault(node.lines.get("expect"), place, "must be a mapping, as in `equal: VALUE`")
            return (), 0.0
        reading = Reading(given, self.folder)
        self.check_keys(own, reading.keys, place)
        try:
            return expectations_of(reading)
        except Faulty as fault:
            line = own.lines.get(fault.key, node.lines.get("expect"))
            self.fault(line, f"{place}.{fault.key}", fault.message)
            return (), 0.0

    def _timeout(
        self, node: yaml_tree.Mapping, values: Mapping[str, Any], place: str
    ) -> float | None:
        given = values.get("timeout")
        is_number = isinstance(given, int | float) and not isinstance(given, bool)
        if given is None or (is_number and given > 0):
            return given
        self.fault(
            node.lines.get("timeout"), f"{place}.timeout", "must be a number of seconds above 0"
        )
        return None


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)
