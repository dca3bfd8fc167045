"""The reference of the API names every route, and no other."""

import importlib
import re
from pathlib import Path

import pytest

from coghub.api.app import PARTS

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def documented(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    return {
        (method, path)
        for method, path, *_ in importlib.import_module("docs.generate.hub_http").ROUTES
    }


async def test_every_route_is_in_the_reference(hub, documented):
    routes = {
        (method, re.sub(r":\w+}", "}", route.path))
        for part in PARTS
        for route in part(hub).routes()
        for method in route.methods - {"HEAD"}
    }

    assert routes == documented
