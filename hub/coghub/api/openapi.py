"""The API's own OpenAPI 3.1 document, made from its routes and from the types in its answers.

Whatever route there is, it is in the document. OpenAPI 3.1 cannot name the method QUERY: that
stands beside the others as `x-query`.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from starlette.routing import BaseRoute, Route

import coghub
from coghub.api import samples, shapes
from coghub.api.operations import OPERATIONS, Content, Operation, Parameter

Json = dict[str, Any]

NAMED_BY_OPENAPI = frozenset({"get", "put", "post", "delete", "patch"})
PROBLEM = "application/problem+json"
REFUSALS = {
    400: "It cannot be understood",
    401: "No token, or one that is not valid",
    403: "You may see it, and not do this with it",
    404: "It does not exist, or not for you",
    409: "It contradicts what is there",
    413: "The body is too large",
    422: "A field cannot be used",
    429: "Too many requests; `Retry-After` says when to try again",
}
DESCRIPTION = """\
The API of a hub: Replicate's, so that its official clients work unchanged.

Every path is answered below `/v1`, below `/v1/v1`, and without a prefix where the request has a \
token. Times are RFC 3339 in UTC. Refusals are problem+json."""
ANSWERS = re.compile(r"Answer [^:]+: (?P<what>.+)", re.DOTALL)
CONVERTER = re.compile(r"\{(?P<name>\w+)(?::\w+)?\}")


def document(routes: Iterable[BaseRoute], *, is_open: bool = False) -> Json:
    """Return the document, but for where the hub is reached.

    Args:
        routes: of the whole API.
        is_open: whether strangers may read what is public.
    """
    schemas = _Schemas()
    paths: Json = {}
    ids = set[str]()
    for route in routes:
        if not isinstance(route, Route):
            continue
        path = CONVERTER.sub(r"{\g<name>}", route.path)
        for method in sorted((route.methods or set()) - {"HEAD"}):
            operation = OPERATIONS.get(f"{method} {path}") or _told_by(route, method)
            described = _described(operation, path, schemas, is_open=is_open)
            described["operationId"] = _id(route, ids)
            described["tags"] = [_tag(route)]
            name = method.lower()
            key = name if name in NAMED_BY_OPENAPI else f"x-{name}"
            paths.setdefault(path, {})[key] = described
    return _whole(paths, schemas)


def _whole(paths: Json, schemas: "_Schemas") -> Json:
    problem = {PROBLEM: {"schema": schemas.of(shapes.Problem), "example": samples.PROBLEM}}
    responses = {
        str(status): {"description": text, "content": problem} for status, text in REFUSALS.items()
    }
    responses["default"] = {"description": "Refused", "content": problem}
    bearer = {"type": "http", "scheme": "bearer", "description": "A token of an account."}
    return {
        "openapi": "3.1.0",
        "info": {"title": "coghub", "version": coghub.__version__, "description": DESCRIPTION},
        "paths": paths,
        "components": {
            "schemas": schemas.components(),
            "responses": responses,
            "securitySchemes": {"token": bearer},
        },
    }


class _Schemas:
    """The types that are named, each once."""

    def __init__(self) -> None:
        self._types = list[Any]()

    def of(self, shape: Any) -> Json:
        """Return the schema of a type, with references to its parts."""
        self._types.append(shape)
        [schema], _ = _schemas([shape])
        return schema

    def components(self) -> Json:
        """Return what the references lead to."""
        _, found = _schemas(self._types)
        for name, schema in found.items():
            shape = getattr(shapes, name, None)
            if isinstance(shape, type) and issubclass(shape, shapes.Shape):
                schema.pop("additionalProperties", None)
        return found


def _schemas(types: list[Any]) -> tuple[tuple[Json, ...], Json]:
    return msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")


def _described(operation: Operation, path: str, schemas: _Schemas, *, is_open: bool) -> Json:
    in_path = CONVERTER.findall(path)
    described: Json = {
        "summary": operation.summary,
        "parameters": [
            *(_in_path(name) for name in in_path),
            *(_said(each) for each in operation.parameters),
        ],
        "responses": _responses(operation, schemas, has_place=bool(in_path)),
        "security": _security(operation.asked_by, is_open=is_open),
    }
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": _content(operation.body, schemas)}
    return described


def _in_path(name: str) -> Json:
    schema = {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _said(parameter: Parameter) -> Json:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.is_required,
        "description": parameter.description,
        "schema": dict(parameter.schema),
    }


def _responses(operation: Operation, schemas: _Schemas, *, has_place: bool) -> Json:
    success: Json = {"description": operation.summary}
    if operation.answer is not None:
        success["content"] = _content(operation.answer, schemas)
    statuses = {400, 429}
    statuses |= {404} if has_place else set()
    statuses |= {401, 403} if operation.asked_by != "anyone" else set()
    statuses |= {404, 409, 413, 422} if operation.body is not None else set()
    refusals = {str(status): _refusal(status) for status in sorted(statuses)}
    return {str(operation.status): success, **refusals, "default": _refusal("default")}


def _refusal(status: int | str) -> Json:
    return {"$ref": f"#/components/responses/{status}"}


def _content(content: Content, schemas: _Schemas) -> Json:
    schema = content.schema
    told: Json = {"schema": schemas.of(content.shape) if schema is None else schema}
    if content.sample is not msgspec.UNSET:
        told["example"] = content.sample
    return {content.media_type: told}


def _security(asked_by: str, *, is_open: bool) -> list[Mapping[str, list[str]]]:
    if asked_by == "anyone":
        return []
    needed: Mapping[str, list[str]] = {"token": []}
    return [needed, {}] if asked_by == "reader" and is_open else [needed]


def _told_by(route: Route, method: str) -> Operation:
    """Describe a route that the table lacks, by what its function says of itself."""
    lines = (route.endpoint.__doc__ or "").strip().partition("\n\n")[0]
    found = ANSWERS.match(lines)
    what = " ".join(found["what"].split()).rstrip(".") if found else f"{method} {route.path}"
    body = Content({"type": "object"}) if method in {"POST", "PUT", "PATCH"} else None
    return Operation(what[:1].upper() + what[1:], Content({}), 200, body)


def _tag(route: Route) -> str:
    owner = type(getattr(route.endpoint, "__self__", None)).__name__
    return owner.removesuffix("Routes").lower() or "other"


def _id(route: Route, taken: set[str]) -> str:
    """Return a name for programs that no other operation has."""
    name = f"{_tag(route)}.{getattr(route.endpoint, '__name__', 'call')}"
    number = 2
    found = name
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    taken.add(found)
    return found
