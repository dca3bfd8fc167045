"""What a model's server answers when it does not run a prediction, as an error for people."""

from typing import Any

from coghub.domain.errors import CoghubError, InputInvalid, InstanceError

UNPROCESSABLE = 422


def refusal_of(status: int, answer: Any, route: str) -> CoghubError:
    """Return the error for an answer above 399; both shapes of body are understood."""
    detail = answer.get("detail") if isinstance(answer, dict) else None
    if status == UNPROCESSABLE and isinstance(detail, list):
        return _invalid_inputs(detail)
    told = answer.get("error") or detail if isinstance(answer, dict) else None
    return InstanceError(f"{route} call returned status {status}", hint=str(told) if told else None)


def _invalid_inputs(detail: list[Any]) -> InputInvalid:
    lines = [
        f"- {'.'.join(str(part) for part in entry.get('loc', [])[2:])}: {entry.get('msg')}"
        for entry in detail
        if isinstance(entry, dict)
    ]
    return InputInvalid(
        "\n".join(["The inputs you passed could not be validated:", *lines]),
        hint="Give inputs with `-i name=value`, and files with `-i name=@path`",
    )
