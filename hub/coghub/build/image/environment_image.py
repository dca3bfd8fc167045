"""Environment images: everything that a model needs but its own files; made once for each recipe.

The key is what an image is made from. One that is there is taken as it is, without asking Docker
to go through its layers again.
"""

import hashlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from coghub.build import commands
from coghub.build.accelerator.choice import Accelerator, choose
from coghub.build.docker.client import Docker
from coghub.build.docker.image import Image, find_image
from coghub.build.events import Notice, Report, Step
from coghub.build.files import explained
from coghub.build.image import context
from coghub.build.image.building import Build, build_image
from coghub.build.image.certificate import certificate_of
from coghub.build.image.dockerfile import INDEX_SECRET, Builder, dockerfile
from coghub.build.image.recipe import Recipe, recipe_of
from coghub.build.pip_settings import read_pip_settings
from coghub.build.plan import Plan
from coghub.build.sdk import sdk_path
from coghub.domain.errors import ConfigInvalid
from coghub.settings import Settings

REPOSITORY = "cog-environment"
KEY_CHARACTERS = 20
FORMAT = 1
"""Rises when an image of the same text would be another."""


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What the command line says of a build."""

    no_cache: bool = False
    secrets: tuple[str, ...] = ()
    progress: str = "auto"
    wants_cuda_image: bool | None = None
    dockerfile: Path | None = None
    """In place of the text that is made from cog.yaml."""
    separate_weights: bool = False


NO_OPTIONS = BuildOptions()


def ensure_environment(
    docker: Docker,
    plan: Plan,
    project: Path,
    settings: Settings,
    report: Report,
    options: BuildOptions = NO_OPTIONS,
) -> Image:
    """Return the environment image of a plan, made now if there is none.

    Raises:
        ConfigInvalid: if the plan cannot be an image.
        BuildFailed: if a step of the build fails.
        DiskFull: if no space is left, here or where the engine keeps its images.
    """
    commands.check_lines(plan)
    accelerator = _told(choose(plan, wants_cuda_image=options.wants_cuda_image), report)
    recipe = recipe_of(plan, accelerator, settings)
    text = _text(recipe, docker, options)
    with _context(recipe, project, settings) as (folder, digest):
        key = _key(dockerfile(recipe, Builder(has_buildkit=True)), text, digest, options)
        tag = f"{REPOSITORY}:{key}"
        known = None if options.no_cache else find_image(docker, tag)
        if known is not None:
            return known
        report(Step(f"Building on {recipe.base_image}"))
        secrets = (*options.secrets, *_index_secret(recipe, docker, settings, folder))
        build = Build(
            text,
            folder / "context",
            tag=tag,
            secrets=secrets,
            no_cache=options.no_cache,
            progress=options.progress,
        )
        build_image(docker, build, report)
    made = find_image(docker, tag)
    assert made is not None
    return made


def environment_text(plan: Plan, settings: Settings, options: BuildOptions) -> str:
    """Return the Dockerfile of a plan's environment image as BuildKit would get it."""
    accelerator = choose(plan, wants_cuda_image=options.wants_cuda_image)
    return dockerfile(recipe_of(plan, accelerator, settings), Builder(has_buildkit=True))


def _told(accelerator: Accelerator, report: Report) -> Accelerator:
    for line in (*accelerator.notes, *accelerator.warnings):
        report(Notice(line))
    return accelerator


def _text(recipe: Recipe, docker: Docker, options: BuildOptions) -> str:
    if options.dockerfile is None:
        return dockerfile(recipe, Builder(docker.has_buildkit))
    try:
        return options.dockerfile.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise ConfigInvalid(f"Could not read {options.dockerfile}: {reason}") from error


@contextmanager
def _context(recipe: Recipe, project: Path, settings: Settings) -> Generator[tuple[Path, str]]:
    """Write the context below a folder that lives for the block."""
    with TemporaryDirectory(prefix="cog-context-") as name, explained(Path(name)):
        folder = Path(name)
        digest = context.write_context(
            folder / "context",
            recipe,
            project=project,
            sdk=sdk_path(settings),
            certificate=certificate_of(settings),
        )
        yield folder, digest


def _key(standard: str, text: str, digest: str, options: BuildOptions) -> str:
    """Both builders make the same image, so that the text for one of them stands for both."""
    said = text if options.dockerfile else standard
    parts = repr((FORMAT, said, digest)).encode()
    return hashlib.sha256(parts).hexdigest()[:KEY_CHARACTERS]


def _index_secret(
    recipe: Recipe, docker: Docker, settings: Settings, folder: Path
) -> tuple[str, ...]:
    """Return the secret with this machine's own settings of indexes; empty if it has none."""
    pip = read_pip_settings(settings.environ, settings.home)
    script = context.host_settings(recipe.index, pip, settings.environ)
    if not script:
        return ()
    if not docker.has_buildkit:
        context.require_no_password(script)
        for part in ("packages", "server"):
            (folder / "context" / part / "index.sh").write_text(script, "utf-8")
        return ()
    path = folder / "index.sh"
    path.touch(mode=0o600)
    path.write_text(script, "utf-8")
    return (f"id={INDEX_SECRET},src={path}",)
