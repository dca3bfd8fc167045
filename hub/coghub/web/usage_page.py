"""`/usage`: what an account ran in a month, or everybody; as a table or as CSV."""

from datetime import date, timedelta

from starlette.responses import Response
from starlette.routing import BaseRoute

from coghub.api.usage import csv_response, results_of
from coghub.database.usage import UsageQuery
from coghub.domain.errors import BadRequest
from coghub.web.site import Site, Visit

A_MONTH = timedelta(days=31)
FIRST_YEAR, LAST_YEAR = 1970, 9998


class UsagePage:
    """Answers for the usage of months."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[BaseRoute]:
        """Return what is answered here."""
        return [self._site.get("/usage", self.show)]

    async def show(self, visit: Visit) -> Response:
        """Show a month: an account's own, or of an administrator everybody's."""
        account, given = visit.require_account(), visit.request.query_params
        first = _month(given.get("month", ""), self._site.hub.now().date())
        after = (first + A_MONTH).replace(day=1)
        group = ("account", "model", "hardware") if account.is_admin else ("model", "hardware")
        own = None if account.is_admin else account.id
        wanted = UsageQuery(first, after - timedelta(days=1), group, own)
        rows = await results_of(self._site.hub, wanted, hint="Ask the API for fewer days")
        if given.get("format") == "csv":
            return csv_response(wanted, rows)
        return self._site.page(
            visit,
            "usage.html",
            rows=rows,
            month=first,
            before=(first - timedelta(days=1)).strftime("%Y-%m"),
            after=after.strftime("%Y-%m") if after <= self._site.hub.now().date() else "",
        )


def _month(text: str, today: date) -> date:
    """Return the first day of a month such as 2026-01; of this one, if none is named.

    Raises:
        BadRequest: if it is none.
    """
    if not text:
        return today.replace(day=1)
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise BadRequest(f"`month` is not a month such as 2026-01: {text}") from None
    if not FIRST_YEAR <= first.year <= LAST_YEAR or len(text) != len("2026-01"):
        raise BadRequest(f"`month` is not a month such as 2026-01: {text}")
    return first
