import pytest

from coghub.domain.errors import InputInvalid, InstanceError
from coghub.engines.refusals import refusal_of


def test_invalid_inputs_are_listed_with_their_names():
    answer = {
        "detail": [
            {"loc": ["body", "input", "scale"], "msg": "9 is greater than the maximum of 5"},
            {"loc": ["body", "input", "image"], "msg": "Field required"},
        ]
    }

    error = refusal_of(422, answer, "/predictions")

    assert isinstance(error, InputInvalid)
    assert error.message == (
        "The inputs you passed could not be validated:\n"
        "- scale: 9 is greater than the maximum of 5\n"
        "- image: Field required"
    )
    assert "-i" in error.hint
    assert "@" in error.hint


@pytest.mark.parametrize(
    ("status", "answer", "hint"),
    [
        (409, {"error": "At capacity", "status": "failed"}, "At capacity"),
        (409, {"detail": "Already running a prediction"}, "Already running a prediction"),
        (500, None, None),
        (422, "odd", None),
    ],
)
def test_other_answers_are_told_with_their_status_and_reason(status, answer, hint):
    error = refusal_of(status, answer, "/predictions")

    assert isinstance(error, InstanceError)
    assert (error.message, error.hint) == (f"/predictions call returned status {status}", hint)
