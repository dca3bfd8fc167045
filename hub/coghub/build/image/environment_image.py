"""Environment images: everything that a model needs but its own files; made once for each recipe.

The key is what an image is made from. One that is there is taken as it is, without asking Docker
to go through its layers again.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from coghub.build import commands
from coghub.build.accelerator.choice import Accelerator, choose
from coghub.build.accelerator.kernels import capabilities, kernel_warning
from coghub.build.accelerator.wanted import wanted as wanted_in
from coghub.build.docker.client import Docker
from coghub.build.docker.image import Image, find_image
from coghub.build.events import Notice, Report, Step, ignore
from coghub.build.image import context
from coghub.build.image.building import Build, build_image
from coghub.build.image.certificate import certificate_of
from coghub.build.image.dockerfile import ENVIRONMENT, INDEX_SECRET, Builder, dockerfile
from coghub.build.image.leftovers import remove_leftovers, scratch
from coghub.build.image.recipe import Recipe, recipe_of
from coghub.build.image.sdk_wheel import sdk_for_image
from coghub.build.pip_settings import read_pip_settings
from coghub.build.plan import Plan
from coghub.domain.errors import ConfigInvalid, ImageInvalid
from coghub.settings import Settings

REPOSITORY = "cog-environment"
KEY_CHARACTERS = 20
FORMAT = 1
"""Rises when an image of the same text would be another."""
_STAGE = re.compile(rf"^\s*FROM\s.*\sAS\s+{ENVIRONMENT}\s*$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What the command line says of a build."""

    no_cache: bool = False
    secrets: tuple[str, ...] = ()
    progress: str = "auto"
    wants_cuda_image: bool | None = None
    dockerfile: Path | None = None
    """In place of the text that is made from cog.yaml; with the stage `environment`, as `cog debug`
    prints it, it has the same files around it, else the project."""
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
    accelerator = choose(plan, wants_cuda_image=options.wants_cuda_image)
    for line in (*accelerator.warnings, *_without_kernels(plan, accelerator, settings)):
        report(Notice(line))
    recipe = recipe_of(plan, accelerator, settings)
    with scratch() as folder:
        order = _Order(docker, recipe, project, settings, options, folder)
        wanted = order.written(report)
        known = None if options.no_cache or wanted.is_own else find_image(docker, wanted.tag)
        if known is not None:
            return known
        remove_leftovers(docker)
        notes = () if settings.base_image else accelerator.notes
        for line in (*notes, *_without_secret(plan, options)):
            report(Notice(line))
        report(Step(f"Building on {recipe.base_image}"))
        build_image(docker, order.build(wanted), report)
    made = find_image(docker, wanted.tag)
    if made is None:
        raise ImageInvalid(f"The image that was built is gone: {wanted.tag}")
    return made


def _without_kernels(plan: Plan, accelerator: Accelerator, settings: Settings) -> list[str]:
    """Warn of a GPU of this machine that the wheels of PyTorch have nothing for."""
    torch = wanted_in(plan.requirements, "torch")
    if not plan.gpu or torch is None or not accelerator.cuda:
        return []
    there = capabilities(settings.environ)
    warning = kernel_warning(torch.shown(), accelerator.cuda, there)
    return [warning] if warning else []


def _without_secret(plan: Plan, options: BuildOptions) -> list[str]:
    given = {part for secret in options.secrets for part in secret.split(",")}
    wanted = {mount.id for command in plan.run for mount in command.mounts}
    return [
        f"No secret `{name}` is given; `--secret id={name},src=PATH` gives it to `build.run`"
        for name in sorted(wanted)
        if f"id={name}" not in given
    ]


def environment_text(
    plan: Plan, settings: Settings, options: BuildOptions, report: Report = ignore
) -> str:
    """Return the Dockerfile of a plan's environment image as BuildKit would get it."""
    if options.dockerfile is not None:
        return _read(options.dockerfile)
    commands.check_lines(plan)
    accelerator = choose(plan, wants_cuda_image=options.wants_cuda_image)
    for line in accelerator.warnings:
        report(Notice(line))
    return dockerfile(recipe_of(plan, accelerator, settings), Builder(has_buildkit=True))


@dataclass(frozen=True, slots=True)
class _Text:
    """A Dockerfile, and the name of what it makes."""

    text: str
    tag: str
    is_own: bool = False
    """It is the user's, and takes what it copies from the project."""


@dataclass(frozen=True, slots=True)
class _Order:
    docker: Docker
    recipe: Recipe
    project: Path
    settings: Settings
    options: BuildOptions
    folder: Path

    def written(self, report: Report) -> _Text:
        """Write the context, and return what is built in it.

        Both builders make the same image, so that the text for one of them names both.
        """
        digest = context.write_context(
            self.folder / "context",
            self.recipe,
            project=self.project,
            sdk=sdk_for_image(self.settings, self.folder / "sdk", report),
            certificate=certificate_of(self.settings),
        )
        own = _read(self.options.dockerfile) if self.options.dockerfile else None
        standard = own or dockerfile(self.recipe, Builder(has_buildkit=True))
        parts = repr((FORMAT, standard, digest)).encode()
        tag = f"{REPOSITORY}:{hashlib.sha256(parts).hexdigest()[:KEY_CHARACTERS]}"
        if own is not None:
            return _Text(own, tag, is_own=_STAGE.search(own) is None)
        return _Text(dockerfile(self.recipe, Builder(self.docker.has_buildkit)), tag)

    def build(self, wanted: _Text) -> Build:
        """Return the build; one of the user's own text ends at our stage, if it has it."""
        is_edited = self.options.dockerfile is not None and not wanted.is_own
        return Build(
            wanted.text,
            self.project if wanted.is_own else self.folder / "context",
            tag=wanted.tag,
            target=ENVIRONMENT if is_edited else None,
            secrets=(*self.options.secrets, *self._index_secret()),
            no_cache=self.options.no_cache,
            progress=self.options.progress,
        )

    def _index_secret(self) -> tuple[str, ...]:
        """Return the secret with this machine's own settings of indexes; empty if it has none."""
        pip = read_pip_settings(self.settings.environ, self.settings.home)
        script = context.host_settings(self.recipe.index, pip, self.settings.environ)
        if not script:
            return ()
        if not self.docker.has_buildkit:
            context.require_no_password(script)
            for part in ("packages", "server"):
                (self.folder / "context" / part / "index.sh").write_text(script, "utf-8")
            return ()
        path = self.folder / "index.sh"
        path.touch(mode=0o600)
        path.write_text(script, "utf-8")
        return (f"id={INDEX_SECRET},src={path}",)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise ConfigInvalid(f"Could not read {path}: {reason}") from error
