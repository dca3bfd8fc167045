"""`cog push`: the project as a bundle to a hub, or as an image to any registry.

1. Where it goes is decided and said; the registry is asked what it is.
   With `--test` the project's tests are run, and one that does not pass stops the push.
2. The bundle or the image is built, as by `cog build`.
3. Its schema is compared with the one that is there: what would break stops the push.
4. What the registry lacks is sent, then the manifest.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from coghub.build.bundle import Bundle, Store
from coghub.build.docker.client import Docker, find_docker
from coghub.build.docker.image import Image
from coghub.build.registry_client.image_push import ImagePush
from coghub.build.registry_client.manifests import published_document, read_manifest
from coghub.build.registry_client.opening import Hub, hub_at, open_registry
from coghub.build.registry_client.push import Parcel, Pushed, push
from coghub.build.registry_client.reference import Host, Reference, parse_reference
from coghub.build.registry_client.registry import Registry
from coghub.build.schema_changes import breaking_changes
from coghub.cli import build, options
from coghub.cli.invocation import Invocation
from coghub.cli.managed_weights import VARIABLES, named_model
from coghub.cli.output import Step
from coghub.cli.prediction import teller
from coghub.cli.projects import project_here, require_reference
from coghub.cli.registries import PUBLIC_HOST, chosen_host, tell_host
from coghub.domain.errors import (
    ImageInvalid,
    NameInvalid,
    RegistryError,
    RegistryRefused,
    RemoteNotFound,
    SchemaBroken,
    UsageError,
)
from coghub.domain.size import size_text
from coghub.engines.base import Launch, Preparation, Project
from coghub.engines.choice import engine_of

RESERVED = "cog-"
"""Beginning of tags that Cog uses for itself."""


@click.command("push")
@click.argument("name", metavar="[HOST/]OWNER/MODEL[:TAG]", required=False)
@click.option("--bundle", "is_bundle", is_flag=True, help="A bundle also to what is no hub.")
@click.option("--image", "is_image", is_flag=True, help="An image also to a hub.")
@click.option("--allow-breaking", is_flag=True, help="Also when it breaks who uses the model.")
@click.option("--test", "is_tested", is_flag=True, help="Run the tests first; push if all pass.")
@build.document_file
@options.building
@options.config_file
@click.pass_obj
def command(  # noqa: PLR0913 - one for each option
    invocation: Invocation,
    *,
    name: str | None,
    is_bundle: bool,
    is_image: bool,
    allow_breaking: bool,
    is_tested: bool,
    document_path: Path | None,
    config_name: str,
    **flags: Any,
) -> None:
    """Build this project and push it to a hub or another registry, under the name of a model.

    A hub is sent a bundle, all others an image, which needs Docker.
    Without HOST it goes to --registry, COG_REGISTRY_HOST, the host in cog.yaml's `image`, the last
    login, or r8.im: whichever is said first. The digest goes to stdout.

    \b
    cog push alice/hello
    cog push hub.example/alice/hello:v2
    """  # noqa: D301 - the backspace is click's mark
    if is_bundle and is_image:
        raise UsageError("--bundle and --image exclude each other")
    if is_image:
        _require_docker(invocation, "`--image`")
    named = parse_reference(name) if name else None  # a wrong one needs no cog.yaml to be wrong
    project = project_here(config_name, invocation.console)
    preparation = options.preparation_of(invocation, flags)
    require_reference(project, "predict" if project.plan.predict else "train")
    host, reference = _target(invocation, named, project)
    with open_registry(host, invocation.settings) as registry:
        hub = hub_at(registry)
        is_image = is_image or (hub is None and not is_bundle)
        if is_image:
            _require_docker(invocation, f"{host} is not a hub, and is sent images: this")
        before = published_document(registry, reference.repository, reference.version)
        if is_tested:
            _test(invocation, project, config_name, preparation)
        wanted = build.Wanted(reference.name, document_path, preparation)
        pushing = _Pushing(invocation, registry, reference)
        if is_image:
            image = build.built_image(invocation, project, wanted)
            _refuse_breaking(before, image.document(), is_allowed=allow_breaking)
            pushed = pushing.image(image)
        else:
            bundle = build.built(invocation, project, wanted)
            _refuse_breaking(before, bundle.document, is_allowed=allow_breaking)
            pushed = pushing.bundle(bundle)
    _tell(invocation, registry, reference, pushed, hub)


def _require_docker(invocation: Invocation, what: str) -> None:
    engine = engine_of(invocation.settings)
    if engine.name != "docker":
        raise UsageError(
            f"{what} needs the Docker engine, and none answers",
            "Start Docker, push to a hub, or send a bundle as it is with `--bundle`",
        )
    engine.check()


def _test(
    invocation: Invocation, project: Project, config_name: str, preparation: Preparation
) -> None:
    """Run the project's tests; their lines go to stderr, as a push tells its digest on stdout.

    Raises:
        UsageError: if there are none.
        ExpectationsUnmet: if one does not pass.
    """
    from coghub.cli.trial import session  # noqa: PLC0415 - most pushes are not asked for it

    suite = session.suite_of(project, config_name)
    if not suite.cases:
        raise session.no_tests(suite)
    launch = Launch(is_debug=invocation.is_debug)
    wanted = session.Wanted(launch, suite.cases, preparation=preparation, is_result=False)
    session.run_tests(invocation, project, wanted)


def _target(
    invocation: Invocation, named: Reference | None, project: Project
) -> tuple[Host, Reference]:
    """Return where the push goes, which has been said by then.

    Raises:
        UsageError: if nothing names a model.
        NameInvalid: if its name is none that may be pushed to.
    """
    configured = _configured(invocation, project)
    if named is not None and configured is not None and not project.plan.config.get("image"):
        raise UsageError(
            f"The argument {named.repository} and the model {configured.repository} "
            "exclude each other",
            f"Leave the argument out, or set COG_MODEL={named.name}",
        )
    reference = named or configured
    if reference is None:
        raise UsageError(
            "To push images, you must either set the 'image' option in cog.yaml "
            "or pass an image name as an argument. For example, 'cog push hub.example/alice/hello'"
        )
    if "/" not in reference.repository or reference.digest:
        raise NameInvalid(
            f"Not the name of a model: {reference.repository}", hint="It is OWNER/MODEL[:TAG]"
        )
    if reference.version.startswith(RESERVED):
        raise NameInvalid(f"Tags that begin with `{RESERVED}` are reserved: {reference.version}")
    host, origin = chosen_host(
        invocation, named.host if named else None, configured.host if configured else None
    )
    tell_host(invocation, host, origin)
    return host, Reference(host, reference.repository, reference.tag)


def _configured(invocation: Invocation, project: Project) -> Reference | None:
    """Return what cog.yaml and the variables name: `image`, or a `model` with weights."""
    image = project.plan.config.get("image")
    environ = invocation.settings.environ
    if image:
        given = [name for name in VARIABLES if environ.get(name, "").strip()]
        if given:
            raise UsageError(
                f"{given[0]} and `image` in {project.origin} exclude each other",
                "Rename `image` to `model`",
            )
        return parse_reference(str(image))
    return named_model(project, environ)


def _refuse_breaking(
    before: dict[str, Any] | None, after: dict[str, Any] | None, *, is_allowed: bool
) -> None:
    if before is None or after is None or is_allowed:
        return
    changes = breaking_changes(before, after)
    if changes:
        lines = "".join(f"\n- {change}" for change in changes)
        raise SchemaBroken(
            f"This version breaks who uses the one before it:{lines}",
            hint="Push it nevertheless with `--allow-breaking`",
        )


@dataclass(frozen=True, slots=True)
class _Pushing:
    invocation: Invocation
    registry: Registry
    reference: Reference

    def bundle(self, bundle: Bundle) -> Pushed:
        """Push a bundle of the local store."""
        store = Store(self.invocation.settings)
        parcel = Parcel(store.layout, bundle.digest, bundle.name)
        with self._step() as step:
            pushed = push(
                parcel,
                self.registry,
                self.reference.repository,
                tag=self.reference.version,
                settings=self.invocation.settings,
                report=teller(self.invocation.console, step),
            )
            step.succeed(text=f"Pushed to {self.reference.name}")
        return pushed

    def image(self, image: Image) -> Pushed:
        """Push an image of the engine; by `docker push` where its export is of no known form."""
        docker = find_docker(self.invocation.settings)
        if self.invocation.settings.environ.get("COG_PUSH_OCI", "").strip() in ("0", "false"):
            return self._by_docker(docker, image)
        try:
            with self._step() as step:
                repository = self.reference.repository
                report = teller(self.invocation.console, step)
                settings = self.invocation.settings
                pushing = ImagePush(docker, self.registry, repository, settings, report)
                pushed = pushing.push(image, self.reference.version)
                step.succeed(text=f"Pushed to {self.reference.name}")
        except ImageInvalid as error:
            self.invocation.console.warn(f"{error.message}; `docker push` is used")
            return self._by_docker(docker, image)
        except (RegistryRefused, RemoteNotFound) as error:
            raise self._unknown_model(error) from error
        return pushed

    def _step(self) -> AbstractContextManager[Step]:
        return self.invocation.console.step(f"Pushing to {self.reference.name}...")

    def _by_docker(self, docker: Docker, image: Image) -> Pushed:
        with self._step() as step:
            said = docker.ask(["push", "--quiet", image.name])
            step.succeed(text=f"Pushed to {self.reference.name}")
        del said
        manifest = read_manifest(self.registry, self.reference.repository, self.reference.version)
        return Pushed(manifest.digest, len(manifest.content), image.size_bytes, 0)

    def _unknown_model(self, error: RegistryError) -> RegistryError:
        """Say it as Cog does where Replicate has no such model."""
        if self.registry.host != PUBLIC_HOST:
            return error
        name = f"{PUBLIC_HOST.address}/{self.reference.repository}"
        return RegistryError(
            f"Unable to find existing Replicate model for {name}. "
            "Go to replicate.com and create a new model before pushing.",
            hint=error.message,
        )


def _tell(
    invocation: Invocation,
    registry: Registry,
    reference: Reference,
    pushed: Pushed,
    hub: Hub | None,
) -> None:
    """Say what came of it; scripts read the line with the digest."""
    console = invocation.console
    sent, spared = size_text(pushed.sent_bytes), size_text(pushed.spared_bytes)
    console.say(f"Sent {sent}; the registry had {spared}")
    console.result(f"{reference.version}: digest: {pushed.digest} size: {pushed.size_bytes}\n")
    if hub is not None:
        console.say(f"Run your model on {registry.host.address}:")
        console.say(f"    {hub.url}/{reference.repository}")
