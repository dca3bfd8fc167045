"""hub-http.md: the routes of a hub's API; limits, statuses and codes are those of the code."""

from pathlib import Path

from docs.generate.tables import table

from coghub.api import prediction_view, predictions, preferences, streams
from coghub.api.errors import STATUS_OF, TITLE_OF
from coghub.domain.file import MAX_NAME_BYTES
from coghub.files.files import MAX_FILE_BYTES
from coghub.hub_settings import HubSettings

DEFAULTS = HubSettings(data=Path())

INTRODUCTION = """\
# The hub's HTTP

The API of a hub, which `coghub up` starts: Replicate's, so that its official clients work unchanged.

Every path is answered below `/v1`, below `/v1/v1`, and without a prefix where the request has a token: official clients disagree about where their base URL ends.
Requests carry `Authorization: Bearer TOKEN` or `Token TOKEN`; where the table says "no", none is needed.
Bodies are JSON whatever their content type says. Lists come in pages: `next` and `previous` are absolute URLs, or null."""

ROUTES = (
    ("GET", "/account", "yes", "200", "Whose token it is."),
    ("GET", "/collections", "read", "200", "The collections of the hub, by name, on one page."),
    (
        "GET",
        "/collections/{slug}",
        "read",
        "200",
        "A collection, with those of its models that you may see.",
    ),
    ("GET", "/docs", "no", "200", "This API as a page, made from its document."),
    ("GET", "/openapi.json", "no", "200", "The document of this API: OpenAPI 3.1, with examples."),
    (
        "POST",
        "/deployments",
        "yes",
        "201",
        "Deploy a version: `name`, `model`, `version`, `hardware`, `min_instances` (0 to 5), `max_instances` (0 to 20).",
    ),
    ("GET", "/deployments", "yes", "200", "Your deployments, the newest first."),
    (
        "GET",
        "/deployments/{owner}/{name}",
        "yes",
        "200",
        "A deployment, with its current release.",
    ),
    (
        "PATCH",
        "/deployments/{owner}/{name}",
        "yes",
        "200",
        "Change any of these but the name: each change makes a release. `max_instances` of 0 switches it off.",
    ),
    (
        "DELETE",
        "/deployments/{owner}/{name}",
        "yes",
        "204",
        "Remove one that keeps no instances and was not used for 15 minutes.",
    ),
    (
        "POST",
        "/deployments/{owner}/{name}/predictions",
        "yes",
        "201",
        "Run the version of its current release.",
    ),
    (
        "POST",
        "/files",
        "yes",
        "201",
        "Upload a file, as multipart/form-data: `content`, and `filename`, `type`, `metadata` if they are to differ from what the part says.",
    ),
    ("GET", "/files", "yes", "200", "Your files, the newest first."),
    ("GET", "/files/{file_id}", "yes", "200", "What is known of a file; not its bytes."),
    ("DELETE", "/files/{file_id}", "yes", "204", "Remove it."),
    (
        "GET",
        "/files/{file_id}/download",
        "no",
        "200",
        "Its bytes; `owner`, `expiry` and `signature` in the query, see below.",
    ),
    (
        "GET",
        "/files/{key}/{name}",
        "no",
        "200, 206, 304",
        "A file that went into or came out of a prediction. Nobody can guess the key.",
    ),
    ("GET", "/hardware", "yes", "200", "What models may run on, as a bare list."),
    (
        "GET",
        "/hub/usage",
        "yes",
        "200",
        "What you ran, or of an administrator everybody: `from` and `to` (days, both inclusive; else the last 30), `group` (some of `day`, `account`, `model`, `hardware`). With `Accept: text/csv` as CSV. Not in Replicate's API.",
    ),
    ("POST", "/models", "yes", "201", "Make a model."),
    (
        "GET",
        "/models",
        "read",
        "200",
        "Public models; `sort_by` is `latest_version_created_at` or `model_created_at`, `sort_direction` is `desc` or `asc`.",
    ),
    ("QUERY", "/models", "read", "200", "Public models with the words of the body."),
    ("GET", "/models/{owner}/{name}", "read", "200", "A model, with its latest version."),
    (
        "PATCH",
        "/models/{owner}/{name}",
        "yes",
        "200",
        "Change `description`, `readme`, `github_url`, `paper_url`, `weights_url`, `license_url`.",
    ),
    (
        "DELETE",
        "/models/{owner}/{name}",
        "yes",
        "204",
        "Remove a private model that has no versions.",
    ),
    ("GET", "/models/{owner}/{name}/readme", "read", "200", "Its README, as Markdown."),
    (
        "GET",
        "/models/{owner}/{name}/examples",
        "read",
        "200",
        "Predictions that the model shows, the newest first.",
    ),
    ("GET", "/models/{owner}/{name}/versions", "read", "200", "All versions, the newest first."),
    ("GET", "/models/{owner}/{name}/versions/{version_id}", "read", "200", "A version."),
    (
        "DELETE",
        "/models/{owner}/{name}/versions/{version_id}",
        "yes",
        "202",
        "Remove a version of a private model, with its predictions and their files; not one that another account has run, or that runs now.",
    ),
    (
        "POST",
        "/models/{owner}/{name}/predictions",
        "yes",
        "201",
        "Run the latest version of a model.",
    ),
    (
        "POST",
        "/predictions",
        "yes",
        "201",
        "Run a version: `version` is its id, `OWNER/MODEL:ID`, or `OWNER/MODEL` for the latest.",
    ),
    (
        "GET",
        "/predictions",
        "yes",
        "200",
        "Your predictions, the newest first; `created_after` (inclusive), `created_before`, `source`.",
    ),
    ("GET", "/predictions/{prediction_id}", "yes", "200", "A prediction."),
    (
        "POST",
        "/predictions/{prediction_id}/cancel",
        "yes",
        "200",
        "Cancel it; one that has ended stays as it is.",
    ),
    ("GET", "/streams/{key}", "no", "200", "What a prediction tells, as server-sent events."),
    (
        "GET",
        "/files/streams/{key}",
        "no",
        "200",
        "The same, of a version whose outputs are files: by this path a client knows.",
    ),
    (
        "POST",
        "/models/{owner}/{name}/versions/{version_id}/trainings",
        "yes",
        "201",
        "Train a version; what comes of it is a version of `destination`, a model of yours.",
    ),
    ("GET", "/trainings", "yes", "200", "Your trainings, the newest first."),
    ("GET", "/trainings/{training_id}", "yes", "200", "A training."),
    (
        "POST",
        "/trainings/{training_id}/cancel",
        "yes",
        "200",
        "Cancel it; one that has ended stays as it is.",
    ),
    (
        "GET",
        "/search",
        "read",
        "200",
        "Public models and collections with the words of `query`, at most `limit` (1 to 50, 20 unless given) of each.",
    ),
    ("GET", "/webhooks/default/secret", "yes", "200", "The key that signs your webhooks."),
)

BODY = (
    ("`input`", "An object with the model's inputs, needed. Unknown ones are left out by the model's server. A file is a URL (`http:`, `https:`, `data:`), or `urls.get` of an uploaded file."),
    ("`version`", "Which version; for `/predictions` only."),
    ("`webhook`", "A URL that is told how the prediction goes."),
    ("`webhook_events_filter`", "Which of `start`, `output`, `logs`, `completed` it is told; `output` and `completed` unless given."),
    ("`stream`", "Marks that the stream will be read: on plain http it then holds files as data URIs."),
)  # fmt: skip

HEADERS = (
    ("`Prefer: wait`", f"Answer when the prediction has ended, at the latest after {preferences.DEFAULT_WAIT_S:.0f} s. If it has not ended, the answer's status is `starting`, however far it is."),
    ("`Prefer: wait=N`", f"The same for N seconds, at most {preferences.MAX_WAIT_S:.0f}. `Preference-Applied` says what was done. Who leaves early cancels nothing."),
    ("`Cancel-After: 90`, `5m`, `1h30m`", f"Cancel the prediction so long after its creation, at least {preferences.MIN_CANCEL_AFTER_S:.0f} s."),
)  # fmt: skip

EVENTS = (
    ("`output`", "Text, a URL, or JSON for anything else; a list comes item by item."),
    ("`logs`", "Text of the log, the way to a ready instance included."),
    ("`error`", '`{"detail": …}`, before the `done` of a prediction that failed.'),
    ("`done`", '`{}`, `{"reason": "canceled"}` or `{"reason": "error"}`. Nothing follows.'),
)

EVENT_NOTES = f"""\
Each event has an id; with it in `Last-Event-ID` the stream goes on behind that event, also after a restart of the hub. Without, it begins at the start.
A comment each {streams.ALIVE_S:.0f} s is a sign of life."""

FILE_NOTES = f"""\
Outputs are URLs that need no token, for as long as the prediction's data is kept ({DEFAULTS.retention_s / 3600:g} h unless the operator says otherwise; then `data_removed` is true, and input, output and logs are empty).
On plain http, every answer about a single prediction that was made with `Prefer: wait` holds its output files as data URIs, up to {prediction_view.MAX_INLINE_BYTES // 2**20} MiB in all: the official clients make file objects of `https:` and `data:` only.
Large data URIs in an input are kept as files too, and shown as their URLs.

An upload is at most {MAX_FILE_BYTES // 10**6} MB large, its name at most {MAX_NAME_BYTES} bytes long; it is removed after {DEFAULTS.file_expiry_s / 3600:g} h.
`GET /files/{{file_id}}/download` needs no token: `owner` is the account's name, `expiry` a time in seconds since 1970, and `signature` the base64 of HMAC-SHA256 over `OWNER ID EXPIRY` with single spaces. The key is the account's webhook secret, decoded from base64 after `whsec_`.

Files are served so that none can run script in the hub's origin: images, sound, video and plain text are shown, everything else is saved.
The body of a request that makes a prediction is at most {predictions.MAX_BODY_BYTES // 2**20} MiB large."""

REFUSAL_NOTES = """\
Every refusal is `application/problem+json`: `detail`, `status`, a stable `code`, often a `hint`, and a `title` where Replicate has one.
An input that does not fit the version's schema is answered with `invalid_fields`: a list of `type` (in the names of gojsonschema), `field` and `description`.
What an account may not see does not exist for it: 404.
`x-should-retry: false` tells clients that trying again cannot help; 429 has `Retry-After`."""

PAGES = (
    ("`/`", "Public models, and your own."),
    ("`/OWNER/MODEL`", "A model: inputs, output, how to run it, README, versions."),
    ("`/OWNER/MODEL/versions/ID`", "The same for one version."),
    ("`/p/ID`", "A prediction. Others than its owner see how far it is, and nothing else."),
    ("`/login`", "Has the browser ask for your name and a token."),
)


def page() -> str:
    """Return the page."""
    routes = [(f"`{it[0]}`", f"`{it[1]}`", *it[2:]) for it in ROUTES]
    parts = [
        INTRODUCTION,
        _section(
            "Routes",
            ("method", "path", "token", "success", "meaning"),
            routes,
            'A token is needed to "read" too, unless the operator lets strangers read public models.',
        ),
        _section("Body of a prediction", ("key", "meaning"), BODY, "Other keys are refused."),
        _section("Headers of a prediction", ("header", "meaning"), HEADERS),
        _section("Streams", ("event", "data"), EVENTS, EVENT_NOTES),
        f"## Files\n\n{FILE_NOTES}",
        _section("Refusals", ("status", "code", "title"), _refusals(), REFUSAL_NOTES),
        _section(
            "Pages", ("path", "shows"), PAGES, "For browsers; nothing on them can be changed."
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _refusals() -> list[tuple[str, str, str]]:
    titles = {kind: title for kind, title in TITLE_OF.items() if kind not in STATUS_OF}
    named = [*STATUS_OF, *titles]
    rows = [(str(_status(kind)), f"`{kind.code}`", TITLE_OF.get(kind, "")) for kind in named]
    return sorted(rows)


def _status(kind: type) -> int:
    return next(STATUS_OF[it] for it in kind.__mro__ if it in STATUS_OF)


def _section(title: str, header: tuple[str, ...], rows: object, text: str = "") -> str:
    assert isinstance(rows, (list, tuple))
    lines = [f"## {title}", ""]
    lines += [text, ""] if text else []
    return "\n".join([*lines, *table(header, rows)])
