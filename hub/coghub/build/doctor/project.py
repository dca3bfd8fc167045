"""A project as its checks see it: read once, and as much of it as can be read."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from coghub.build import yaml_tree
from coghub.build.cog_yaml import Config
from coghub.build.config import read_config
from coghub.build.docker.client import is_answering
from coghub.build.doctor.code import Code, read_code
from coghub.build.doctor.installed import Installed, installed
from coghub.build.doctor.texts import Text, TextUnreadable, read_text
from coghub.build.events import ignore
from coghub.build.plan import Plan, resolve
from coghub.build.project_files import ProjectFile, project_files
from coghub.domain.errors import CoghubError, ConfigInvalid, ProjectUnreadable
from coghub.settings import Settings

REFERENCES = ("run", "predict", "train")


@dataclass(frozen=True, slots=True)
class Reference:
    """Where cog.yaml says that the model is."""

    key: str
    """`run`, `predict` or `train`."""
    path: str
    name: str
    line: int | None


@dataclass(frozen=True)
class ExaminedProject:
    """One folder; what takes time is read when a check asks for it."""

    folder: Path
    config_name: str
    settings: Settings

    @cached_property
    def config(self) -> Config | ConfigInvalid:
        """What cog.yaml says, or why it cannot be used."""
        try:
            return read_config(self.folder / self.config_name, self.folder)
        except ConfigInvalid as error:
            return error
        except CoghubError as error:  # of the requirements, which are read for what they pin
            return ConfigInvalid(error.message, error.hint)
        except OSError as error:
            return ConfigInvalid(f"{error.strerror}: {self.config_name}")

    @cached_property
    def config_text(self) -> Text | None:
        """The text of cog.yaml; None where it is none."""
        try:
            return read_text(self.folder / self.config_name)
        except TextUnreadable:
            return None

    @cached_property
    def root(self) -> yaml_tree.Mapping:
        """The keys of cog.yaml, also where their values mean nothing; empty if it is no YAML."""
        try:
            tree = yaml_tree.read_tree((self.folder / self.config_name).read_bytes())
        except (yaml_tree.YAMLInvalid, OSError):
            tree = None
        return tree if isinstance(tree, yaml_tree.Mapping) else yaml_tree.Mapping()

    @cached_property
    def plan(self) -> Plan | CoghubError | None:
        """What it resolves to, or why it does not; None without a config."""
        if isinstance(self.config, ConfigInvalid):
            return None
        try:
            return resolve(self.config, self.folder)
        except CoghubError as error:
            return error
        except (OSError, ValueError) as error:
            return ProjectUnreadable(str(error))

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """The files and names that cog.yaml refers to."""
        return tuple(self._references())

    @cached_property
    def code(self) -> Code:
        """The Python that they lead to."""
        return read_code(self.folder, [reference.path for reference in self.references])

    @cached_property
    def files(self) -> list[ProjectFile] | ProjectUnreadable:
        """What would be packed and pushed, or why it cannot be."""
        kept = frozenset(self.plan.local_packages) if isinstance(self.plan, Plan) else frozenset()
        try:
            return project_files(self.folder, ignore, kept=kept)
        except ProjectUnreadable as error:
            return error
        except RecursionError:
            return ProjectUnreadable("The project's folders are nested too deep")

    @cached_property
    def has_docker(self) -> bool:
        """Whether models run with Docker: it is asked for, or an engine answers."""
        if self.settings.engine is not None:
            return self.settings.engine == "docker"
        return is_answering(self.settings)

    @cached_property
    def installed(self) -> Installed | None:
        """What its environment holds, if one was made for exactly this plan."""
        return installed(self.plan, self.settings) if isinstance(self.plan, Plan) else None

    def line_of(self, field: str) -> int | None:
        """Return the line of a field such as "build.cuda", or of what is nearest around it."""
        node: yaml_tree.Node | None = self.root
        line = None
        for part in field.split("."):
            if not isinstance(node, yaml_tree.Mapping) or part not in node.lines:
                break
            line, node = node.lines[part], node.entries.get(part)
        return line

    def _references(self) -> Iterator[Reference]:
        for key in REFERENCES:
            node = self.root.entries.get(key)
            if not isinstance(node, yaml_tree.Scalar):
                continue
            path, colon, name = node.text.rpartition(":")
            if colon and path.endswith(".py"):
                yield Reference(key, path.removeprefix("./"), name, self.root.lines.get(key))
