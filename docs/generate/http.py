"""http.md: the routes of a model server; texts are those of the code."""

from docs.generate.tables import table

from cog.server import intake, predictions
from cog.server.app import NO_SCHEMA, NO_TRAINING
from cog.server.connection import MAX_BODY_BYTES, MAX_HEAD_BYTES, TOO_MANY
from cog.server.settings import Settings

ROUTES = (
    ("GET", "/", "200", "The other URLs, and `cog_version`."),
    ("GET", "/health-check", "200", "The state, and how setup went; see below."),
    ("GET", "/openapi.json", "200", "The document made from the model's signature."),
    (
        "GET",
        "/docs",
        "200",
        "A page about the model, with a place to try it; it needs no other host.",
    ),
    ("GET", "/metrics", "200", "Numbers for Prometheus; see below."),
    ("POST", "/predictions", "200, 202", "Run a prediction."),
    (
        "PUT",
        "/predictions/{prediction_id}",
        "200, 202",
        "Run it under an id; the same again while it runs answers 202 with where it stands.",
    ),
    (
        "POST",
        "/predictions/{prediction_id}/cancel",
        "200",
        "Cancel it. 404 where none of that id runs.",
    ),
    (
        "POST",
        "/trainings",
        "200, 202",
        "Run a training; on a server started with `--x-mode train`.",
    ),
    ("PUT", "/trainings/{training_id}", "200, 202", "The same under an id."),
    ("POST", "/trainings/{training_id}/cancel", "200", "Cancel it."),
    ("POST", "/shutdown", "200", "End the server, after what runs has ended."),
)

BODY = (
    ("`input`", "An object with the model's inputs. Files are URLs: `http:`, `https:` or `data:`."),
    ("`id`", "The prediction's id; else the server makes one."),
    ("`context`", "An object of strings for the model: `current_scope().context`."),
    ("`webhook`", "A URL that is told how the prediction goes."),
    (
        "`webhook_events_filter`",
        "Which of `start`, `output`, `logs`, `completed` are sent; all unless given.",
    ),
)

MODES = (
    (
        "(nothing)",
        "200 with the end: `id`, `status`, `output` or `error`, `logs`, `metrics`. A failed prediction is a 200 too. A client that leaves cancels it.",
    ),
    (
        "`Prefer: respond-async`",
        "202 at once with `id` and `status`, and `queue_position` where it waits; the rest by webhook.",
    ),
    (
        "`Accept: text/event-stream`",
        "Server-sent events, if the model is marked with `@cog.streaming`; else 406.",
    ),
    (
        "`Accept: application/x-ndjson`",
        'One JSON object a line, `{"sequence", "event", "data"}`, for every model; see below.',
    ),
)

REFUSALS = (
    ("400", "The body is not JSON: `Failed to parse the request body as JSON: …`"),
    (
        "404",
        f"No such route, or no such prediction to cancel; for trainings `{NO_TRAINING.decode()}`",
    ),
    ("405", "Wrong method; `allow` names the right ones."),
    ("406", f"`{intake.NO_STREAMING}`, `{intake.NO_TRAINING_STREAMS}`"),
    ("408", "The request was begun and not sent to its end in time; the connection is closed."),
    (
        "409",
        f"`{predictions.AT_CAPACITY}` (with a queue also `, and the queue of … is full`), `{predictions.SAME_ID}`",
    ),
    ("413", f"The body is larger than {MAX_BODY_BYTES // 2**20} MiB."),
    ("415", "The body is not of type `application/json`."),
    (
        "422",
        'The body has the wrong shape, or `{"detail": [{"loc", "msg", "type"}]}` with every input that does not fit the schema.',
    ),
    ("429", f"`{intake.TOO_MANY_STREAMS}` (more than {Settings.max_followers})."),
    ("431", f"The request's head is larger than {MAX_HEAD_BYTES // 2**10} KiB."),
    ("500", "A mistake in the server itself; its log has the traceback."),
    (
        "503",
        f"`{intake.NOT_READY}`, `{NO_SCHEMA.decode()}`, `{TOO_MANY.decode()}` (all of them in use)",
    ),
)

STATES = (
    (
        "`STARTING`",
        "Setup runs; `setup.logs` grows. Of more than 1 MiB it has the first and the last part.",
    ),
    ("`READY`", "A slot is free; `concurrency` says how many there are, and how many are taken."),
    (
        "`BUSY`",
        "Every slot is taken. Where `COG_QUEUE_SIZE` is set, `queue` has `max`, `current`, and the `ids` of the first hundred that wait, each at its position.",
    ),
    (
        "`SETUP_FAILED`",
        "Setup raised, took too long, or the model cannot be loaded; `setup.logs` has the traceback. The server stays up.",
    ),
    ("`UNHEALTHY`", "The model's own `healthcheck()` says no; `user_healthcheck_error` says why."),
    ("`DEFUNCT`", "The worker died and could not be started again."),
)

EVENTS = (
    (
        "`start`",
        "`id`, `status`, `queue_position`?",
        "It has begun (`processing`); or it waits for a slot (`starting`), as the n-th, and another `start` follows.",
    ),
    ("`log`", "`source` (`stdout` or `stderr`), `data`", "Something was printed."),
    (
        "`output`",
        "`chunk`, `index`",
        "An output; `index` is null for a whole one that is not an item of a list.",
    ),
    (
        "`metric`",
        "`name`, `value`, `mode` (`replace`, `increment`, `append`)",
        "The model recorded a metric.",
    ),
    (
        "`completed`",
        "`id`, `status`, `metrics`, `output_is_list`, `error`?",
        "It has ended: `succeeded`, `failed` or `canceled`. Neither output nor logs are repeated.",
    ),
)

NUMBERS = (
    (
        "`cog_predictions_total{status}`",
        "Predictions that ended: `succeeded`, `failed`, `canceled`.",
    ),
    (
        "`cog_predictions_refused_total`",
        "Requests that found no slot and no place in the queue (409).",
    ),
    ("`cog_prediction_seconds`", "Histogram: how long predictions ran."),
    ("`cog_queue_seconds`", "Histogram: how long they waited for a slot."),
    ("`cog_predictions_running`, `cog_predictions_queued`", "How many there are now."),
    ("`cog_slots`, `cog_queue_size`", "How many there may be."),
    ("`cog_worker_ready`", "1 while the model takes predictions."),
    ("`cog_worker_memory_bytes`", "Resident memory of the worker and its children."),
    ("`cog_worker_deaths_total`", "Workers that died or were killed."),
    ("`cog_worker_replacements_total`", "Workers that were replaced, as settings say."),
    ("`cog_setup_seconds`", "How long the last setup took."),
    ("`process_…`", "The server's own process: CPU, memory, open files."),
)

STREAM_NOTES = """\
The numbers count from 1. A blank line every 15 s is a sign of life.
If the connection drops nothing is canceled: the same `PUT` attaches again, and replays after the number in `Last-Event-ID`; a prediction that has ended is remembered for ten minutes.
Server-sent events carry the same numbers in their `id:` lines; their `completed` is the whole prediction, and a client that leaves the request which began it cancels it."""


def page() -> str:
    """Return the page."""
    routes = [(f"`{method}`", f"`{path}`", code, text) for method, path, code, text in ROUTES]
    parts = [
        "# HTTP\n\nThe routes of `python -m cog.server.http`, which `cog serve` starts.",
        _section("Routes", ("method", "path", "success", "meaning"), routes),
        _section(
            "Body of a prediction",
            ("key", "meaning"),
            BODY,
            "All keys are optional; others are ignored.",
        ),
        _section("Ways to be answered", ("header", "answer"), MODES),
        _section("Refusals", ("status", "when, and the text"), REFUSALS),
        _section(
            "States of `/health-check`", ("status", "means"), STATES, "Always answered with 200."
        ),
        _section("The event stream", ("event", "data", "meaning"), EVENTS, STREAM_NOTES),
        _section("Metrics", ("name", "meaning"), NUMBERS),
    ]
    return "\n\n".join(parts) + "\n"


def _section(title: str, header: tuple[str, ...], rows: object, text: str = "") -> str:
    assert isinstance(rows, (list, tuple))
    lines = [f"## {title}", ""]
    lines += [text, ""] if text else []
    return "\n".join([*lines, *table(header, rows)])
