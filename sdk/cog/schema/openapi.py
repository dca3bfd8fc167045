"""The OpenAPI document of a model, as Cog writes it.

The paths and most components are the same for every model; what differs comes from its interfaces.
"""

import re
from typing import Any

import cog
from cog.schema.interface import Interface
from cog.schema.properties import (
    Schema,
    choices_component,
    input_property,
    model_components,
    output_schema,
    reference,
)
from cog.schema.value_types import (
    ChoiceType,
    without_none,
)

_WORDS = {
    "predict": ("prediction", "Prediction", "Predict", ""),
    "train": ("training", "Training", "Train", "Training"),
}
"""By mode: noun of its paths and of its components, verb, prefix of its Input and Output."""


def document(predict: Interface | None, train: Interface | None) -> dict[str, Any]:
    """Return the document of a model that predicts, trains, or both."""
    paths: Schema = {
        "/": {"get": _get("Root", "root__get")},
        "/health-check": {"get": _get("Healthcheck", "healthcheck_health_check_get")},
    }
    components: Schema = {}
    for interface in (predict, train):
        if interface is not None:
            paths.update(_paths(interface))
            components.update(_components(interface, _RESERVED | set(components)))
    return {
        "openapi": "3.0.2",
        "info": {"title": "Cog", "version": cog.__version__},
        "paths": paths,
        "components": {"schemas": {**components, **_FIXED}},
    }


def _components(interface: Interface, taken: set[str]) -> Schema:
    _, name, _, prefix = _WORDS[interface.mode]
    properties: Schema = {}
    referred: Schema = {}
    for order, parameter in enumerate(interface.parameters):
        component = _component_name(parameter.name, taken | set(referred))
        core = without_none(parameter.type)
        if isinstance(core, ChoiceType):
            referred[component] = choices_component(core, parameter.name)
        properties[parameter.name] = input_property(parameter, order, component)
        referred.update(model_components(parameter.type))
    required = [parameter.name for parameter in interface.parameters if parameter.is_required]
    input_schema: Schema = {"title": f"{prefix}Input", "type": "object", "properties": properties}
    return {
        f"{prefix}Input": {**input_schema, "required": required} if required else input_schema,
        f"{prefix}Output": output_schema(interface.output),
        **referred,
        f"{name}Request": _request(name, prefix),
        f"{name}Response": _response(name, prefix),
    }


def _component_name(name: str, taken: set[str]) -> str:
    """Return the input's own name, or one like it that is a component's name and not taken."""
    free = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    while free in taken:
        free += "_choices"
    return free


def _paths(interface: Interface) -> Schema:
    noun, name, verb, _ = _WORDS[interface.mode]
    post: Schema = {
        "summary": verb,
        "description": f"Run a single {noun} on the model",
        "operationId": f"{verb.lower()}_{noun}s_post",
        "requestBody": _json_content(reference(f"{name}Request")),
        "responses": _responses(reference(f"{name}Response")),
    }
    if interface.is_streaming and interface.mode == "predict":
        post["x-cog-streaming"] = True
    cancel = {
        "summary": "Cancel",
        "operationId": f"cancel_{noun}s__{noun}_id__cancel_post",
        "parameters": [
            {
                "required": True,
                "schema": {"title": f"{name} Id", "type": "string"},
                "name": f"{noun}_id",
                "in": "path",
            }
        ],
        "responses": _responses({}),
    }
    return {f"/{noun}s": {"post": post}, f"/{noun}s/{{{noun}_id}}/cancel": {"post": cancel}}


def _get(summary: str, operation: str) -> Schema:
    success = {"description": "Successful Response", **_json_content({})}
    return {"summary": summary, "operationId": operation, "responses": {"200": success}}


def _responses(success: Schema) -> Schema:
    error = _json_content(reference("HTTPValidationError"))
    return {
        "200": {"description": "Successful Response", **_json_content(success)},
        "422": {"description": "Validation Error", **error},
    }


def _json_content(schema: Schema) -> Schema:
    return {"content": {"application/json": {"schema": schema}}}


def _request(name: str, prefix: str) -> Schema:
    return {
        "title": f"{name}Request",
        "type": "object",
        "properties": {
            "id": {"title": "Id", "type": "string"},
            "input": reference(f"{prefix}Input"),
        },
    }


def _response(name: str, prefix: str) -> Schema:
    moment = {"type": "string", "format": "date-time"}
    return {
        "title": f"{name}Response",
        "type": "object",
        "properties": {
            "input": reference(f"{prefix}Input"),
            "output": reference(f"{prefix}Output"),
            "id": {"title": "Id", "type": "string"},
            "version": {"title": "Version", "type": "string"},
            "created_at": {"title": "Created At", **moment},
            "started_at": {"title": "Started At", **moment},
            "completed_at": {"title": "Completed At", **moment},
            "status": {"title": "Status", "type": "string"},
            "error": {"title": "Error", "type": "string"},
            "logs": {"title": "Logs", "type": "string"},
            "metrics": {"title": "Metrics", "type": "object"},
        },
    }


_FIXED: Schema = {
    "Status": {
        "title": "Status",
        "description": "An enumeration.",
        "enum": ["starting", "processing", "succeeded", "canceled", "failed"],
        "type": "string",
    },
    "HTTPValidationError": {
        "title": "HTTPValidationError",
        "type": "object",
        "properties": {
            "detail": {
                "title": "Detail",
                "type": "array",
                "items": reference("ValidationError"),
            }
        },
    },
    "ValidationError": {
        "title": "ValidationError",
        "required": ["loc", "msg", "type"],
        "type": "object",
        "properties": {
            "loc": {
                "title": "Location",
                "type": "array",
                "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
            },
            "msg": {"title": "Message", "type": "string"},
            "type": {"title": "Error Type", "type": "string"},
        },
    },
}

_RESERVED = {*_FIXED} | {
    name
    for _, noun, _, prefix in _WORDS.values()
    for name in (f"{prefix}Input", f"{prefix}Output", f"{noun}Request", f"{noun}Response")
}
"""Components that an input of the same name must not replace."""
