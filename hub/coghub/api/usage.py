"""`GET /hub/usage`: how much was run, as JSON or CSV. Replicate's API has nothing like it."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import RowMapping
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from coghub.api.authentication import require_account
from coghub.api.rendering import json_response
from coghub.database.usage import GROUPS, SECOND_US, UsageQuery, day_of, usage
from coghub.domain.account import Account
from coghub.domain.errors import BadRequest
from coghub.parts import Hub

MAX_ROWS = 50_000
"""Of an answer, which is made in memory."""
DEFAULT_DAYS = 30
DEFAULT_GROUP = "model"
SUMS = ("predictions", "failed", "canceled", "predict_seconds")
CSV = "text/csv"


class UsageRoutes:
    """Answers for what accounts have run."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self) -> list[BaseRoute]:
        """Return what is answered here."""
        return [Route("/hub/usage", self.get, methods=["GET"])]

    async def get(self, request: Request) -> Response:
        """Answer GET /hub/usage: an account's own, or of an administrator everybody's."""
        account = await require_account(request, self._hub.accounts)
        wanted = _wanted(request.query_params, account, self._hub.now().date())
        results = await results_of(self._hub, wanted, hint="Ask for fewer days, or fewer groups")
        if CSV in request.headers.get("accept", ""):
            return csv_response(wanted, results)
        span = {"from": wanted.first.isoformat(), "to": wanted.last.isoformat()}
        return json_response({**span, "group": wanted.group, "results": results})


async def results_of(hub: Hub, wanted: UsageQuery, *, hint: str) -> list[dict[str, Any]]:
    """Return the rows as they are answered.

    Raises:
        BadRequest: with the hint, if there are too many.
    """
    rows = await hub.database.read(lambda c: usage(c, wanted, limit=MAX_ROWS + 1))
    if len(rows) > MAX_ROWS:
        raise BadRequest(f"There are more than {MAX_ROWS} rows", hint=hint)
    return [_shown(row) for row in rows]


def _wanted(given: Mapping[str, str], account: Account, today: date) -> UsageQuery:
    """Return what is asked for.

    Raises:
        BadRequest: naming the parameter that says nothing.
    """
    last = _day("to", given, today)
    first = _day("from", given, last - timedelta(days=min(DEFAULT_DAYS, last.toordinal()) - 1))
    if first > last:
        raise BadRequest("`from` is after `to`")
    words = [word for word in given.get("group", DEFAULT_GROUP).split(",") if word]
    unknown = [word for word in words if word not in GROUPS]
    if unknown:
        raise BadRequest(
            f"`group` names what there is not: {unknown[0]}", hint=f"Some of {', '.join(GROUPS)}"
        )
    group = tuple(dict.fromkeys(words))
    return UsageQuery(first, last, group, None if account.is_admin else account.id)


def _day(name: str, given: Mapping[str, str], default: date) -> date:
    text = given.get(name)
    if not text:
        return default
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadRequest(f"`{name}` is not a day such as 2026-01-31: {text}") from None


def _shown(row: RowMapping) -> dict[str, Any]:
    values: dict[str, Any] = {str(name): value for name, value in row.items()}
    predict_us = values.pop("predict_us")
    if "day" in values:
        values["day"] = day_of(values["day"]).isoformat()
    sums = {name: int(values.pop(name)) for name in SUMS if name in values}
    return {**values, **sums, "predict_seconds": int(predict_us) / SECOND_US}


def csv_response(wanted: UsageQuery, results: Sequence[Mapping[str, Any]]) -> Response:
    """Answer with rows below their names, as in RFC 4180."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [*wanted.group, *SUMS])
    writer.writeheader()
    writer.writerows(results)
    name = f"usage-{wanted.first}-{wanted.last}.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(text.getvalue(), headers=headers, media_type=CSV)
