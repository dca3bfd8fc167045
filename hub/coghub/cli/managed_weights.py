"""The weights of cog.yaml in commands: which there are, and where they are pushed."""

from collections.abc import Mapping

from cog.weights import WeightsCache
from cog.weights.settings import default_folder
from coghub.build.registry_client.reference import Host, Reference, parse_reference
from coghub.build.weights.declared import Weight, declared
from coghub.build.weights.lock import LockedWeight, read_lock, require_no_drift
from coghub.cli.invocation import Invocation
from coghub.cli.registries import chosen_host
from coghub.domain.errors import UsageError, WeightsInvalid
from coghub.engines.base import Project
from coghub.settings import Settings

VARIABLES = ("COG_MODEL", "COG_MODEL_REGISTRY", "COG_MODEL_REPO", "COG_MODEL_TAG")


def store_of(settings: Settings) -> WeightsCache:
    """Return the store of all projects on this machine."""
    return WeightsCache(default_folder(settings.environ))


def weights_of(project: Project) -> list[Weight]:
    """Return what cog.yaml says of weights.

    Raises:
        ConfigInvalid: if that cannot be.
    """
    return declared(project.plan.config.get("weights") or ())


def locked_of(project: Project) -> list[LockedWeight]:
    """Return the weights of a project as its lock has them.

    Raises:
        WeightsInvalid: if there is no lock, or it says something else than cog.yaml.
    """
    weights = weights_of(project)
    lock = read_lock(project.folder)
    if not weights and lock is None:
        return []
    if lock is None:
        raise WeightsInvalid("weights.lock not found (run 'cog weights import' first)")
    require_no_drift(weights, lock)
    return list(lock.weights)


def model_reference(invocation: Invocation, project: Project) -> tuple[Host, Reference]:
    """Return the registry and the repository that the weights of a project belong to.

    Raises:
        UsageError: if nothing names one.
    """
    config, environ = project.plan.config, invocation.settings.environ
    if config.get("image"):
        raise UsageError(
            f"weight commands require 'model' in {project.origin}, not 'image' — "
            "rename 'image' to 'model'"
        )
    reference = named_model(project, environ)
    if reference is None:
        raise UsageError(
            f"weight commands require a model ref: set 'model' in {project.origin}, "
            "or export COG_MODEL / COG_MODEL_REPO"
        )
    host, _ = chosen_host(invocation, None, reference.host)
    return host, reference


def named_model(project: Project, environ: Mapping[str, str]) -> Reference | None:
    """Return what `model` of cog.yaml and the variables name, if they do.

    Raises:
        NameInvalid: if that cannot be a name.
    """
    text = _named(str(project.plan.config.get("model") or ""), environ)
    return parse_reference(text) if text else None


def _named(configured: str, environ: Mapping[str, str]) -> str:
    """Return the name that the variables and cog.yaml give together."""
    whole, registry, repository, tag = (environ.get(it, "").strip() for it in VARIABLES)
    if whole:
        return whole
    base = parse_reference(configured) if configured else None
    name = repository or (base.repository if base else "")
    host = registry or (str(base.host) if base and base.host else "")
    if not name:
        return ""
    return f"{host}/{name}".lstrip("/") + (f":{tag}" if tag else "")
