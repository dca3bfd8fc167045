"""The files beside the Dockerfile, and this machine's own settings of indexes."""

import shlex
from pathlib import Path

import pytest

from coghub.build.image.context import host_settings, require_no_password, write_context
from coghub.build.image.recipe import Recipe
from coghub.build.index import NO_INDEX_SETTINGS, IndexSettings
from coghub.build.pip_settings import PipSettings
from coghub.domain.errors import SettingInvalid

RECIPE = Recipe(base_image="python:3.11-slim", requirements=("six",), server_packages=("h11",))


@pytest.fixture
def sdk(tmp_path: Path) -> Path:
    folder = tmp_path / "sdk"
    (folder / "cog" / "__pycache__").mkdir(parents=True)
    (folder / "cog" / "__init__.py").write_text("one")
    (folder / "cog" / "__pycache__" / "a.pyc").write_text("")
    return folder


def written(folder: Path, recipe: Recipe, project: Path, sdk: Path, **others) -> str:
    certificate = others.get("certificate")
    return write_context(folder, recipe, project=project, sdk=sdk, certificate=certificate)


def exported(script: str) -> dict[str, str]:
    words = shlex.split(script)
    return dict(word.split("=", 1) for word in words if word != "export")


def test_it_holds_what_the_steps_read(tmp_path, project, sdk):
    (project / "wheels").mkdir()
    (project / "wheels" / "a.whl").write_text("a")
    index = IndexSettings(index_url="http://index", find_links=("/mnt/wheels/wheels",))
    recipe = Recipe("base", requirements=("six",), index=index, local_packages=("wheels/a.whl",))

    written(tmp_path / "context", recipe, project, sdk, certificate=b"PEM")

    files = {
        path.relative_to(tmp_path / "context").as_posix()
        for path in (tmp_path / "context").rglob("*")
        if path.is_file()
    }
    assert files == {
        "ca.crt",
        "packages/constraints.txt",
        "packages/index.sh",
        "packages/local/wheels/a.whl",
        "packages/overrides.txt",
        "packages/requirements.txt",
        "packages/wheels/wheels/a.whl",
        "sdk/cog/__init__.py",
        "server/index.sh",
        "server/server.txt",
    }
    script = exported((tmp_path / "context/packages/index.sh").read_text())
    assert script["UV_DEFAULT_INDEX"] == "http://index"
    assert script["UV_FIND_LINKS"] == "/mnt/wheels/wheels"
    assert script["UV_SYSTEM_CERTS"] == "1"


def test_the_digest_changes_with_any_file(tmp_path, project, sdk):
    first = written(tmp_path / "1", RECIPE, project, sdk)
    assert written(tmp_path / "2", RECIPE, project, sdk) == first

    (sdk / "cog" / "__init__.py").write_text("two")

    assert written(tmp_path / "3", RECIPE, project, sdk) != first


def test_without_settings_of_its_own_a_machine_says_nothing():
    assert host_settings(NO_INDEX_SETTINGS, PipSettings(), {}) == ""


def test_a_machines_index_is_told_to_uv_and_to_pip():
    pip = PipSettings(index=IndexSettings(index_url="http://a", trusted_hosts=("a",)))
    project = IndexSettings(extra_index_urls=("http://extra",))

    script = exported(host_settings(project, pip, {}))

    assert script["UV_DEFAULT_INDEX"] == script["PIP_INDEX_URL"] == "http://a"
    assert script["UV_INDEX"] == script["PIP_EXTRA_INDEX_URL"] == "http://extra"
    assert script["UV_INSECURE_HOST"] == script["PIP_TRUSTED_HOST"] == "a"


def test_an_index_of_the_project_wins():
    pip = PipSettings(index=IndexSettings(index_url="http://machine"))

    script = host_settings(IndexSettings(index_url="http://project"), pip, {})

    assert "machine" not in script


def test_what_is_only_on_this_machine_stays_here():
    pip = PipSettings(
        index=IndexSettings(index_url="file:///index", find_links=("/wheels",)),
        certificate="/ca.pem",
        proxy="http://localhost:1",
        constraints=("six<1",),
    )
    environ = {"UV_INDEX": "/folder", "SSL_CERT_FILE": "/other.pem", "HTTPS_PROXY": "http://p"}

    assert host_settings(NO_INDEX_SETTINGS, pip, environ) == ""


def test_a_password_may_not_stay_in_an_image():
    pip = PipSettings(index=IndexSettings(index_url="https://me:secret@index.example/simple"))
    with pytest.raises(SettingInvalid, match="has a password") as refused:
        require_no_password(host_settings(NO_INDEX_SETTINGS, pip, {}))

    assert "secret" not in str(refused.value)
    require_no_password("export UV_DEFAULT_INDEX=https://index.example/@scope\n")
