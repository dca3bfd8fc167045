"""The body of a prediction request, parsed and checked as Cog does."""

from typing import Annotated, Any, Literal

import msgspec

from cog.server.errors import text_refusal
from cog.server.reply import Request

WebhookEvent = Literal["start", "output", "logs", "completed"]
ALL_EVENTS: frozenset[WebhookEvent] = frozenset({"start", "output", "logs", "completed"})


class PredictionRequest(msgspec.Struct):
    """What a client may ask for; other keys are ignored."""

    id: str | None = None
    input: Any = None
    context: dict[str, str] | None = None
    webhook: str | None = None
    webhook_events_filter: Annotated[list[WebhookEvent] | None, "null: all of them"] = None


_decode = msgspec.json.Decoder(PredictionRequest).decode


def parse(request: Request) -> PredictionRequest:
    """Return what the body asks for; no body at all is an empty input.

    Raises:
        Refusal: 415, 400 or 422 in plain text.
    """
    kind = request.headers.get(b"content-type")
    if kind is None and not request.body:
        return PredictionRequest()
    if kind is None or not _is_json(kind):
        raise text_refusal(415, "Expected request with `Content-Type: application/json`")
    try:
        return _decode(request.body)
    except msgspec.ValidationError as error:
        raise _not_of_the_type(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _not_json(str(error)) from error
    except RecursionError as error:
        raise _not_json("nested too deeply") from error


def _is_json(kind: bytes) -> bool:
    if kind == b"application/json":
        return True
    essence = kind.partition(b";")[0].strip().lower()
    is_application = essence.startswith(b"application/")
    return essence == b"application/json" or (is_application and essence.endswith(b"+json"))


def _not_json(text: str) -> Exception:
    return text_refusal(400, f"Failed to parse the request body as JSON: {text}")


def _not_of_the_type(text: str) -> Exception:
    if text.startswith("Number out of range"):
        return _not_json(text)
    return text_refusal(422, f"Failed to deserialize the JSON body into the target type: {text}")
