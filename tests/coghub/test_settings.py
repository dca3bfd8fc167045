"""Settings from the environment."""

from pathlib import Path

import pytest

from coghub.domain.errors import SettingInvalid
from coghub.settings import current_settings, read_settings


def test_folders_follow_the_desktop_rules() -> None:
    settings = read_settings({"HOME": "/home/ada"})

    assert settings.cache_folder == Path("/home/ada/.cache/coghub")
    assert settings.data_folder == Path("/home/ada/.local/share/coghub")


def test_shared_folders_may_be_elsewhere_but_not_relative() -> None:
    environ = {"HOME": "/home/ada", "XDG_CACHE_HOME": "/cache", "XDG_DATA_HOME": "relative"}

    settings = read_settings(environ)

    assert settings.cache_folder == Path("/cache/coghub")
    assert settings.data_folder == Path("/home/ada/.local/share/coghub")


def test_our_own_variables_are_taken_as_they_stand() -> None:
    environ = {"HOME": "/h", "COG_CACHE_DIR": "here", "COG_DATA_DIR": "/data"}

    settings = read_settings(environ)

    assert settings.cache_folder == Path.cwd() / "here"
    assert settings.data_folder == Path("/data")


@pytest.mark.parametrize(
    ("value", "engine"), [("local", "local"), (" Docker ", "docker"), ("", None), ("auto", None)]
)
def test_the_engine_is_one_that_exists(value: str, engine: str | None) -> None:
    assert read_settings({"COG_ENGINE": value}).engine == engine


def test_another_engine_is_refused_by_name() -> None:
    with pytest.raises(SettingInvalid, match=r"`COG_ENGINE` is not one of .*: podman"):
        read_settings({"COG_ENGINE": "podman"})


def test_the_environment_is_not_printed() -> None:
    assert "hunter2" not in repr(read_settings({"PASSWORD": "hunter2"}))
    assert current_settings().environ
