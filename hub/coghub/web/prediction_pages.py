"""`/p/ID` and what hangs below it, and the list of an account's predictions."""

from urllib.parse import urlencode

from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute

from coghub.api.paging import read_cursor, write_cursor
from coghub.api.rendering import json_response
from coghub.api.streams import HEADERS
from coghub.database import deployment_names
from coghub.database.audit import Audit
from coghub.database.predictions import Filter
from coghub.domain.account import Account
from coghub.domain.audit import Action
from coghub.domain.errors import (
    Conflict,
    DeploymentNotFound,
    FileNotFound,
    ModelNotFound,
    PredictionNotFound,
)
from coghub.domain.prediction import End, Prediction, Source, Status
from coghub.ui.templates import to_json
from coghub.web.prediction_events import Watching
from coghub.web.sight import Sight, is_own, uploads_in
from coghub.web.site import NOT_KEPT, Site, Visit, see_other, whole
from coghub.web.times import TIMES, since
from coghub.web.upload_answer import upload_answer

LIST_ROWS = 25
FILTERS = ("model", "deployment", "status", "source", "time")


class PredictionPages:
    """Answers for predictions."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._sight = Sight(site)

    def routes(self) -> list[BaseRoute]:
        """Return what is answered here."""
        site, one = self._site, "/p/{prediction_id}"
        return [
            site.get("/predictions", self.list),
            site.get(one, self.show),
            site.get(f"{one}/events", self.events),
            site.get(f"{one}/logs", self.logs),
            site.get(f"{one}/output.json", self.output),
            site.get(f"{one}/inputs/{{file_id}}", self.input_file),
            site.post(f"{one}/cancel", self.cancel),
            site.post(f"{one}/example", self.example),
            site.post(f"{one}/delete", self.delete),
        ]

    async def list(self, visit: Visit) -> Response:
        """Show an account's predictions, those that fit the filters."""
        account, query = visit.require_account(), visit.request.query_params
        asked = {name: query.get(name, "") for name in FILTERS}
        wanted = Filter(
            created_after=since(asked["time"], self._site.hub.now()),
            source=Source(asked["source"]) if asked["source"] in set(Source) else None,
            status=Status(asked["status"]) if asked["status"] in set(Status) else None,
            model_id=await self._model_id(visit, asked["model"]),
            deployment_id=await self._deployment_id(account, asked["deployment"]),
        )
        page = await self._site.hub.predictions.page(
            account, wanted, read_cursor(visit.request, str), limit=LIST_ROWS
        )
        ids = [it.id for it in page.items if it.deployment]
        deployments = await self._site.hub.database.read(
            lambda c: deployment_names.of_predictions(c, account, ids)
        )
        return self._site.page(
            visit,
            "predictions.html",
            page=page,
            next=page.next and write_cursor(page.next),
            previous=page.previous and write_cursor(page.previous),
            deployments=deployments,
            wanted=asked,
            query=urlencode(asked),
            is_filtered=any(asked.values()),
            statuses=list(Status),
            sources=list(Source),
            times=TIMES,
        )

    async def _model_id(self, visit: Visit, name: str) -> int | None:
        """Return the model of the filter; one that is not there has no predictions."""
        if not name:
            return None
        owner, _, model = name.partition("/")
        try:
            return (await self._site.hub.models.visible(visit.account, owner, model)).id
        except ModelNotFound:
            return -1

    async def _deployment_id(self, account: Account, name: str) -> int | None:
        """Return the deployment of the filter; one that is not there has no predictions."""
        if not name:
            return None
        owner, _, deployment = name.partition("/")
        try:
            return (await self._site.hub.deployments.get(account, owner, deployment)).id
        except DeploymentNotFound:
            return -1

    async def show(self, visit: Visit) -> Response:
        """Show a prediction; to others who have the link, how far it is."""
        prediction = await self._found(visit)
        if not await self._sight.may_see(visit, prediction):
            return self._site.page(visit, "prediction_closed.html", prediction=prediction)
        values = await self._sight.values(visit, prediction)
        deployment = await self._deployment_of(visit, prediction)
        return self._site.page(visit, "prediction.html", **values, deployment=deployment)

    async def _deployment_of(self, visit: Visit, prediction: Prediction) -> str:
        """Return `owner/name` of the deployment, where the visitor may see that."""
        account = visit.account
        if account is None or prediction.deployment is None:
            return ""
        names = await self._site.hub.database.read(
            lambda c: deployment_names.of_predictions(c, account, [prediction.id])
        )
        return names.get(prediction.id, "")

    async def events(self, visit: Visit) -> Response:
        """Tell a page what happens."""
        prediction = await self._seen(visit)
        after = whole(visit.request.headers.get("last-event-id", ""))
        watching = Watching(self._site, self._sight, visit, prediction)
        return StreamingResponse(watching.events(after), headers=HEADERS)

    async def logs(self, visit: Visit) -> Response:
        """Give all of the logs, as text."""
        return PlainTextResponse((await self._seen(visit)).logs, headers=NOT_KEPT)

    async def output(self, visit: Visit) -> Response:
        """Give all of the output, as JSON."""
        prediction = await self._seen(visit)
        name = f"attachment; filename={prediction.id}.json"
        headers = {**NOT_KEPT, "content-disposition": name}
        return Response(to_json(prediction.output), 200, headers, media_type="application/json")

    async def input_file(self, visit: Visit) -> Response:
        """Give a file that was uploaded for the input."""
        prediction = await self._seen(visit)
        if visit.path["file_id"] not in set(uploads_in(prediction.input)):
            raise FileNotFound
        file = await self._site.hub.files.find(visit.path["file_id"])
        return await upload_answer(visit.request, file, self._site.hub.files)

    async def cancel(self, visit: Visit) -> Response:
        """Cancel a prediction that the visitor made."""
        visit.require_csrf_header()
        prediction = await self._seen(visit)
        anonymous = await self._site.hub.accounts.anonymous_id()
        if not is_own(visit, prediction) and prediction.account_id != anonymous:
            raise PredictionNotFound(prediction.id)
        hub = self._site.hub
        await hub.predictions.end(prediction.id, End(Status.CANCELED))
        status = (await hub.predictions.find(prediction.id)).status
        return json_response({"status": status}, headers=NOT_KEPT)

    async def example(self, visit: Visit) -> Response:
        """Make a prediction an example of its model, or none any more."""
        fields = await visit.form()
        prediction = await self._seen(visit)
        if not self._sight.may_change_model(visit, prediction):
            raise PredictionNotFound(prediction.id)
        examples = self._site.hub.examples
        await (examples.remove if fields.get("remove") else examples.add)(prediction)
        return see_other(f"/p/{prediction.id}")

    async def delete(self, visit: Visit) -> Response:
        """Remove input, output, logs and files of a prediction that the visitor made."""
        await visit.form()
        prediction = await self._seen(visit)
        if not is_own(visit, prediction):
            raise PredictionNotFound(prediction.id)
        if not prediction.status.is_final:
            raise Conflict("The prediction has not ended", hint="Cancel it first")
        uploads = list(uploads_in(prediction.input))
        note = Audit(self._site.hub.now).of(
            Action.PREDICTION_DELETE, prediction.id, model=prediction.model
        )
        await self._site.hub.removal.remove_one(prediction, uploads, note)
        return see_other(f"/p/{prediction.id}")

    async def _seen(self, visit: Visit) -> Prediction:
        """Return a prediction of which the visitor may see everything."""
        prediction = await self._found(visit)
        if not await self._sight.may_see(visit, prediction):
            raise PredictionNotFound(prediction.id)
        return prediction

    async def _found(self, visit: Visit) -> Prediction:
        return await self._site.hub.predictions.find(visit.path["prediction_id"])
