"""OpenAPI documents of every part: made from the routes, so that none is left out.

A path leads to what there is, but where that would delete it; a query, a header or a form may hold
what is known or anything else. The API has its own document, and answers are held to it.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from starlette.routing import BaseRoute

from coghub.api.app import PARTS as API_PARTS
from coghub.api.callbacks import Callbacks
from coghub.api.openapi import document as own_document
from coghub.playground.app import InputBody, Playground
from coghub.registry.app import _places
from coghub.registry.manifest_content import _Image
from coghub.web.app import PARTS as PAGE_PARTS
from coghub.web.site import Site
from coghub.web.train_pages import TrainingForm

Json = dict[str, Any]
Known = Mapping[str, list[str]]
"""Name of a parameter, and values of it that lead somewhere."""

METHODS = {"get", "put", "post", "delete", "patch"}
"""Which a document can name; HEAD goes the way of GET."""
API = ("cursor", "created_after", "created_before", "source", "query", "limit", "sort_by",
       "sort_direction", "expiry", "owner", "signature", "from", "to", "group",
       "Accept", "Prefer", "Cancel-After", "Last-Event-ID", "Range")  # fmt: skip
REGISTRY = ("n", "last", "digest", "mount", "from", "scope", "artifactType",
            "Range", "If-Range", "If-None-Match", "Content-Range")  # fmt: skip
PAGES = ("q", "cursor", "next", "time", "source", "_v", "_p", "_from", "text", "actor", "action",
         "subject", "Last-Event-ID")  # fmt: skip
CALLBACKS = ("X-Prediction-ID", "Content-Type")
PLAYGROUND = ("text", "count", "Range", "Last-Event-ID")
MODEL = ("Accept", "Prefer", "Last-Event-ID")
"""What each part reads of a query, and of the headers, which are written in capitals."""
FIELDS = ("name", "password", "next", "do", "id", "old", "new", "visibility", "hardware", "value",
          "description", "readme", "github_url", "text")  # fmt: skip
TYPED = {
    "POST /run": InputBody,
    "POST /check": InputBody,
    "POST /{owner}/{name}/versions/{version_id}/run": InputBody,
    "POST /{owner}/{name}/versions/{version_id}/check": InputBody,
    "POST /{owner}/{name}/versions/{version_id}/train": TrainingForm,
    "POST /{owner}/{name}/versions/{version_id}/train/check": TrainingForm,
    "PUT /v2/{name}/manifests/{reference}": _Image,
}
FILES = {"POST /files", "POST /uploads"}
NEVER = {"POST /logout", "POST /shutdown"}
"""After these nothing else would be tried."""
NAMES = {"x-query": "put"}
"""By what libraries call a method that they do not know; no path of the API has both."""
NAMED_OTHERWISE = {"/files/{key}/{name}"}
"""What there is has these names elsewhere."""
DELETES = {
    "DELETE /v2/{name}/manifests/{reference}",
    "DELETE /v2/{name}/blobs/{digest}",
    "DELETE /v2/{name}/blobs/uploads/{upload}",
    "POST /p/{prediction_id}/delete",
}
"""There they are asked for what there is not: the rest would find nothing any more."""
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Anything:
    """Stands for a hub while its routes are only listed."""

    def __getattr__(self, name: str) -> "Anything":
        return self

    def __call__(self, *given: Any, **named: Any) -> "Anything":
        return self


def api_document(known: Known, going: Mapping[str, Known]) -> Json:
    """Return the API's own document, whose official prefix is `/v1`, so that it leads somewhere.

    Args:
        known: what there is.
        going: what may be deleted, by path.
    """
    routes = [route for part in API_PARTS for route in part(Anything()).routes()]
    own = own_document(routes)
    _lead_somewhere(own["components"]["schemas"], known)
    paths: dict[str, Json] = {}
    for path, operations in own["paths"].items():
        for method, operation in operations.items():
            there = going[path] if method == "delete" else known
            there = {} if path in NAMED_OTHERWISE else there
            parameters = _parameters(path, there, API)
            told = {**operation, "parameters": parameters, "security": []}
            if method == "x-query":
                told["x-method"] = "QUERY"
            paths.setdefault("/v1" + path, {})[NAMES.get(method, method)] = told
    return {**own, "paths": paths}


def pages_document(known: Known, *, csrf: str) -> Json:
    """Describe the pages, for who is signed in and has this token in the forms."""
    routes = [route for part in PAGE_PARTS for route in part(Site(Anything())).routes()]
    return _document(_operations(routes), {**known, "csrf": [csrf]}, PAGES)


def callbacks_document(known: Known) -> Json:
    """Describe what instances may ask of the hub."""
    app = Callbacks(Anything(), Anything(), Anything()).app()
    return _document(_operations(app.routes), known, CALLBACKS)


def playground_document(known: Known) -> Json:
    """Describe the page of one model server."""
    made = Playground.__new__(Playground)  # without its folder and client
    return _document(_operations(made.app().routes), known, PLAYGROUND)


def registry_document(known: Known) -> Json:
    """Describe the registry, whose paths are patterns."""
    operations = []
    for place in _places(Anything()):
        path = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", place.path.pattern).replace("/?", "/")
        operations += [(method, path) for method in place.answers]
    return _document(operations, known, REGISTRY)


def model_document(own: Json) -> Json:
    """Return the document of a model's server with what every server answers beside it."""
    paths = dict(own["paths"])
    one = {"name": "prediction_id", "in": "path", "required": True, "schema": {"type": "string"}}
    create = paths["/predictions"]["post"]
    paths["/predictions/{prediction_id}"] = {
        "put": {**create, "operationId": "put", "parameters": [one, *_said(MODEL, {})]}
    }
    paths["/openapi.json"] = {"get": {"responses": {"200": {"description": ""}}}}
    return {**own, "paths": paths}


def _operations(routes: Iterable[BaseRoute]) -> list[tuple[str, str]]:
    found = []
    for route in routes:
        path = re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path)
        found += [(method, path) for method in sorted(route.methods or ())]
    return found


def _document(
    operations: Iterable[tuple[str, str]],
    known: Known,
    read: Iterable[str],
    *,
    prefix: str = "",
) -> Json:
    shapes, components = msgspec.json.schema_components(
        list(TYPED.values()), ref_template="#/components/schemas/{name}"
    )
    typed = dict(zip(TYPED, shapes, strict=True))
    _lead_somewhere(components, known)
    paths: dict[str, Json] = {}
    for method, path in operations:
        call = f"{method} {path}"
        if method.lower() in METHODS and call not in NEVER:
            there = {} if call in DELETES else known
            operation = {"parameters": _parameters(path, there, read), "responses": {"200": ANY}}
            if method not in SAFE:
                operation["requestBody"] = {"content": _body(call, typed, known)}
            paths.setdefault(prefix + path, {})[method.lower()] = operation
    schema = {"openapi": "3.1.0", "info": {"title": "hub", "version": "0"}, "paths": paths}
    return {**schema, "components": {"schemas": components}}


SAFE = {"GET", "HEAD"}
ANY = {"description": "anything"}


def _lead_somewhere(components: Json, known: Known) -> None:
    """Let bodies name what there is, as random ones never would."""
    for name in ("PredictionBody", "InputBody"):
        body = components.get(name, {}).get("properties", {})
        if "version" in body and "version_id" in known:
            body["version"] = {"enum": known["version_id"]}
        body["input"] = {"type": "object", "properties": INPUT}


INPUT = {
    "text": {"type": "string"},
    "count": {"type": "integer"},
    "share": {"type": "number"},
    "words": {"type": "array", "items": {"type": "string"}},
    "table": {"type": "object"},
    "whatever": {},
    "file": {"type": "string", "format": "uri"},
}
"""Some of what the model takes."""


def _parameters(path: str, known: Known, read: Iterable[str]) -> list[Json]:
    named = [
        {"name": it, "in": "path", "required": True, "schema": _there(it, known)}
        for it in re.findall(r"\{(\w+)\}", path)
    ]
    return [*named, *_said(read, known)]


def _there(name: str, known: Known) -> Json:
    return {"enum": known[name]} if name in known else {"type": "string", "minLength": 1}


def _said(names: Iterable[str], known: Known) -> list[Json]:
    return [
        {"name": name, "in": "header" if name[0].isupper() else "query"}
        | {"schema": _text(name, known)}
        for name in names
    ]


def _text(name: str, known: Known) -> Json:
    values = [*known.get(name, []), *USUAL.get(name, [])]
    anything = {"type": "string"}
    return {"anyOf": [{"enum": values}, anything]} if values else anything


USUAL = {
    "Accept": ["text/event-stream", "application/x-ndjson", "*/*"],
    "Prefer": ["wait=0.01", "respond-async", "wait=-1", "wait=9e99"],
    "Cancel-After": ["5s", "1s", "9h", "0", "-1", "1e9m"],
    "Last-Event-ID": ["0", "1:1", "-1", "9" * 40],
    "Range": ["bytes=0-", "bytes=-1", "bytes=5-1", "bytes=a-b", "bytes=0-0,1-1"],
    "Content-Range": ["0-1", "bytes 0-1/2", "5-1", "9" * 40 + "-" + "9" * 41],
    "created_after": ["2026-01-01T00:00:00Z", "9999-99-99", "0001-01-01T00:00:00+23:59"],
    "limit": ["0", "1", "-1", "1e9", "9" * 40],
    "n": ["0", "1", "-1", "9" * 40],
    "expiry": ["0", "9" * 40],
    "scope": ["repository:a/b:pull,push", "registry:catalog:*", ":::"],
    "visibility": ["public", "private"],
    "hardware": ["cpu"],
    "source": ["api", "web"],
}


def _body(call: str, typed: Mapping[str, Json], known: Known) -> Json:
    """Return the content that a call takes, by media type."""
    if call in TYPED:
        return {MANIFEST if "manifests" in call else "application/json": {"schema": typed[call]}}
    if call in FILES:
        content = {"type": "string", "format": "binary"}
        fields = {name: {"type": "string"} for name in ("filename", "type", "metadata")}
        form = {"type": "object", "properties": {"content": content, **fields}}
        return {"multipart/form-data": {"schema": {**form, "required": ["content"]}}}
    if "csrf" not in known:
        return {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    fields = {name: _text(name, known) for name in FIELDS} | {"csrf": {"enum": known["csrf"]}}
    form = {"type": "object", "properties": fields, "required": ["csrf"]}
    return {"application/x-www-form-urlencoded": {"schema": form}}
