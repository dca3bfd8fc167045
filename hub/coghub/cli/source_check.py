"""What a project's source tells of its model, before an environment or an image is made for it.

A bad interface, or an input that does not fit, then ends the command at once, and not after minutes
of downloads. Where the source alone does not tell, the model itself is asked later, as always.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cog.errors import CogError
from cog.schema.static.description import describe
from cog.schema.static.unknown import CannotTell
from coghub.engines.base import Project
from coghub.engines.documents import unreadable
from coghub.engines.local import DOCUMENT_VARIABLE
from coghub.settings import Settings


def document_in_source(
    project: Project, settings: Settings, mode: str, given: Path | None = None
) -> Mapping[str, Any] | None:
    """Return a document that describes a mode; None where the source does not tell it.

    Nor is it asked where something overrules it: the document of a bundle or an image,
    COG_OPENAPI_SCHEMA, or a file that was given.

    Raises:
        ModelUnreadable: if the source says what no schema can.
    """
    is_overruled = project.image is not None or project.document is not None
    if is_overruled or given is not None or settings.environ.get(DOCUMENT_VARIABLE):
        return None
    for predict, train in _questions(project, mode):
        try:
            document = describe(project.folder, predict, train)["document"]
        except CannotTell:
            continue
        except CogError as error:
            *_, last = error.message.rstrip().split("\n")
            raise unreadable(project.folder, last) from error
        if predict if mode == "predict" else train:
            return document
    return None


def _questions(project: Project, mode: str) -> Iterator[tuple[str | None, str | None]]:
    """Yield both references, then each alone: one may be told where the other is not."""
    predict, train = project.plan.predict, project.plan.train
    yield predict, train
    if predict and train:
        alone = [(predict, None), (None, train)]
        yield from alone[::-1] if mode == "predict" else alone
