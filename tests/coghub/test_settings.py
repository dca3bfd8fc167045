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


def test_a_push_has_knobs() -> None:
    environ = {"COG_PUSH_CONCURRENCY": "2", "COG_REGISTRY_HOST": " hub.example ", "HOME": "/h"}

    settings = read_settings(environ)

    assert (settings.push_concurrency, settings.registry_host) == (2, "hub.example")
    assert settings.push_chunk_bytes == 96 * 1024**2
    assert settings.docker_folder == Path("/h/.docker")


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5", "²"])
def test_a_knob_that_cannot_be_turned_so_is_refused_by_name(value: str) -> None:
    with pytest.raises(SettingInvalid, match="`COG_PUSH_CONCURRENCY` is not a whole number"):
        read_settings({"COG_PUSH_CONCURRENCY": value})
