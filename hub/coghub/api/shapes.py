"""What the API answers, as types: its document is made from them, and tests hold answers to them.

An answer may gain fields, so the document does not forbid others.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from coghub.domain.model import Visibility
from coghub.domain.prediction import Source, Status, WebhookEvent

Moment = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Url = Annotated[str, Meta(extra_json_schema={"format": "uri"})]
Absent = UnsetType
"""Of a field that an answer may lack."""


class Shape(msgspec.Struct, forbid_unknown_fields=True):
    """A value of an answer."""


class Account(Shape):
    """Who a token belongs to."""

    type: Literal["user", "organization"]
    username: str
    name: str
    github_url: Url | None


class Version(Shape):
    """What was pushed of a model once; it never changes."""

    id: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    created_at: Moment
    cog_version: str
    openapi_schema: Annotated[dict[str, Any], Meta(description="Describes input and output.")]


class PredictionUrls(Shape):
    """Where a prediction is found; the stream needs no token."""

    get: Url
    cancel: Url
    web: Url
    stream: Url | Absent = UNSET


class Prediction(Shape):
    """One call of one version."""

    id: str
    model: Annotated[str, Meta(description="As OWNER/MODEL.")]
    version: str
    input: Annotated[dict[str, Any], Meta(description="As it was given, without its secrets.")]
    output: Any
    logs: str
    error: str | None
    status: Status
    source: Source
    data_removed: bool
    created_at: Moment
    urls: PredictionUrls
    started_at: Moment | Absent = UNSET
    completed_at: Moment | Absent = UNSET
    deadline: Moment | Absent = UNSET
    metrics: dict[str, Any] | Absent = UNSET
    deployment: Annotated[str, Meta(description="By which it was made.")] | Absent = UNSET
    webhook: str | Absent = UNSET
    webhook_events_filter: list[WebhookEvent] | Absent = UNSET


class Model(Shape):
    """A named thing of an owner, with versions."""

    url: Url
    owner: str
    name: str
    description: str | None
    visibility: Visibility
    is_official: bool
    github_url: Url | None
    paper_url: Url | None
    license_url: Url | None
    weights_url: Url | None
    cover_image_url: Url | None
    run_count: int
    created_at: Moment
    default_example: Prediction | None
    latest_version: Version | None


class Maker(Account):
    """Who made a release."""

    avatar_url: Url | None


class Configuration(Shape):
    """Where the instances of a deployment run, and how many there are."""

    hardware: str
    min_instances: Annotated[int, Meta(description="So many are kept, though nobody asks.")]
    max_instances: Annotated[int, Meta(description="With none it is switched off.")]


class Release(Shape):
    """What a deployment runs, from one change to the next."""

    number: int
    model: Annotated[str, Meta(description="As OWNER/MODEL.")]
    version: str
    created_at: Moment
    created_by: Maker
    configuration: Configuration


class Deployment(Shape):
    """A version, hardware and limits of instances, under a name that stays."""

    owner: str
    name: str
    current_release: Release


class Checksums(Shape):
    """Of a file, in hex."""

    sha256: str
    md5: str


class FileUrls(Shape):
    """Where what is known of a file is found; an input may name it so."""

    get: Url


class File(Shape):
    """A file that was uploaded for inputs."""

    id: str
    name: str
    content_type: str
    size: Annotated[int, Meta(description="In bytes.")]
    etag: str
    checksums: Checksums
    metadata: dict[str, Any]
    created_at: Moment
    expires_at: Moment
    urls: FileUrls


class Collection(Shape):
    """A group of models, chosen by who runs the hub."""

    name: str
    slug: str
    description: str


class CollectionOfModels(Collection):
    """A collection with its models, in their order."""

    full_description: Annotated[str | None, Meta(description="Markdown.")]
    models: list[Model]


class Hardware(Shape):
    """What models may run on."""

    sku: str
    name: str


class FoundMetadata(Shape):
    """What a search tells of a model beside the model."""

    generated_description: str | None
    tags: list[str]
    score: float | None


class FoundModel(Shape):
    """A model that a search found."""

    model: Model
    metadata: FoundMetadata


class FoundCollection(Collection):
    """A collection that a search found."""

    models: list[Model] | None


class FoundPage(Shape):
    """Another page that a search found; a hub has none."""

    name: str
    href: str


class Search(Shape):
    """What a search found."""

    query: str
    models: list[FoundModel]
    collections: list[FoundCollection]
    pages: list[FoundPage]


class WebhookSecret(Shape):
    """The key that signs an account's webhooks."""

    key: Annotated[str, Meta(pattern="^whsec_")]


class Pages(Shape):
    """A page of a list."""

    previous: Annotated[Url | None, Meta(description="The page before; null on the first.")]
    next: Annotated[Url | None, Meta(description="The page after; null on the last.")]


class ModelPage(Pages):
    """A page of models."""

    results: list[Model]


class VersionPage(Pages):
    """The versions of a model."""

    results: list[Version]


class PredictionPage(Pages):
    """A page of predictions."""

    results: list[Prediction]


class DeploymentPage(Pages):
    """A page of deployments."""

    results: list[Deployment]


class FilePage(Pages):
    """A page of files."""

    results: list[File]


class CollectionPage(Pages):
    """The collections of a hub."""

    results: list[Collection]


class BadField(Shape):
    """One thing that is wrong with a body."""

    type: Annotated[str, Meta(description="As gojsonschema names it, such as `required`.")]
    field: Annotated[str, Meta(description="Where, such as `input.width`; empty for the body.")]
    description: str


class Problem(Shape):
    """Why a request was refused."""

    detail: str
    status: int
    title: str | Absent = UNSET
    code: Annotated[str, Meta(description="Stays the same, for programs.")] | Absent = UNSET
    hint: str | Absent = UNSET
    invalid_fields: list[BadField] | Absent = UNSET
    retry_after: Annotated[int, Meta(description="In seconds.")] | Absent = UNSET
