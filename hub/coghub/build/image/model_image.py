"""A model's image: its environment image, large files, the project, labels.

1. Where large files shall have layers of their own, an image of them alone.
2. The project on top of the environment, from the project's own folder.
3. What was made for it: `.cog/` and labels. Both are small, and known last.

Each is one build with few steps, so that a change of the code costs little more than its copy.
"""

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from posixpath import normpath
from typing import Any

from coghub.build import bundle_content
from coghub.build.config import CONFIG_NAME
from coghub.build.docker.client import Docker
from coghub.build.docker.image import Image, find_image
from coghub.build.events import Report, Step
from coghub.build.files import write_atomically
from coghub.build.image import quoting
from coghub.build.image.building import Build, build_image, building
from coghub.build.image.environment_image import NO_OPTIONS, BuildOptions
from coghub.build.image.labels import MODEL, labels_of, origin_of
from coghub.build.image.leftovers import name_of, new_mark, scratch
from coghub.build.image.project_context import ProjectContext, project_context
from coghub.build.image.quoting import listed, quoted
from coghub.build.image.weights import weights_among
from coghub.build.image_name import full_name
from coghub.build.plan import DOCUMENT_PATH, Plan
from coghub.build.project_files import ProjectFile, project_files
from coghub.build.weights.shown import Shown
from coghub.domain.errors import DiskFull, DockerError, ImageInvalid
from coghub.settings import Settings

FREEZE = ("python", "-m", "pip", "--disable-pip-version-check", "freeze")


@dataclass(frozen=True, slots=True)
class ModelOrder:
    """What a model's image is made from."""

    plan: Plan
    project: Path
    document: Mapping[str, Any] | Callable[[], Mapping[str, Any]]
    """What is called is called while the project is being copied: it may take as long."""
    name: str
    """Of the image, such as "hello:v1"; `latest` unless it says."""
    config_name: str = CONFIG_NAME
    """Under which the project's config file lies; it is `cog.yaml` in the image."""
    labels: Mapping[str, str] | None = None
    """Beside those that every model's image has."""
    weights: Sequence[Shown] = ()
    """Folders that lie beside the project, each a layer below it."""


def build_model_image(
    docker: Docker,
    environment: Image,
    order: ModelOrder,
    settings: Settings,
    report: Report,
    options: BuildOptions = NO_OPTIONS,
) -> Image:
    """Build the image of a model, give it its name, and return it.

    What had the name before and is nobody's any more is removed, if it was built here.

    Raises:
        NameInvalid: if the name is none that an image may have.
        ProjectUnreadable: if a file cannot be read, or what cog.yaml refers to is left out.
        BuildFailed: if a step of the build fails.
        DiskFull: if no space is left, here or where the engine keeps its images.
        CoghubError: as what is called for the document raises it.
    """
    name = full_name(order.name)
    files = project_files(order.project, report)
    bundle_content.require_code(order.plan, files)
    making = _Making(docker, order, settings, report, options, files, new_mark())
    gone = making.temporary_names()
    with ThreadPoolExecutor(2) as beside:  # the engine takes its time for each question
        packages = beside.submit(_freeze, docker, environment, settings)
        before = beside.submit(find_image, docker, name)
        try:
            with making.copying(environment) as finish:
                document = order.document() if callable(order.document) else order.document
                finish()
            made_id = making.describe(name, document, packages.result())
            gone += _replaced(before.result(), made_id)
        finally:
            beside.submit(_forget, docker, gone)
        made = find_image(docker, name)
    if made is None:
        raise ImageInvalid(f"The image that was built is gone: {name}")
    return made


def model_text(environment: str, weights: Sequence[str], config_name: str, copied: str) -> str:
    """Return the Dockerfile that puts a project on top of its environment.

    Args:
        environment: the image to begin with.
        weights: paths of the project that have layers of their own.
        config_name: of the project's config file.
        copied: where the project lies in the context.
    """
    lines = [_weights_text(environment, weights, copied), f"COPY {copied} /src"]
    path = normpath(config_name)
    if path != CONFIG_NAME:
        lines.append(f"RUN {listed(['cp', f'/src/{path}', f'/src/{CONFIG_NAME}'])}")
    return "\n".join(lines) + "\n"


def _weights_text(environment: str, weights: Sequence[str], copied: str) -> str:
    layers = [quoting.copied(f"{copied}/{path}", f"/src/{path}") for path in weights]
    return "\n".join([f"FROM {environment}", *layers])


@dataclass(frozen=True, slots=True)
class _Making:
    docker: Docker
    order: ModelOrder
    settings: Settings
    report: Report
    options: BuildOptions
    files: list[ProjectFile]
    mark: str

    @contextmanager
    def copying(self, environment: Image) -> Generator[Callable[[], str]]:
        """Build the project on top of its environment, large files below; yield what waits."""
        base = self._with_trees(environment.name)
        weights = weights_among(self.files) if self.options.separate_weights else []
        if weights:
            self.report(Step(f"Copying {len(weights)} large files into layers of their own"))
            with self._context(only=weights) as context:
                text = _weights_text(base, weights, context.copied) + "\n"
                build_image(self.docker, self._build(text, context, "weights"), self.report)
            base = self._tag("weights")
        self.report(Step("Copying the project"))
        with self._context(left_out=weights) as context:
            text = model_text(base, (), self.order.config_name, context.copied)
            build = self._build(text, context, "project")
            with building(self.docker, build, self.report) as finish:
                yield finish

    def _with_trees(self, base: str) -> str:
        """Put the order's weights on top of an image, each by a build of its own."""
        for number, shown in enumerate(self.order.weights):
            self.report(Step(f"Copying weights to {shown.target}"))
            tag = self._tag(f"tree{number}")
            text = f"FROM {base}\n{quoting.copied('.', shown.target)}\n"
            build = Build(text, shown.tree, tag=tag, ignore="", progress=self.options.progress)
            build_image(self.docker, build, self.report)
            base = tag
        return base

    def describe(self, name: str, document: Mapping[str, Any], packages: str) -> str:
        """Add what was made for the project, name the image, and return its id."""
        self.report(Step("Adding labels to image..."))
        labels = labels_of(
            self.order.plan,
            document,
            pip_freeze=packages,
            origin=origin_of(self.order.project, self.settings.environ),
        )
        labels = {MODEL: "1", **labels, **(self.order.labels or {})}
        multiline = {key: value for key, value in labels.items() if "\n" in value}
        lines = [f"FROM {self._tag('project')}", "COPY .cog /src/.cog"]
        if self.options.dockerfile and self.order.plan.max_concurrency:
            lines.append(f"ENV COG_MAX_CONCURRENCY={self.order.plan.max_concurrency}")
        pairs = (f"{key}={quoted(value)}" for key, value in labels.items() if key not in multiline)
        lines.append("LABEL " + " \\\n    ".join(pairs))
        with scratch() as folder:
            path = folder / DOCUMENT_PATH
            path.parent.mkdir(mode=0o755)
            path.write_text(bundle_content.compact(document), "utf-8")
            path.parent.chmod(0o755)
            path.chmod(0o644)
            text = "\n".join(lines) + "\n"
            build = Build(text, folder, tag=name, labels=tuple(multiline.items()))
            return build_image(self.docker, build, self.report)

    def temporary_names(self) -> list[str]:
        """Return the names that only this build uses."""
        parts = ["project", *(["weights"] if self.options.separate_weights else [])]
        parts += [f"tree{number}" for number, _ in enumerate(self.order.weights)]
        return [self._tag(part) for part in parts]

    def _context(self, **choice: Collection[str]) -> AbstractContextManager[ProjectContext]:
        return project_context(self.docker, self.order.project, self.files, **choice)

    def _tag(self, part: str) -> str:
        return name_of(part, self.mark)

    def _build(self, text: str, context: ProjectContext, part: str) -> Build:
        return Build(
            text,
            context.folder,
            tag=self._tag(part),
            ignore=context.ignore,
            no_cache=self.options.no_cache,
            progress=self.options.progress,
        )


def _freeze(docker: Docker, environment: Image, settings: Settings) -> str:
    """Return what `pip freeze` says in an environment; asked once for each."""
    known = settings.cache_folder / "freezes" / environment.id.removeprefix("sha256:")
    with suppress(OSError):
        return known.read_text("utf-8")
    shut_in = ["run", "--rm", "--network=none", f"--entrypoint={FREEZE[0]}"]
    try:
        said = docker.ask([*shut_in, environment.id, *FREEZE[1:]]).strip()
    except DockerError:
        return ""  # an environment of the user's own may be without pip
    with suppress(OSError, DiskFull):
        write_atomically(known, said)
    return said


def _replaced(before: Image | None, made_id: str) -> list[str]:
    """Return the image that nothing leads to once its name is another's, if it was made here."""
    if before is None or before.id == made_id or MODEL not in before.labels:
        return []
    return [] if len(before.names) > 1 else [before.id]


def _forget(docker: Docker, images: Sequence[str]) -> None:
    """Remove images or names of some; what something still needs stays."""
    with suppress(DockerError):
        docker.ask(["image", "rm", *images])
