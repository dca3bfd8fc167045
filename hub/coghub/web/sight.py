"""What a visitor may see of a prediction, and what its page shows of it."""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from markupsafe import Markup

from coghub.domain.errors import FileNotFound, ModelNotFound
from coghub.domain.prediction import FILE_SCHEME, Prediction, Status
from coghub.models.access import owns
from coghub.ui.output import (
    DATA_URI,
    WEB_URL,
    Block,
    Kind,
    ShownFile,
    blocks_of,
    file_at,
    media_kind,
)
from coghub.ui.page_stream import LABELS
from coghub.ui.templates import to_json
from coghub.web.site import Site, Visit

MAX_LOG_CHARACTERS = 64 * 1024
"""Of logs on a page; the whole is a link away."""
MAX_INPUT_CHARACTERS = 2000
"""Of one input on a page."""
OWN_FILE = re.compile(rf"{FILE_SCHEME}/files/[\w-]{{43}}/[^/?#\s]+")
UPLOAD = re.compile(r"https?://[^/\s]+/v1/files/([a-z0-9]{26})")


@dataclass(frozen=True, slots=True)
class Given:
    """One input as it was given."""

    name: str
    text: str
    file: ShownFile | None = None
    kind: str = ""
    """How the file is shown."""


class Sight:
    """Decides what is shown of predictions."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._hub = site.hub

    async def may_see(self, visit: Visit, prediction: Prediction) -> bool:
        """Tell whether a visitor sees input, output and logs, and not only how far it is.

        An id is in webhooks, lists and logs: to know it is not enough, but where nobody owns the
        prediction. Examples are for everyone who sees the model.
        """
        if is_own(visit, prediction):
            return True
        anonymous = await self._hub.accounts.anonymous_id()
        if anonymous is not None and prediction.account_id == anonymous:
            return True
        if not await self._hub.examples.has(prediction):
            return False
        owner, _, name = prediction.model.partition("/")
        try:
            await self._hub.models.visible(visit.account, owner, name)
        except ModelNotFound:
            return False
        return True

    def may_change_model(self, visit: Visit, prediction: Prediction) -> bool:
        """Tell whether a visitor may show the prediction as an example of its model."""
        return visit.account is not None and owns(visit.account, prediction.model)

    async def result(self, visit: Visit, prediction: Prediction) -> Markup:
        """Return all of a prediction as a part of a page."""
        values = await self.values(visit, prediction)
        return self._site.html("result.html", **self._site.frame(visit), **values)

    async def values(self, visit: Visit, prediction: Prediction) -> dict[str, Any]:
        """Return what templates need to show all of a prediction."""
        given = [it async for it in self._given(prediction)]
        before = next((it.file for it in given if it.kind == Kind.IMAGES and it.file), None)
        is_example = await self._hub.examples.has(prediction)
        return {
            "prediction": prediction,
            "label": LABELS[prediction.status],
            "age_s": max(0.0, (self._hub.now() - prediction.created_at).total_seconds()),
            "given": given,
            "before": before,
            "blocks": self.blocks(prediction.output, prediction),
            "logs": prediction.logs[-MAX_LOG_CHARACTERS:],
            "are_logs_cut": len(prediction.logs) > MAX_LOG_CHARACTERS,
            "metrics": _metrics(prediction),
            "is_own": is_own(visit, prediction),
            "is_example": is_example,
            "may_be_example": prediction.status is Status.SUCCEEDED
            and not prediction.is_training
            and self.may_change_model(visit, prediction),
        }

    def blocks(self, output: Any, prediction: Prediction) -> list[Block]:
        """Return an output of a prediction as blocks."""
        return blocks_of(output, prediction.version.openapi_schema, file_of)

    async def _given(self, prediction: Prediction) -> AsyncIterator[Given]:
        for name, value in prediction.input.items():
            file = await self._input_file(prediction, value) if isinstance(value, str) else None
            text = value if isinstance(value, str) else to_json(value)
            kind = media_kind(file.content_type) if file and file.is_ours else ""
            yield Given(name, text[:MAX_INPUT_CHARACTERS], file, kind)

    async def _input_file(self, prediction: Prediction, value: str) -> ShownFile | None:
        found = UPLOAD.fullmatch(value)
        if found is None:
            return file_of(value)
        try:
            file = await self._hub.files.find(found[1])
        except FileNotFound:
            return None
        path = f"/p/{prediction.id}/inputs/{file.id}"
        return ShownFile(path, file.name, file.content_type)


def is_own(visit: Visit, prediction: Prediction) -> bool:
    """Tell whether a visitor made the prediction, or may do everything."""
    account = visit.account
    return account is not None and (account.is_admin or account.id == prediction.account_id)


def file_of(text: str) -> ShownFile | None:
    """Return the file that a text of an input or output names, if it is one."""
    if OWN_FILE.fullmatch(text):
        return file_at(text.removeprefix(FILE_SCHEME), is_ours=True)
    if DATA_URI.match(text):
        return file_at(text, is_ours=True)
    if WEB_URL.fullmatch(text):
        return file_at(text, is_ours=False)
    return None


def uploads_in(value: Any) -> Iterator[str]:
    """Yield the ids of uploaded files that an input names."""
    match value:
        case str():
            if found := UPLOAD.fullmatch(value):
                yield found[1]
        case list():
            for item in value:
                yield from uploads_in(item)
        case Mapping():
            for item in value.values():
                yield from uploads_in(item)
        case _:
            pass


def _metrics(prediction: Prediction) -> list[tuple[str, Any, bool]]:
    """Return what was measured as (name, value, whether it is in seconds)."""
    words = {"predict_time": "Ran for", "total_time": "Whole time"}
    known = [
        (words[name], prediction.metrics[name], True)
        for name in words
        if isinstance(prediction.metrics.get(name), (int, float))
    ]
    if not known and prediction.completed_at is not None:
        took: timedelta = prediction.completed_at - prediction.created_at
        known.append((words["total_time"], took.total_seconds(), True))
    others = [
        (name.replace("_", " "), value, False)
        for name, value in prediction.metrics.items()
        if name not in words
    ]
    return known + others
