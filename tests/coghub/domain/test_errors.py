"""The tree of errors."""

from coghub.domain import errors


def all_errors(base: type = errors.CoghubError) -> list[type]:
    return [base, *(one for child in base.__subclasses__() for one in all_errors(child))]


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [error.code for error in all_errors()]

    assert len(codes) == len(set(codes))
    assert all(code == code.lower() and " " not in code for code in codes)


def test_the_drawing_shows_every_error() -> None:
    for error in all_errors():
        if error.__module__ == errors.__name__:
            assert error.__name__ in (errors.__doc__ or "")


def test_an_error_says_what_and_what_next() -> None:
    error = errors.ConfigNotFound("nothing here", hint="look there")

    assert (str(error), error.message, error.hint) == ("nothing here", "nothing here", "look there")
