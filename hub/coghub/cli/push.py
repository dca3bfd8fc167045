"""`cog push`: the project as a bundle, to a hub or to another registry.

1. Where it goes is decided and said; the registry is asked what it is.
2. The bundle is built into the local store, as by `cog build`.
3. Its schema is compared with the one that is there: what would break stops the push.
4. What the registry lacks is sent, then the manifest.
"""

from pathlib import Path
from typing import Any

import click

from coghub.build.bundle import Bundle, Store
from coghub.build.registry_client.manifests import published_document
from coghub.build.registry_client.opening import Hub, hub_at, open_registry
from coghub.build.registry_client.push import Pushed, push
from coghub.build.registry_client.reference import Host, Reference, parse_reference
from coghub.build.registry_client.registry import Registry
from coghub.build.schema_changes import breaking_changes
from coghub.cli import build, options
from coghub.cli.invocation import Invocation
from coghub.cli.prediction import teller
from coghub.cli.projects import project_here, require_reference
from coghub.cli.registries import chosen_host, tell_host
from coghub.domain.errors import NameInvalid, RegistryError, SchemaBroken, UsageError
from coghub.domain.size import size_text
from coghub.engines.base import Project

RESERVED = "cog-"
"""Beginning of tags that Cog uses for itself."""


@click.command("push")
@click.argument("name", metavar="[HOST/]OWNER/MODEL[:TAG]", required=False)
@click.option("--bundle", "is_bundle", is_flag=True, help="A bundle also to what is no hub.")
@click.option("--image", "is_image", is_flag=True, help="A Docker image, not a bundle.")
@click.option("--allow-breaking", is_flag=True, help="Also when it breaks who uses the model.")
@build.of_a_build
@options.run_commands
@options.config_file
@options.docker_only
@click.pass_obj
def command(  # noqa: PLR0913 - one for each option
    invocation: Invocation,
    *,
    name: str | None,
    is_bundle: bool,
    is_image: bool,
    allow_breaking: bool,
    document_path: Path | None,
    run_commands: bool,
    config_name: str,
    separate_weights: bool,
    **docker: Any,
) -> None:
    """Build this project and push it to a hub, under the name of a model.

    Without HOST it goes to --registry, COG_REGISTRY_HOST, the host in cog.yaml's `image`, the last
    login, or r8.im: whichever is said first. The digest goes to stdout.

    \b
    cog push alice/hello
    cog push hub.example/alice/hello:v2
    """  # noqa: D301 - the backspace is click's mark
    del separate_weights
    console = invocation.console
    if is_image:
        raise _no_images("`--image` needs the Docker engine")
    named = parse_reference(name) if name else None  # a wrong one needs no cog.yaml to be wrong
    project = project_here(config_name, console)
    for line in options.ignored_lines(docker):
        console.warn(line)
    require_reference(project, "predict" if project.plan.predict else "train")
    host, reference = _target(invocation, named, project)
    with open_registry(host, invocation.settings) as registry:
        hub = hub_at(registry)
        if hub is None and not is_bundle:
            raise _no_images(f"{host} is not a hub, and is sent images")
        before = published_document(registry, reference.repository, reference.version)
        wanted = build.Wanted(reference.name, document_path, run_commands=run_commands)
        bundle = build.built(invocation, project, wanted)
        if before is not None and not allow_breaking:
            _refuse_breaking(before, bundle)
        pushed = _pushed(invocation, registry, reference, bundle)
    _tell(invocation, registry, reference, pushed, hub)


def _target(
    invocation: Invocation, named: Reference | None, project: Project
) -> tuple[Host, Reference]:
    """Return where the push goes, which has been said by then.

    Raises:
        UsageError: if nothing names a model.
        NameInvalid: if its name is none that may be pushed to.
    """
    image = project.plan.config.get("image")
    configured = parse_reference(str(image)) if image else None
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


def _no_images(message: str) -> RegistryError:
    return RegistryError(
        f"{message}, which this version of coghub does not make",
        hint="Push to a hub, or send a bundle as it is with `--bundle`",
    )


def _refuse_breaking(before: dict[str, Any], bundle: Bundle) -> None:
    changes = breaking_changes(before, bundle.document)
    if changes:
        lines = "".join(f"\n- {change}" for change in changes)
        raise SchemaBroken(
            f"This version breaks who uses the one before it:{lines}",
            hint="Push it nevertheless with `--allow-breaking`",
        )


def _pushed(
    invocation: Invocation, registry: Registry, reference: Reference, bundle: Bundle
) -> Pushed:
    console, store = invocation.console, Store(invocation.settings)
    with console.step(f"Pushing to {reference.name}...") as step:
        pushed = push(
            store,
            bundle,
            registry,
            reference.repository,
            tag=reference.version,
            report=teller(console, step),
        )
        step.succeed(text=f"Pushed to {reference.name}")
    return pushed


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
