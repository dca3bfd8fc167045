"""`/OWNER/MODEL`: its tabs, and `/create`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response
from starlette.routing import BaseRoute

from coghub.database import deployments as deployment_rows
from coghub.domain.account import Account
from coghub.domain.deployment import Deployment
from coghub.domain.errors import CoghubError, PredictionNotFound
from coghub.domain.model import Model, Version, Visibility
from coghub.domain.prediction import Prediction
from coghub.models.access import may_write
from coghub.ui.form import Field, fields_of, values_of
from coghub.ui.markdown import rendered
from coghub.ui.schema import output_kind
from coghub.ui.snippets import snippets_of
from coghub.web.sight import Sight
from coghub.web.site import REFUSED, Site, Visit, said_of, see_other

VERSION_KEY, PREDICTION_KEY, FROM_KEY = "_v", "_p", "_from"
"""Of the address; inputs are named by themselves, and none begins like these."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A model with the version that is looked at."""

    model: Model
    version: Version | None
    is_latest: bool
    deployments: Sequence[Deployment] = ()
    """Of who visits, that run it."""


class ModelPages:
    """Answers for models."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._sight = Sight(site)

    def routes(self) -> list[BaseRoute]:
        """Return what is answered here."""
        site, one = self._site, "/{owner}/{name}"
        return [
            site.get("/create", self.create_form),
            site.post("/create", self.create),
            site.get(one, self.playground),
            site.get(f"{one}/api", self.api),
            site.get(f"{one}/examples", self.examples),
            site.get(f"{one}/versions", self.versions),
            site.get(f"{one}/readme", self.readme),
            site.get(f"{one}/versions/{{version_id}}", self.version),
        ]

    async def create_form(self, visit: Visit) -> Response:
        """Show the form of a new model."""
        visit.require_account()
        return self._site.page(visit, "create.html", fields={}, error="")

    async def create(self, visit: Visit) -> Response:
        """Make a model."""
        account, fields = visit.require_account(), await visit.form()
        name = fields.get("name", "").strip()
        is_public = fields.get("visibility") == Visibility.PUBLIC
        try:
            model = await self._site.hub.models.create(
                account,
                account.name,
                name,
                visibility=Visibility.PUBLIC if is_public else Visibility.PRIVATE,
                fields={"description": fields.get("description", "").strip() or None},
            )
        except CoghubError as error:
            said = said_of(error)
            return self._site.page(visit, "create.html", status=REFUSED, fields=fields, error=said)
        return see_other(f"/{model.full_name}")

    async def playground(self, visit: Visit) -> Response:
        """Show the form of a model, and what one prediction makes of it."""
        shown = await self._shown(visit)
        if shown.version is None:
            return self._page(visit, shown, "model_empty.html")
        fields = fields_of(shown.version.openapi_schema)
        values = {
            **await self._values_from(visit, FROM_KEY),
            **values_of(fields, visit.request.query_params),
        }
        prediction = await self._prediction(visit, PREDICTION_KEY)
        examples = list[Prediction]()
        if prediction is None:
            examples = await self._site.hub.examples.of_model(shown.model, limit=1)
        return self._page(
            visit,
            shown,
            "playground.html",
            fields=[it for it in fields if not it.is_deprecated],
            deprecated=[it for it in fields if it.is_deprecated],
            values=values,
            output=output_kind(shown.version.openapi_schema),
            result=await self._sight.result(visit, prediction) if prediction else "",
            example=await self._sight.result(visit, examples[0]) if examples else "",
            example_id=examples[0].id if examples else "",
            may_run=self._may_run(visit, shown.model),
        )

    def _may_run(self, visit: Visit, model: Model) -> bool:
        is_open = self._site.hub.settings.allow_anonymous
        return visit.account is not None or (is_open and model.visibility is Visibility.PUBLIC)

    async def version(self, visit: Visit) -> Response:
        """Lead to the form of one version."""
        path = visit.path
        return see_other(f"/{path['owner']}/{path['name']}?{VERSION_KEY}={path['version_id']}")

    async def api(self, visit: Visit) -> Response:
        """Show how programs run the model, with the form's values."""
        shown = await self._shown(visit)
        version = shown.version
        if version is None:
            return self._page(visit, shown, "model_empty.html")
        fields = fields_of(version.openapi_schema)
        inputs = values_of(fields, visit.request.query_params)
        inputs = {**_placeholders(fields, inputs), **inputs}
        return self._page(
            visit,
            shown,
            "api.html",
            snippets=snippets_of(visit.base, shown.model.full_name, version.id, inputs),
            fields=fields,
            output=output_kind(version.openapi_schema),
        )

    async def examples(self, visit: Visit) -> Response:
        """Show predictions that the owner has chosen."""
        shown = await self._shown(visit)
        found = await self._site.hub.examples.of_model(shown.model)
        cards = [await self._sight.values(visit, it) for it in found]
        return self._page(visit, shown, "examples.html", cards=cards)

    async def versions(self, visit: Visit) -> Response:
        """List the versions."""
        shown = await self._shown(visit)
        found = await self._site.hub.models.versions_of(shown.model)
        return self._page(visit, shown, "versions.html", versions=found)

    async def readme(self, visit: Visit) -> Response:
        """Show the README."""
        shown = await self._shown(visit)
        text = shown.model.readme
        return self._page(visit, shown, "readme.html", readme=rendered(text) if text else None)

    async def _shown(self, visit: Visit) -> Shown:
        return await shown_model(self._site, visit)

    def _page(self, visit: Visit, shown: Shown, template: str, /, **values: Any) -> Response:
        return self._site.page(visit, template, **model_values(visit, shown), **values)

    async def _prediction(self, visit: Visit, key: str) -> Prediction | None:
        """Return the prediction that the address names, if the visitor may see it."""
        prediction_id = visit.request.query_params.get(key)
        if not prediction_id:
            return None
        try:
            prediction = await self._site.hub.predictions.find(prediction_id)
        except PredictionNotFound:
            return None
        may_see = await self._sight.may_see(visit, prediction)
        return prediction if may_see and prediction.model == _name(visit) else None

    async def _values_from(self, visit: Visit, key: str) -> Mapping[str, Any]:
        prediction = await self._prediction(visit, key)
        return prediction.input if prediction else {}


async def shown_model(site: Site, visit: Visit) -> Shown:
    """Return what the address names.

    Raises:
        ModelNotFound, VersionNotFound: if there is none that the visitor may see.
    """
    hub, path = site.hub, visit.path
    model = await hub.models.visible(visit.account, path["owner"], path["name"])
    version_id = visit.request.query_params.get(VERSION_KEY)
    latest = model.latest_version
    deployments = await deployments_of(site, visit.account, model)
    if not version_id or (latest and latest.id == version_id):
        return Shown(model, latest, is_latest=True, deployments=deployments)
    version = await hub.models.version_of(model, version_id)
    return Shown(model, version, is_latest=False, deployments=deployments)


async def deployments_of(site: Site, account: Account | None, model: Model) -> Sequence[Deployment]:
    """Return an account's deployments that run a model; nobody has none."""
    if account is None:
        return ()
    return await site.hub.database.read(lambda c: deployment_rows.of_model(c, account.id, model.id))


def model_values(visit: Visit, shown: Shown) -> dict[str, Any]:
    """Return what the head of a model's pages needs."""
    model, version, account = shown.model, shown.version, visit.account
    query = visit.request.query_params
    kept = [(name, it) for name, it in query.multi_items() if name != PREDICTION_KEY]
    return {
        "model": model,
        "version": version,
        "is_latest": shown.is_latest,
        "deployments": shown.deployments,
        "can_train": version is not None and can_train(version),
        "may_change": account is not None and may_write(account, model),
        "query": f"?{urlencode(kept)}" if kept else "",
        "root": f"/{model.full_name}",
    }


def can_train(version: Version) -> bool:
    """Tell whether a version has a training."""
    return bool(fields_of(version.openapi_schema, "TrainingInput")) or bool(
        version.config.get("train")
    )


def _name(visit: Visit) -> str:
    return f"{visit.path['owner']}/{visit.path['name']}"


def _placeholders(fields: list[Field], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return words in place of what must be given and is not."""
    return {it.name: "…" for it in fields if it.is_required and it.name not in given}
