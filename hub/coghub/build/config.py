"""What a cog.yaml says, as one frozen value: found, read and checked.

1. `find_config` looks for the file here and in the folders above.
2. `read_config` turns YAML into typed fields, then checks what they mean.

All mistakes are told at once.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coghub.build import checks, yaml_tree
from coghub.build.cog_yaml import Build, Command, Config, Mount
from coghub.build.fields import Problems, Section
from coghub.domain.errors import ConfigInvalid, ConfigNotFound

MAX_PARENTS = 100
CONFIG_NAME = "cog.yaml"
"""The one that `cog init` writes."""

DEPRECATED = (
    ("concurrency.max", 'use "@cog.concurrent(max=...)" instead'),
    ("build.python_packages", 'use "build.python_requirements" instead'),
    ("build.pre_install", 'use "build.run" instead'),
)
"""Cog also warns about `predict`; here both spellings are equal."""


def find_config(name: str, start: Path) -> Path:
    """Return the file of that name in `start` or the nearest folder above it.

    Raises:
        ConfigNotFound: if there is none.
    """
    start = start.absolute()
    for folder in [start, *start.parents][: MAX_PARENTS + 1]:
        if (folder / name).is_file():
            return folder / name
    raise ConfigNotFound(
        f"{name} not found in {start} (or in any parent directories)",
        hint="Make one with `cog init`" if name == CONFIG_NAME else None,
    )


def project_of(config_path: Path, name: str) -> Path:
    """Return the project's folder: the one from which `name` (such as `conf/gpu.yaml`) resolves."""
    if Path(name).is_absolute():
        return config_path.parent
    folder = config_path
    for _ in Path(name).parts:
        folder = folder.parent
    return folder


def read_config(path: Path, project: Path | None = None) -> Config:
    """Return what the file says; `project` is the file's folder unless given.

    Raises:
        ConfigInvalid: with one line for each mistake.
    """
    problems = Problems(path.name)
    root = _root(path, problems)
    config = _config(root) if root else Config()
    if root:
        checks.check(root, config, project or path.parent)
    if problems.lines:
        raise ConfigInvalid("\n".join(problems.lines))
    return config


def _root(path: Path, problems: Problems) -> Section | None:
    """Return the whole file as a section; None when it is empty."""
    try:
        tree = yaml_tree.read_tree(path.read_bytes())
    except yaml_tree.YAMLInvalid as error:
        raise ConfigInvalid(f"failed to parse {path.name}: invalid YAML: {error}") from error
    except OSError as error:
        raise ConfigInvalid(f"failed to read {path.name}: {error.strerror}") from error
    if tree is None or (isinstance(tree, yaml_tree.Scalar) and tree.is_null):
        return None
    if not isinstance(tree, yaml_tree.Mapping):
        problems.mistype(path.name, "mapping", is_shape=True)
        return None
    return Section(tree, "", problems)


def _config(root: Section) -> Config:
    build = root.section("build")
    concurrency = root.section("concurrency")
    predict, run = root.text("predict"), root.text("run")
    return Config(
        build=_build(build) if build else Build(),
        image=root.text("image") or None,
        model=root.text("model") or None,
        predict=run or predict or None,
        train=root.text("train") or None,
        max_concurrency=concurrency.number("max") if concurrency else None,
        environment=_environment(root),
        weights=_weights(root),
        warnings=_warnings(root, build, concurrency),
    )


def _build(section: Section) -> Build:
    python_version = section.text("python_version", "string or number") or ""
    return Build(
        gpu=section.boolean("gpu"),
        python_version=python_version.strip(),
        python_requirements=section.text("python_requirements") or None,
        python_packages=section.texts("python_packages"),
        system_packages=section.texts("system_packages", "list or null"),
        run=_commands(section),
        pre_install=section.texts("pre_install"),
        cuda=section.text("cuda", "string or number") or None,
        cudnn=section.text("cudnn", "string or number") or None,
        sdk_version=section.text("sdk_version", "string or number") or None,
    )


def _commands(section: Section) -> tuple[Command, ...]:
    """Return the items of `run`, each a text or a mapping with `command` and `mounts`."""
    commands: list[Command] = []
    for position, item in enumerate(section.items("run")):
        place = f"{section.place('run')}.{position}"
        if isinstance(item, yaml_tree.Scalar):
            commands.append(Command(item.text))
        elif isinstance(item, yaml_tree.Mapping):
            commands.append(_command(Section(item, place, section.problems)))
        else:
            section.problems.mistype(place, "string or mapping", is_shape=True)
    return tuple(commands)


def _command(section: Section) -> Command:
    command = section.text("command")
    if command is None:
        section.problems.add(section.path, "command is required")
    mounts: list[Mount] = []
    for position, item in enumerate(section.items("mounts")):
        place = f"{section.place('mounts')}.{position}"
        if isinstance(item, yaml_tree.Mapping):
            one = Section(item, place, section.problems)
            type_, id_, target = (one.text(key) or "" for key in ("type", "id", "target"))
            mounts.append(Mount(type_, id_, target))
        else:
            section.problems.mistype(place, "mapping", is_shape=True)
    return Command(command or "", tuple(mounts))


def _environment(root: Section) -> dict[str, str]:
    """Return the variables that are well formed; `checks` tells of the others."""
    pairs = (item.partition("=") for item in root.texts("environment"))
    return {name: value for name, equals, value in pairs if equals}


def _weights(root: Section) -> tuple[Mapping[str, Any], ...]:
    """Return the entries as they stand, with texts for numbers; what they mean is decided later."""
    entries: list[Mapping[str, Any]] = []
    for position, item in enumerate(root.items("weights")):
        if isinstance(item, yaml_tree.Mapping):
            entries.append(yaml_tree.json_of(item))
        else:
            root.problems.mistype(f"weights.{position}", "mapping", is_shape=True)
    return tuple(entries)


def _warnings(root: Section, build: Section | None, concurrency: Section | None) -> tuple[str, ...]:
    sections = {"": root, "build": build, "concurrency": concurrency}
    lines: list[str] = []
    for path, advice in DEPRECATED:
        above, _, name = path.rpartition(".")
        section = sections[above]
        if section is not None and section.has(name):
            lines.append(f'deprecated field "{path}": {advice}')
    return tuple(lines)
