"""`cog weights`: import, pull and look at the weights that cog.yaml lists."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import click

from coghub.build import file_lock
from coghub.build.registry_client.opening import open_registry
from coghub.build.registry_client.reference import Host, Reference
from coghub.build.weights.artifact import Repository, missing_files
from coghub.build.weights.declared import Weight
from coghub.build.weights.importing import Importing
from coghub.build.weights.lock import Lock, LockedWeight, changes_of, read_lock, write_lock
from coghub.build.weights.packing import envelope_format
from coghub.build.weights.sources import Sources
from coghub.cli import options
from coghub.cli.invocation import Invocation
from coghub.cli.managed_weights import locked_of, model_reference, store_of, weights_of
from coghub.cli.prediction import teller
from coghub.cli.projects import project_here
from coghub.cli.registries import tell_host
from coghub.domain.errors import ConfigInvalid, UsageError, WeightsInvalid
from coghub.domain.size import size_text
from coghub.engines.base import Project

READY, INCOMPLETE, STALE, PENDING, ORPHANED = "ready", "incomplete", "stale", "pending", "orphaned"
EXPERIMENTAL = (
    "`cog weights` is experimental: its commands and files may still change.",
    "Keep a copy of weights that nothing else has.",
)

verbose = click.option("-v", "--verbose", "is_verbose", is_flag=True, help="List the files too.")


@click.group("weights")
@click.pass_obj
def command(invocation: Invocation) -> None:
    """Bring the weights that cog.yaml lists into weights.lock, a registry and this machine."""
    for line in EXPERIMENTAL:
        invocation.console.warn(line)


@command.command("import")
@click.argument("names", nargs=-1, metavar="[NAME…]")
@click.option("--dry-run", "is_dry", is_flag=True, help="Only say what would be done.")
@verbose
@options.config_file
@click.pass_obj
def import_(
    invocation: Invocation,
    *,
    names: tuple[str, ...],
    is_dry: bool,
    is_verbose: bool,
    config_name: str,
) -> None:
    """Fetch weights from their sources, pack them, lock them, and push them.

    \b
    cog weights import
    cog weights import base --dry-run
    """  # noqa: D301 - the backspace is click's mark
    console = invocation.console
    project = project_here(config_name, console)
    declared = weights_of(project)
    weights = _chosen(declared, names)
    host, reference = model_reference(invocation, project)
    held = file_lock.exclusive(project.folder / ".cog" / "cog.lock")
    if held is None:
        raise WeightsInvalid("another `cog weights` is at work in this project")
    lock = read_lock(project.folder)
    sources = Sources(store_of(invocation.settings), project.folder, invocation.settings.environ)
    importing = Importing(sources, lock)
    if is_dry:
        for planned in map(importing.plan, weights):
            console.result(
                f"{planned.weight.name} -> {planned.weight.target}: {planned.status} "
                f"({_count(planned.file_count, 'file')})\n"
            )
        return
    tell_host(invocation, host, "")
    console.say(f"Building {len(weights)} weight(s)...")
    made = list[LockedWeight]()
    for weight in weights:
        with console.step(f"Importing {weight.name}...") as step:
            made.append(importing.run(weight))
            step.hide()
        _tell(invocation, made[-1], is_verbose=is_verbose)
        lock = _with(lock, made[-1], declared)
        write_lock(project.folder, lock)
    console.say(f"Pushing {len(made)} weight(s) to {reference.repository}...")
    _push(invocation, host, reference, made)
    held.release()


def _push(
    invocation: Invocation, host: Host, reference: Reference, made: Sequence[LockedWeight]
) -> None:
    console, settings = invocation.console, invocation.settings
    store, sent = store_of(settings), 0
    with open_registry(host, settings) as registry:
        for weight in made:
            with console.step(f"Pushing {weight.name}...") as step:
                report = teller(console, step)
                place = Repository(registry, reference.repository, store, settings, report)
                sent += place.push(weight).moved
                step.hide()
            console.result(f"{weight.name}: digest: {weight.digest}\n")
    verb = "Pushed" if sent else "Confirmed"
    console.say(f"{verb} {len(made)} weight artifact(s) to {reference.repository}")
    console.say(f"Total: {size_text(sum(it.size for it in made))}")


@command.command("pull")
@click.argument("names", nargs=-1, metavar="[NAME…]")
@verbose
@options.config_file
@click.pass_obj
def pull(
    invocation: Invocation, *, names: tuple[str, ...], is_verbose: bool, config_name: str
) -> None:
    """Fetch the weights of weights.lock from the registry into the store of this machine."""
    console, settings = invocation.console, invocation.settings
    project = project_here(config_name, console)
    _chosen(weights_of(project), names)
    locked = [it for it in locked_of(project) if not names or it.name in names]
    store = store_of(settings)
    wanted = [it for it in locked if missing_files(it, store)]
    if not wanted:
        console.say(f"All {len(locked)} weight(s) already cached.")
        return
    host, reference = model_reference(invocation, project)
    tell_host(invocation, host, "")
    with open_registry(host, settings) as registry:
        for weight in wanted:
            with console.step(f"Pulling {weight.name}...") as step:
                report = teller(console, step)
                place = Repository(registry, reference.repository, store, settings, report)
                place.pull(weight)
                step.hide()
            _tell(invocation, weight, is_verbose=is_verbose)
    total = size_text(sum(it.size for it in wanted))
    console.say(f"Pulled {len(wanted)} weight(s), {total}")


@command.command("status")
@click.option("--json", "is_json", is_flag=True, help="Print JSON to stdout.")
@verbose
@options.config_file
@click.pass_obj
def status(invocation: Invocation, *, is_json: bool, is_verbose: bool, config_name: str) -> None:
    """Say of each weight whether a run can have it; exit 1 unless all can be had."""
    console = invocation.console
    project = project_here(config_name, console)
    rows = _rows(invocation, project)
    if is_json:
        console.result(json.dumps({"weights": rows}, indent=2) + "\n")
    else:
        if not rows:
            console.result("no weights defined in cog.yaml\n")
        for row in rows:
            size = f"  {size_text(row['size'])}" if "size" in row else ""
            console.result(f"{row['name']}  {row['target']}  {row['status']}{size}\n")
            for layer in row.get("layers", ()) if is_verbose else ():
                console.result(f"  {layer['digest']}  {layer['status']}\n")
    if any(row["status"] != READY for row in rows):
        raise WeightsInvalid("not all weights are ready")


def _rows(invocation: Invocation, project: Project) -> list[dict[str, Any]]:
    lock = read_lock(project.folder)
    locked = {it.name: it for it in (lock.weights if lock else ())}
    store = store_of(invocation.settings)
    rows = list[dict[str, Any]]()
    for weight in weights_of(project):
        found = locked.pop(weight.name, None)
        if found is None:
            rows.append({"name": weight.name, "target": weight.target, "status": PENDING})
            continue
        missing = {it.layer for it in missing_files(found, store)}
        state = STALE if changes_of(weight, found) else INCOMPLETE if missing else READY
        rows.append(_row(found, state, missing))
    return rows + [_row(it, ORPHANED, set()) for it in locked.values()]


def _row(weight: LockedWeight, state: str, missing: set[str]) -> dict[str, Any]:
    return {
        "name": weight.name,
        "target": weight.target,
        "status": state,
        "size": weight.size,
        "sizeCompressed": weight.sizeCompressed,
        "layerCount": len(weight.layers),
        "fileCount": len(weight.files),
        "digest": weight.digest,
        "source": {"uri": weight.sources[0].uri, "fingerprint": weight.sources[0].fingerprint},
        "layers": [
            {
                "digest": it.digest,
                "size": it.size,
                "status": INCOMPLETE if it.digest in missing else READY,
            }
            for it in weight.layers
        ],
    }


def _chosen(weights: Sequence[Weight], names: Iterable[str]) -> list[Weight]:
    """Return the weights of these names; all, if there are no names."""
    if not weights:
        raise ConfigInvalid("no weights defined in cog.yaml")
    known = {it.name for it in weights}
    for name in names:
        if name not in known:
            raise UsageError(f'weight "{name}" not found in cog.yaml')
    wanted = set(names) or known
    return [it for it in weights if it.name in wanted]


def _with(lock: Lock | None, made: LockedWeight, declared: Sequence[Weight]) -> Lock:
    """Return the lock with a weight in it, and without those that cog.yaml has no more."""
    names = {it.name for it in declared} - {made.name}
    others = [it for it in (lock.weights if lock else ()) if it.name in names]
    return Lock(envelope_format(), tuple(sorted([*others, made], key=lambda it: it.name)))


def _tell(invocation: Invocation, weight: LockedWeight, *, is_verbose: bool) -> None:
    size = size_text(weight.size)
    console = invocation.console
    console.say(f"  {weight.name} -> {weight.target} ({len(weight.layers)} layer(s), {size})")
    for file in weight.files if is_verbose else ():
        console.say(f"    {file.path}  {size_text(file.size)}")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
