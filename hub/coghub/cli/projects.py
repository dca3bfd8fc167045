"""What a command runs: the project around the current folder, or a bundle by its name."""

from collections.abc import Mapping
from pathlib import Path

from coghub.build.config import find_config, project_of, read_config
from coghub.build.plan import read_plan, resolve
from coghub.cli.invocation import Invocation
from coghub.cli.output import Console
from coghub.domain.errors import BundleError, ConfigInvalid, RegistryError, UsageError
from coghub.engines.base import WEIGHTS, Project
from coghub.engines.choice import engine_of

HINTS = {
    "predict": "This project only trains: `cog train`",
    "train": 'Add a line such as `train: "train.py:train"`',
}
"""What to do where a project has the other reference only."""


def chosen_project(invocation: Invocation, name: str | None, config_name: str) -> Project:
    """Return the bundle of that name; without a name the project around the current folder."""
    if name:
        return project_named(name, invocation)
    return project_here(config_name, invocation.console)


def project_named(name: str, invocation: Invocation) -> Project:
    """Return what has a name: an image of the engine, else a bundle; fetched where it must be.

    Raises:
        UsageError: if the name looks like an input that lacks its `-i`.
        ImageNotFound: if there is neither.
        CoghubError: if it cannot be fetched, or is no model.
    """
    if "=" in name:
        raise UsageError(f"Invalid image name '{name}'. Did you forget `-i`?")
    engine = engine_of(invocation.settings)
    found = engine.find(name)
    if found is not None:
        return found
    try:
        return project_of_bundle(name, invocation)
    except (BundleError, RegistryError) as error:
        if engine.name == "local":
            raise
        with invocation.console.step(f"Pulling {name}..."):
            fetched = engine.fetch(name)
        if fetched is None:
            raise error from None
        return fetched


def project_here(config_name: str, console: Console) -> Project:
    """Return the project whose cog.yaml is here or in the nearest folder above.

    Raises:
        ConfigError: if there is none, or it says what cannot be.
    """
    path = find_config(config_name, Path.cwd())
    folder = project_of(path, config_name)
    config = read_config(path, folder)
    plan = resolve(config, folder)
    for warning in dict.fromkeys((*config.warnings, *plan.warnings)):
        console.warn(warning)
    return Project(folder, plan, origin=config_name)


def project_of_bundle(name: str, invocation: Invocation) -> Project:
    """Return the bundle of that name as a project; one with a host is fetched where it must be.

    Raises:
        BundleError: if there is no such bundle, or it is damaged.
        RegistryError: if it cannot be fetched.
    """
    from coghub.build.bundle import Store  # noqa: PLC0415 - most predictions are of a project

    store = Store(invocation.settings)
    if "/" in name:
        from coghub.cli.remote_bundles import named_bundle  # noqa: PLC0415 - brings HTTP with it

        bundle = named_bundle(invocation, name)
    else:
        bundle = store.find(name)
    folder = store.unpack(bundle)
    return Project(
        folder,
        read_plan(folder),
        bundle.document,
        origin=bundle.name,
        weights=store.weights(bundle),
    )


def variables_for(
    project: Project, given: Mapping[str, str], environ: Mapping[str, str]
) -> dict[str, str]:
    """Return the variables of a launch: with the project's own weights, unless others are named.

    Args:
        project: what is launched.
        given: what the command line says.
        environ: of this process.
    """
    if project.weights is None or WEIGHTS in given or environ.get(WEIGHTS):
        return dict(given)
    return {**given, WEIGHTS: project.weights}


def require_reference(project: Project, mode: str) -> None:
    """Do nothing if cog.yaml says what to run in a mode, and its file is there.

    Raises:
        ConfigInvalid: if it does not, before an environment is made for nothing.
    """
    plan = project.plan
    if not (plan.predict or plan.train):
        raise ConfigInvalid(
            "no predict or train reference found in cog.yaml",
            hint='Add a line such as `predict: "predict.py:Predictor"`',
        )
    reference = getattr(plan, mode)
    if not reference:
        raise ConfigInvalid(f"no {mode} reference found in cog.yaml", hint=HINTS.get(mode))
    name = reference.rpartition(":")[0]
    if project.image is None and not (project.folder / name).exists():
        raise ConfigInvalid(f"{name} not found", hint=f"{project.origin} says `{reference}`")
