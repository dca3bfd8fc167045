"""Symbolic links that stay in the project."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coghub.build.links import stays_inside


@pytest.mark.parametrize(
    ("path", "target", "stays"),
    [
        ("a", "b", True),
        ("d/a", "../b", True),
        ("d/e/a", "../../b/c", True),
        ("a", "../b", False),
        ("d/a", "../../b", False),
        ("a", "/etc/passwd", False),
        ("a", "d/../../x", False),
        ("a", "d/..", False),
        ("a", ".", True),
    ],
)
def test_a_link_leads_inside_or_not(path: str, target: str, *, stays: bool) -> None:
    assert stays_inside(path, target) is stays


parts = st.lists(st.sampled_from(["..", "a", "b", "."]), min_size=1, max_size=6)


@given(st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=4), parts)
def test_what_stays_inside_really_does(path: list[str], target: list[str]) -> None:
    place = Path("/root/project", *path)

    if stays_inside("/".join(path), "/".join(target)):
        goal = Path(os.path.normpath(place.parent.joinpath(*target)))
        assert goal.is_relative_to("/root/project")
