"""The weights of cog.yaml in a run: which most projects do without, and then cost nothing."""

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager

from coghub.build.project_files import ProjectFile
from coghub.build.weights.shown import Shown
from coghub.cli.invocation import Invocation
from coghub.engines.base import Project
from coghub.engines.choice import engine_of

SWEEP = "import sys; from coghub.build.weights.mounts import sweep; sweep(*sys.argv[1:])"
TRACES = ("weights.lock", ".cog/mounts")
"""In a project's folder, where cog.yaml lists no weights any more."""


def placed_in(invocation: Invocation, project: Project) -> list[ProjectFile]:
    """Return the weights of a project as files of its bundle.

    Raises:
        WeightsInvalid: if they cannot be in it.
    """
    if not _has_weights(project):
        return []
    from coghub.build.weights.placed import placed  # noqa: PLC0415 - most have none
    from coghub.cli.managed_weights import locked_of, store_of  # noqa: PLC0415

    return placed(project.folder, locked_of(project), store_of(invocation.settings))


@contextmanager
def shown_in(
    invocation: Invocation, project: Project, *, is_linked: bool | None = None
) -> Generator[tuple[Shown, ...]]:
    """Show the weights of a project to what runs inside the block.

    Args:
        invocation: of the command.
        project: whose weights.
        is_linked: whether their targets are links on this machine; None does as the engine needs.

    Raises:
        WeightsInvalid: if they cannot be shown.
    """
    if not _has_weights(project):
        yield ()
        return
    from coghub.build.weights.mounts import shown  # noqa: PLC0415 - most have none
    from coghub.cli.managed_weights import locked_of, store_of  # noqa: PLC0415

    if is_linked is None:
        is_linked = engine_of(invocation.settings).name == "local"
    store = store_of(invocation.settings)
    with shown(project.folder, locked_of(project), store, is_linked=is_linked) as trees:
        yield tuple(trees)


def shown_to_successor(invocation: Invocation, project: Project) -> tuple[Shown, ...]:
    """Show the weights of a project to the program that takes the place of this one.

    It inherits the locks on the trees, and one end of a pipe; a small process waits for the end of
    that, and removes the trees.

    Raises:
        WeightsInvalid: if they cannot be shown.
    """
    showing = shown_in(invocation, project)
    trees = showing.__enter__()
    if trees:
        _LEFT_OPEN.append(showing)
        reading, writing = os.pipe()
        os.set_inheritable(writing, True)  # noqa: FBT003 - the only argument that it has
        command = [sys.executable, "-c", SWEEP, str(project.folder), str(reading)]
        subprocess.Popen(command, pass_fds=[reading], start_new_session=True)
        os.close(reading)
    return trees


_LEFT_OPEN: list[object] = []
"""What a block holds would be let go if nothing led to it."""


def _has_weights(project: Project) -> bool:
    """Tell whether there are weights to care for: those of a bundle or image are not shown."""
    if project.document is not None or project.image is not None:
        return False
    is_listed = bool(project.plan.config.get("weights"))
    return is_listed or any((project.folder / it).exists() for it in TRACES)
