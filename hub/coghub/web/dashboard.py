"""`/dashboard`: what runs now, what waits, and who used how much."""

from datetime import timedelta
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from coghub.database import deployment_names, instances, overview
from coghub.domain.account import Account
from coghub.domain.errors import NotFound
from coghub.models.access import owns
from coghub.web.site import Site, Visit
from coghub.web.times import TIMES

MAX_INSTANCES = 50
DEFAULT_TIME = "day"


class Dashboard:
    """Answers for what goes on."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[BaseRoute]:
        """Return what is answered here."""
        site = self._site
        return [
            site.get("/dashboard", self.show),
            site.get("/dashboard/now", self.now),
            site.get("/dashboard/instances/{instance_id}", self.instance),
        ]

    async def show(self, visit: Visit) -> Response:
        """Show what goes on, and the usage of some time."""
        account = visit.require_account()
        database, now = self._site.hub.database, self._site.hub.now()
        asked = visit.request.query_params.get("time", "")
        time = asked if asked in TIMES else DEFAULT_TIME
        begin: timedelta = TIMES[time][1]
        own = None if account.is_admin else account.id
        by_model = await database.read(
            lambda c: overview.usage_by_model(c, now - begin, account_id=own)
        )
        by_account = (
            await database.read(lambda c: overview.usage_by_account(c, now - begin))
            if account.is_admin
            else ()
        )
        return self._site.page(
            visit,
            "dashboard.html",
            **await self._now(account),
            by_model=by_model,
            by_account=by_account,
            time=time,
            times=TIMES,
            second=overview.SECOND,
        )

    async def now(self, visit: Visit) -> Response:
        """Give the part of the page that changes."""
        return self._site.page(
            visit, "dashboard_now.html", **await self._now(visit.require_account())
        )

    async def instance(self, visit: Visit) -> Response:
        """Show an instance with what it told on its way to ready."""
        account = visit.require_account()
        found = await self._site.hub.database.read(
            lambda c: instances.by_id(c, visit.path["instance_id"])
        )
        if found is None or not owns(account, found.model):
            raise NotFound("No such instance")
        return self._site.page(visit, "instance.html", instance=found)

    async def _now(self, account: Account) -> dict[str, Any]:
        database = self._site.hub.database
        queues = await database.read(overview.open_by_version)
        records = await database.read(lambda c: instances.every(c, limit=MAX_INSTANCES))
        live = {it.id: it for it in await self._site.hub.live.instances()}
        queued = {it["deployment_id"] for it in queues}
        used = queued | {it.deployment_id for it in live.values()}
        deployments = await database.read(
            lambda c: deployment_names.of_ids(c, account, [it for it in used if it is not None])
        )
        of_own = {it.id for it in live.values() if it.deployment_id in deployments}
        shown = [it for it in records if owns(account, it.model) or it.id in of_own]
        return {
            "deployments": deployments,
            "owned": {it.id for it in records if owns(account, it.model)},
            "queues": [
                it
                for it in queues
                if owns(account, f"{it['owner']}/{it['model']}")
                or it["deployment_id"] in deployments
            ],
            "running": [(it, live.get(it.id)) for it in shown if it.stopped_at is None],
            "ended": [it for it in shown if it.stopped_at is not None][:10],
            "waiting": sum(it["waiting"] for it in queues),
            "processing": sum(it["running"] for it in queues),
            "hardware": self._site.hub.hardware,
            "used": {
                sku: sum(1 for it in records if it.hardware == sku and it.stopped_at is None)
                for sku in (it.sku for it in self._site.hub.hardware)
            },
        }
