"""The folder that gives a model its `cog`."""

import importlib.util
from pathlib import Path

import pytest

from coghub.build import sdk
from coghub.build.sdk import sdk_path
from coghub.domain.errors import SDKNotFound
from coghub.settings import Settings


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `cog` among other packages, as an installer puts it."""
    package = tmp_path / "site-packages" / "cog"
    (package / "worker").mkdir(parents=True)
    (package / "__init__.py").write_text("where = 'here'\n")
    (package.parent / "numpy").mkdir()
    spec = importlib.util.spec_from_file_location("cog", package / "__init__.py")
    monkeypatch.setattr(sdk.importlib.util, "find_spec", lambda name: spec)
    return package


def test_in_a_checkout_it_is_the_source_folder(settings: Settings) -> None:
    path = sdk_path(settings)

    assert (path / "cog" / "worker").is_dir()
    assert [one.name for one in path.iterdir() if (one / "__init__.py").exists()] == ["cog"]


def test_an_installed_sdk_comes_without_its_neighbours(settings: Settings, installed: Path) -> None:
    path = sdk_path(settings)

    assert path.is_relative_to(settings.cache_folder)
    assert [one.name for one in path.iterdir()] == ["cog"]
    assert (path / "cog").resolve() == installed
    assert sdk_path(settings) == path


def test_another_version_has_another_folder(settings: Settings, installed: Path) -> None:
    before = sdk_path(settings)
    (installed / "new.py").write_text("")

    assert sdk_path(settings) != before


def test_a_package_that_cannot_be_written_is_copied(
    settings: Settings, installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sdk.os, "access", lambda path, mode: False)

    path = sdk_path(settings)

    assert not (path / "cog").is_symlink()
    assert (path / "cog" / "__init__.py").read_text() == "where = 'here'\n"


def test_another_package_of_that_name_is_not_the_sdk(settings: Settings, installed: Path) -> None:
    (installed / "worker").rmdir()

    with pytest.raises(SDKNotFound, match="`coghub-sdk` is not installed beside this command"):
        sdk_path(settings)
