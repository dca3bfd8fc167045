"""`GET /openapi.json` and `GET /docs`: what the API is, for programs and for people.

The page asks no other host for anything and runs no script; its content security policy says so.
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from coghub.api.openapi import Json, document
from coghub.api.rendering import api_url, json_response
from coghub.parts import Hub

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0;
         border-bottom: 1px solid #8884; }
code, pre { font: 14px/1.5 ui-monospace, monospace; }
pre { background: #8882; padding: .8rem; overflow: auto; white-space: pre-wrap; }
summary { cursor: pointer; padding: .3rem 0; }
details > :not(summary) { margin-left: 1.2rem; }
.quiet { opacity: .75; }
"""
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
READ_BY_ALL = {"access-control-allow-origin": "*"}
"""Tools on pages of other sites may read the document; it tells nothing of the hub's content."""


class DocumentRoutes:
    """Answers for the document; the whole API's routes are those of the router that asks here."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._made: Json | None = None

    def routes(self) -> list[BaseRoute]:
        """Return what is answered here."""
        return [
            Route("/openapi.json", self.openapi, methods=["GET"]),
            Route("/docs", self.page, methods=["GET"]),
        ]

    async def openapi(self, request: Request) -> Response:
        """Answer GET /openapi.json."""
        return json_response(self._document(request), headers=READ_BY_ALL)

    async def page(self, request: Request) -> Response:
        """Answer GET /docs."""
        return HTMLResponse(render(self._document(request)), headers=HEADERS)

    def _document(self, request: Request) -> Json:
        if self._made is None:
            routes = request.scope["router"].routes
            self._made = document(routes, is_open=self._hub.settings.allow_anonymous)
        return {**self._made, "servers": [{"url": api_url(request, self._hub.settings)}]}


def render(whole: Json) -> str:
    """Return the page of a document."""
    info, server = whole["info"], whole["servers"][0]["url"]
    title = escape(f"{info['title']} {info['version']}")
    link = f'programs read the <a href="{escape(server)}/openapi.json">OpenAPI document</a>'
    parts = [
        f"<h1>{title}</h1>",
        f"<p>{escape(info['description']).replace(chr(10) * 2, '</p><p>')}</p>",
        f"<p>Here it is at <code>{escape(server)}</code>; {link}.</p>",
        *_operations(whole, server),
        "<h2>Types</h2>",
        *_types(whole["components"]["schemas"]),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{STYLE}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>"
    )


def _operations(whole: Json, server: str) -> Iterator[str]:
    tag = ""
    calls = [
        (operation["tags"][0], key.removeprefix("x-").upper(), path, operation)
        for path, operations in whole["paths"].items()
        for key, operation in operations.items()
    ]
    for name, method, path, operation in sorted(calls, key=lambda call: call[0]):
        if name != tag:
            yield f"<h2>{escape(name.capitalize())}</h2>"
            tag = name
        call = f"{method} {path}"
        inside = "".join(_inside(operation, method, server + path))
        summary = f"<code>{escape(call)}</code> {escape(operation['summary'])}"
        yield f"<details><summary>{summary}</summary>{inside}</details>"


def _inside(operation: Json, method: str, url: str) -> Iterator[str]:
    if operation["security"] == []:
        yield '<p class="quiet">No token is needed.</p>'
    if operation["parameters"]:
        rows = [
            (f"<code>{escape(it['name'])}</code>", it["in"], _type(it["schema"]),
             escape(it.get("description", "")))
            for it in operation["parameters"]
        ]  # fmt: skip
        yield _table(("parameter", "in", "type", "meaning"), rows)
    body = operation.get("requestBody", {}).get("content", {})
    yield f"<pre>{escape(_curl(method, url, body))}</pre>"
    for status, answer in operation["responses"].items():
        for media_type, content in answer.get("content", {}).items():
            yield f"<p>{status} {escape(media_type)}: {_type(content['schema'])}</p>"
            if "example" in content:
                yield f"<pre>{_pretty(content['example'])}</pre>"


def _curl(method: str, url: str, body: Json) -> str:
    lines = [f"curl -X {method} {url}", "-H 'Authorization: Bearer TOKEN'"]
    for media_type, content in body.items():
        if media_type == "multipart/form-data":
            lines.append("-F content=@FILE")
            continue
        example = content.get("example", {})
        text = example if isinstance(example, str) else json.dumps(example)
        lines += [f"-H 'Content-Type: {media_type}'", f"-d '{text}'"]
    return " \\\n  ".join(lines)


def _types(schemas: Json) -> Iterator[str]:
    for name, schema in sorted(schemas.items()):
        yield f'<h3 id="{escape(name)}">{escape(name)}</h3>'
        yield f"<p>{escape(schema.get('description', ''))}</p>"
        if "enum" in schema:
            yield f"<p>{_type({'enum': schema['enum']})}</p>"
        required = schema.get("required", ())
        rows = [
            (f"<code>{escape(key)}</code>", _type(rules), "" if key in required else "optional",
             escape(rules.get("description", "")))
            for key, rules in schema.get("properties", {}).items()
        ]  # fmt: skip
        if rows:
            yield _table(("field", "type", "", "meaning"), rows)


def _type(schema: Json) -> str:
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"<code>{escape(str(each))}</code>" for each in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    kind = str(schema.get("type", "anything"))
    return escape(f"{kind} ({schema['format']})" if "format" in schema else kind)


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return a table of cells that are HTML."""
    head = "".join(f"<th>{cell}</th>" for cell in header)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _pretty(value: Any) -> str:
    return escape(value if isinstance(value, str) else json.dumps(value, indent=2))
