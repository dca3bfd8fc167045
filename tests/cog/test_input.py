"""`Input()` and what it returns."""

import copy
import pickle

import pytest

from cog import FieldInfo, Input


def test_an_input_without_default_is_required() -> None:
    field = Input(description="An image")

    assert field.has_default is False
    assert field.default is None
    assert field.description == "An image"


def test_three_dots_mean_required_as_they_did_before() -> None:
    assert Input(...).has_default is False


@pytest.mark.parametrize("default", [None, 0, "", False, [1]])
def test_a_default_may_be_anything(default: object) -> None:
    field = Input(default=default)

    assert field.has_default is True
    assert field.default == default


def test_a_default_and_a_description_may_be_positional() -> None:
    assert Input("hello", "A greeting") == Input(default="hello", description="A greeting")


def test_every_constraint_is_kept() -> None:
    field = Input(
        ge=1, le=2.5, min_length=3, max_length=4, regex="^a", deprecated=True, accept="image/*"
    )

    assert (field.ge, field.le, field.min_length, field.max_length) == (1, 2.5, 3, 4)
    assert (field.regex, field.deprecated, field.accept) == ("^a", True, "image/*")


def test_a_default_factory_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^default_factory is not supported in Input\(\)"):
        Input(default_factory=list)


def test_choices_may_be_any_iterable() -> None:
    sizes = {"small": 1, "large": 2}

    assert Input(choices=sizes.keys()).choices == ["small", "large"]
    assert Input(choices=(n for n in range(2))).choices == [0, 1]


def test_choices_of_a_set_have_an_order_that_does_not_change() -> None:
    assert Input(choices={"b", "c", "a"}).choices == ["a", "b", "c"]


def test_a_field_cannot_be_changed() -> None:
    field = Input(default=1)

    with pytest.raises(AttributeError, match="cannot assign to field 'default'"):
        field.default = 2
    with pytest.raises(AttributeError, match="cannot delete field 'default'"):
        del field.default


def test_a_field_can_be_copied_and_compared() -> None:
    field = Input(default=[1], choices=[[1], [2]])

    assert copy.deepcopy(field) == field
    assert pickle.loads(pickle.dumps(field)) == field
    assert hash(copy.copy(field)) == hash(field)
    assert field != FieldInfo(default=[2])


def test_a_field_shows_what_it_holds() -> None:
    assert "default=1, has_default=True, description='x'" in repr(FieldInfo(1, "x"))
