"""`/`, `/explore`: the models that there are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import BaseRoute

from coghub.api.paging import read_cursor, write_cursor
from coghub.domain.model import Model, ModelOrder
from coghub.ui.output import Block, Kind
from coghub.web.sight import Sight, file_of
from coghub.web.site import Site, Visit

MAX_QUERY_CHARACTERS = 200
FEW = 6


@dataclass(frozen=True, slots=True)
class Card:
    """A model in a list."""

    model: Model
    cover: str | None
    """The path of a picture."""


class HomePages:
    """Answers for lists of models."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._sight = Sight(site)

    def routes(self) -> list[BaseRoute]:
        """Return what is answered here."""
        return [self._site.get("/", self.home), self._site.get("/explore", self.explore)]

    async def home(self, visit: Visit) -> Response:
        """Show the visitor's own models, the newest public ones, and how one begins."""
        models = self._site.hub.models
        own: Sequence[Model] = ()
        if visit.account is not None:
            own = await models.of_owner(visit.account)
        public = (await models.public(ModelOrder(), None)).items[:FEW]
        return self._site.page(
            visit,
            "home.html",
            own=await self._cards(own),
            public=await self._cards(public),
        )

    async def explore(self, visit: Visit) -> Response:
        """Search the public models; without words, list them all."""
        models = self._site.hub.models
        text = visit.request.query_params.get("q", "")[:MAX_QUERY_CHARACTERS]
        following = previous = None
        if text.strip():
            found = await models.search(text)
        else:
            page = await models.public(ModelOrder(), read_cursor(visit.request, int))
            found = page.items
            following = page.next and write_cursor(page.next)
            previous = page.previous and write_cursor(page.previous)
        values = {
            "cards": await self._cards(found),
            "text": text,
            "next": following,
            "previous": previous,
        }
        if "hx-request" in visit.request.headers:
            return self._site.page(visit, "explore_found.html", **values)
        return self._site.page(visit, "explore.html", **values)

    async def _cards(self, models: Iterable[Model]) -> list[Card]:
        return [Card(it, await self._cover(it)) for it in models]

    async def _cover(self, model: Model) -> str | None:
        """Return the model's picture: its own, if the hub holds it, or that of an example."""
        own = file_of(model.cover_image_url or "")
        if own is not None and own.is_ours:
            return own.url
        for prediction in await self._site.hub.examples.of_model(model, limit=1):
            return _first_picture(self._sight.blocks(prediction.output, prediction))
        return None


def _first_picture(blocks: Iterable[Block]) -> str | None:
    for block in blocks:
        if block.kind is Kind.IMAGES:
            return block.files[0].url
        for _, inner in block.fields:
            if found := _first_picture(inner):
                return found
    return None
