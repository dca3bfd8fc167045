"""`/admin/audit`: who changed what, for administrators."""

from starlette.responses import Response
from starlette.routing import BaseRoute

from coghub.api.paging import read_cursor, write_cursor
from coghub.database.audit import Wanted, page
from coghub.web.site import Site, Visit

PAGE_ROWS = 50
FIELDS = ("actor", "action", "subject")


class AuditPage:
    """Answers for the audit trail."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[BaseRoute]:
        """Return what is answered here."""
        return [self._site.get("/admin/audit", self.show)]

    async def show(self, visit: Visit) -> Response:
        """List entries, the newest first."""
        visit.require_admin()
        given = visit.request.query_params
        asked = {name: given.get(name, "").strip() for name in FIELDS}
        who, what, whose = (asked[name] or None for name in FIELDS)
        wanted = Wanted(actor=who, action=what, subject=whose)
        cursor = read_cursor(visit.request, int)
        found = await self._site.hub.database.read(
            lambda c: page(c, wanted, cursor, limit=PAGE_ROWS)
        )
        return self._site.page(
            visit,
            "audit.html",
            entries=found.items,
            next=found.next and write_cursor(found.next),
            previous=found.previous and write_cursor(found.previous),
            wanted=asked,
        )
