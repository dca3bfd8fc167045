"""The tree of errors."""

import inspect

from cog import errors


def test_every_error_has_a_code_of_its_own_and_is_drawn() -> None:
    kinds = [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.CogError)
    ]

    assert len({kind.code for kind in kinds}) == len(kinds)
    assert all(kind.__name__ in str(errors.__doc__) for kind in kinds)


def test_an_error_keeps_its_message_and_its_hint() -> None:
    error = errors.ModelLoadError("No class `X`", hint="Define it")

    assert str(error) == error.message == "No class `X`"
    assert error.hint == "Define it"
