"""What each route of the API takes and answers, beyond what the route itself says.

A route that is not in the table is described by its path and by what its function says of itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from coghub.api import samples, shapes
from coghub.api.deployments import DeploymentBody, DeploymentChange
from coghub.api.models import ModelBody, ModelChange
from coghub.api.predictions import PredictionBody
from coghub.api.trainings import TrainingBody

JSON = "application/json"
BYTES = {"type": "string", "format": "binary"}
UPLOAD = {
    "type": "object",
    "required": ["content"],
    "properties": {
        "content": {**BYTES, "description": "The file."},
        "filename": {"type": "string", "description": "Else that of the part."},
        "type": {"type": "string", "description": "Its content type; else that of the part."},
        "metadata": {"type": "string", "description": "A JSON object; empty unless given."},
    },
}


@dataclass(frozen=True, slots=True)
class Content:
    """A body, of a request or of an answer."""

    shape: Any
    """A type, or a JSON schema."""
    sample: Any = msgspec.UNSET
    media_type: str = JSON

    @property
    def schema(self) -> dict[str, Any] | None:
        """The JSON schema, if it was given as one."""
        return self.shape if isinstance(self.shape, dict) else None


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a query or a header may say."""

    name: str
    description: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    place: str = "query"
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """A route and one of its methods."""

    summary: str
    answer: Content | None = None
    status: int = 200
    body: Content | None = None
    parameters: tuple[Parameter, ...] = ()
    asked_by: str = "account"
    """An `account`; a `reader`, who may be a stranger where the operator says so; or `anyone`."""


CURSOR = Parameter("cursor", "Where the page is, as `next` or `previous` of another has it.")
LIMIT = Parameter(
    "limit", "Most models.", {"type": "integer", "minimum": 1, "maximum": 50, "default": 20}
)
DAY = {"type": "string", "format": "date"}
MOMENT = {"type": "string", "format": "date-time"}
WAITS = (
    Parameter("Prefer", "`wait` or `wait=SECONDS`: answer when it has ended.", place="header"),
    Parameter(
        "Cancel-After", "Cancel it so long after, such as `90`, `5m` or `1h30m`.", place="header"
    ),
)
LAST = Parameter("Last-Event-ID", "Go on behind this event.", place="header")
RANGE = Parameter("Range", "Which bytes, such as `bytes=0-99`.", place="header")


def _choice(name: str, description: str, *values: str) -> Parameter:
    schema = {"type": "string", "enum": list(values), "default": values[0]}
    return Parameter(name, description, schema)


MODEL = Content(shapes.Model, samples.MODEL)
PREDICTION = Content(shapes.Prediction, samples.PREDICTION)
RUN = Content(PredictionBody, samples.NEW_PREDICTION)
EVENTS = Content({"type": "string"}, samples.EVENTS, "text/event-stream")
FILE = Content(BYTES, media_type="*/*")
TRAINING = Content(shapes.Prediction, samples.TRAINING)
ONE_MODEL = "/models/{owner}/{name}"
DEPLOYMENT = Content(shapes.Deployment, samples.DEPLOYMENT)
ONE_DEPLOYMENT = "/deployments/{owner}/{name}"
ONE_VERSION = f"{ONE_MODEL}/versions/{{version_id}}"


def _page(shape: type[shapes.Pages], *results: Any) -> Content:
    return Content(shape, {"previous": None, "next": None, "results": list(results)})


OPERATIONS: Mapping[str, Operation] = {
    "GET /account": Operation("Whose token it is", Content(shapes.Account, samples.ACCOUNT)),
    "GET /collections": Operation(
        "The collections of the hub",
        _page(shapes.CollectionPage, samples.COLLECTION),
        asked_by="reader",
    ),
    f"POST {ONE_VERSION}/trainings": Operation(
        "Train a version, and make one of another model of it",
        TRAINING,
        201,
        Content(TrainingBody, samples.NEW_TRAINING),
    ),
    "GET /trainings": Operation(
        "Your trainings, the newest first",
        _page(shapes.PredictionPage, samples.TRAINING),
        parameters=(CURSOR,),
    ),
    "GET /trainings/{training_id}": Operation("A training, as far as it is", TRAINING),
    "POST /trainings/{training_id}/cancel": Operation("Cancel a training", TRAINING),
    "POST /deployments": Operation(
        "Deploy a version", DEPLOYMENT, 201, Content(DeploymentBody, samples.NEW_DEPLOYMENT)
    ),
    "GET /deployments": Operation(
        "Your deployments, the newest first",
        _page(shapes.DeploymentPage, samples.DEPLOYMENT),
        parameters=(CURSOR,),
    ),
    f"GET {ONE_DEPLOYMENT}": Operation("A deployment, with its current release", DEPLOYMENT),
    f"PATCH {ONE_DEPLOYMENT}": Operation(
        "Make a release of a deployment",
        DEPLOYMENT,
        body=Content(DeploymentChange, samples.DEPLOYMENT_CHANGE),
    ),
    f"DELETE {ONE_DEPLOYMENT}": Operation("Remove a deployment that nobody uses", status=204),
    f"POST {ONE_DEPLOYMENT}/predictions": Operation(
        "Run what a deployment runs now",
        PREDICTION,
        201,
        Content(PredictionBody, {"input": samples.INPUT}),
        WAITS,
    ),
    "GET /collections/{slug}": Operation(
        "A collection with its models",
        Content(
            shapes.CollectionOfModels,
            {**samples.COLLECTION, "full_description": None, "models": [samples.MODEL]},
        ),
        asked_by="reader",
    ),
    "POST /files": Operation(
        "Upload a file for inputs",
        Content(shapes.File, samples.FILE),
        201,
        Content(UPLOAD, media_type="multipart/form-data"),
    ),
    "GET /files": Operation(
        "Your files, the newest first",
        _page(shapes.FilePage, samples.FILE),
        parameters=(CURSOR,),
    ),
    "GET /files/{file_id}": Operation(
        "What is known of a file", Content(shapes.File, samples.FILE)
    ),
    "DELETE /files/{file_id}": Operation("Remove a file", status=204),
    "GET /files/{file_id}/download": Operation(
        "The bytes of a file, by a signed URL",
        FILE,
        parameters=(
            Parameter("owner", "The account's name.", is_required=True),
            Parameter("expiry", "In seconds since 1970.", {"type": "integer"}, is_required=True),
            Parameter(
                "signature",
                "The base64 of HMAC-SHA256 over `OWNER ID EXPIRY`.",
                is_required=True,
            ),
            RANGE,
        ),
        asked_by="anyone",
    ),
    "GET /files/{key}/{name}": Operation(
        "A file of a prediction", FILE, parameters=(RANGE,), asked_by="anyone"
    ),
    "GET /hardware": Operation(
        "What models may run on", Content(list[shapes.Hardware], [samples.HARDWARE])
    ),
    "GET /hub/usage": Operation(
        "How much you ran, or of an administrator: everybody; also as text/csv",
        Content({"type": "object"}, samples.USAGE),
        parameters=(
            Parameter("from", "The first day; else 30 days up to the last.", DAY),
            Parameter("to", "The last day, in UTC; else today.", DAY),
            Parameter("group", "Some of day, account, model, hardware, with commas; else model."),
        ),
    ),
    "POST /models": Operation("Make a model", MODEL, 201, Content(ModelBody, samples.NEW_MODEL)),
    "GET /models": Operation(
        "Public models",
        _page(shapes.ModelPage, samples.MODEL),
        parameters=(
            _choice(
                "sort_by",
                "What they are sorted by.",
                "latest_version_created_at",
                "model_created_at",
            ),
            _choice("sort_direction", "Which come first.", "desc", "asc"),
            CURSOR,
        ),
        asked_by="reader",
    ),
    "QUERY /models": Operation(
        "Public models with some words",
        _page(shapes.ModelPage, samples.MODEL),
        body=Content({"type": "string"}, "resize", "text/plain"),
        asked_by="reader",
    ),
    f"GET {ONE_MODEL}": Operation("A model, with its latest version", MODEL, asked_by="reader"),
    f"PATCH {ONE_MODEL}": Operation(
        "Change a model", MODEL, body=Content(ModelChange, samples.MODEL_CHANGE)
    ),
    f"DELETE {ONE_MODEL}": Operation("Remove a private model that has no versions", status=204),
    f"GET {ONE_MODEL}/readme": Operation(
        "The README of a model",
        Content({"type": "string"}, "# Resize", "text/plain"),
        asked_by="reader",
    ),
    f"GET {ONE_MODEL}/examples": Operation(
        "Predictions that a model shows",
        _page(shapes.PredictionPage, samples.PREDICTION),
        asked_by="reader",
    ),
    f"GET {ONE_MODEL}/versions": Operation(
        "The versions of a model, the newest first",
        _page(shapes.VersionPage, samples.VERSION),
        asked_by="reader",
    ),
    f"GET {ONE_VERSION}": Operation(
        "A version", Content(shapes.Version, samples.VERSION), asked_by="reader"
    ),
    f"DELETE {ONE_VERSION}": Operation("Remove a version of a private model", status=202),
    f"POST {ONE_MODEL}/predictions": Operation(
        "Run the latest version of a model",
        PREDICTION,
        201,
        Content(PredictionBody, {"input": samples.INPUT}),
        WAITS,
    ),
    "POST /predictions": Operation("Run a version", PREDICTION, 201, RUN, WAITS),
    "GET /predictions": Operation(
        "Your predictions, the newest first",
        _page(shapes.PredictionPage, samples.PREDICTION),
        parameters=(
            Parameter("created_after", "Made at that time or later.", MOMENT),
            Parameter("created_before", "Made before that time.", MOMENT),
            Parameter(
                "source", "Where they were made.", {"type": "string", "enum": ["api", "web"]}
            ),
            CURSOR,
        ),
    ),
    "GET /predictions/{prediction_id}": Operation("A prediction", PREDICTION),
    "POST /predictions/{prediction_id}/cancel": Operation("Cancel a prediction", PREDICTION),
    "GET /streams/{key}": Operation(
        "What a prediction tells, as server-sent events",
        EVENTS,
        parameters=(LAST,),
        asked_by="anyone",
    ),
    "GET /files/streams/{key}": Operation(
        "The same, of a version whose outputs are files",
        EVENTS,
        parameters=(LAST,),
        asked_by="anyone",
    ),
    "GET /search": Operation(
        "Public models and collections with some words",
        Content(shapes.Search, samples.SEARCH),
        parameters=(Parameter("query", "The words.", is_required=True), LIMIT),
        asked_by="reader",
    ),
    "GET /webhooks/default/secret": Operation(
        "The key that signs your webhooks", Content(shapes.WebhookSecret, samples.WEBHOOK_SECRET)
    ),
    "GET /openapi.json": Operation("This document", Content({"type": "object"}), asked_by="anyone"),
    "GET /docs": Operation(
        "This document as a page",
        Content({"type": "string"}, media_type="text/html"),
        asked_by="anyone",
    ),
}
