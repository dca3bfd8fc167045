"""Names of bundles and images."""

from pathlib import Path

import pytest

from coghub.build.image_name import default_name, full_name
from coghub.domain.errors import NameInvalid


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("hello", "hello:latest"),
        ("hello:v1", "hello:v1"),
        ("alice/hello-world", "alice/hello-world:latest"),
        ("localhost:5000/alice/hello:1.0_x", "localhost:5000/alice/hello:1.0_x"),
        ("r8.im/alice/hello", "r8.im/alice/hello:latest"),
        ("Host.example:80/a", "Host.example:80/a:latest"),
        ("a__b--c.d", "a__b--c.d:latest"),
    ],
)
def test_a_name_has_a_tag(name: str, full: str) -> None:
    assert full_name(name) == full


@pytest.mark.parametrize(
    "name", ["", "Hello", "a b", "a:", "a:b:c", "../a", "a//b", "-a", "a:.x", "a@sha256:0", "a/"]
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(NameInvalid) as caught:
        full_name(name)

    assert caught.value.message.startswith(f"Invalid image name '{name}'.")


def test_an_input_in_the_place_of_a_name_is_recognised() -> None:
    with pytest.raises(NameInvalid) as caught:
        full_name("image=@a.jpg")

    assert caught.value.message == "Invalid image name 'image=@a.jpg'. Did you forget `-i`?"


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("hello", "cog-hello"),
        ("cog-hello", "cog-hello"),
        ("My Model_2!", "cog-my-model2"),
        ("a" * 50, "cog-" + "a" * 26),
    ],
)
def test_a_folder_gives_a_name(tmp_path: Path, folder: str, name: str) -> None:
    assert default_name(tmp_path / folder) == name
