"""pip's settings, and what uv is told of them."""

import os
from pathlib import Path

import pytest

from coghub.build.index import IndexSettings
from coghub.build.pip_settings import (
    PipSettings,
    index_arguments,
    read_pip_settings,
    uv_environ,
)

FILE = """
[global]
index-url = https://user:secret@index/packages
find_links = /one
    /two
cert = /ca.pem

[install]
index-url = https://install/packages
extra-index-url = https://a https://b

[list]
index-url = https://not-this
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".config" / "pip").mkdir(parents=True)
    (tmp_path / ".config" / "pip" / "pip.conf").write_text(FILE)
    return tmp_path


def test_the_users_file_is_read_and_the_particular_section_wins(home: Path) -> None:
    settings = read_pip_settings({}, home)

    assert settings.index.index_url == "https://install/packages"
    assert settings.index.extra_index_urls[-2:] == ("https://a", "https://b")
    assert settings.index.find_links == ("/one", "/two")
    assert settings.certificate == "/ca.pem"


def test_the_environment_wins_over_files(home: Path) -> None:
    environ = {"PIP_INDEX_URL": "https://env", "PIP_FIND_LINKS": "/x /y", "PIP_PRE": "1"}

    settings = read_pip_settings(environ, home)

    assert settings.index.index_url == "https://env"
    assert settings.index.find_links == ("/x", "/y")
    assert settings.index.pre


def test_a_named_file_stands_in_for_the_users_own(home: Path) -> None:
    named = home / "other.conf"
    named.write_text("[global]\nproxy = http://proxy\ntimeout = 7\n")

    settings = read_pip_settings({"PIP_CONFIG_FILE": str(named)}, home)

    assert settings.proxy == "http://proxy"
    assert settings.timeout_s == "7"
    assert settings.certificate != "/ca.pem"


def test_no_file_is_read_where_pip_reads_none(home: Path) -> None:
    assert read_pip_settings({"PIP_CONFIG_FILE": os.devnull}, home) == PipSettings()


def test_a_broken_file_says_nothing(home: Path) -> None:
    (home / ".config" / "pip" / "pip.conf").write_text("no section\n")
    environ = {"PIP_NO_INDEX": "yes", "PIP_ONLY_BINARY": ":all:,a"}

    settings = read_pip_settings(environ, home)

    assert settings.certificate != "/ca.pem"
    assert index_arguments(settings.index) == [
        *("--no-index", "--only-binary", ":all:"),
        *("--only-binary", "a"),
    ]


def test_uv_is_told_by_variables_so_that_passwords_are_not_arguments() -> None:
    pip = PipSettings(
        index=IndexSettings(
            index_url="https://u:p@i", extra_index_urls=("https://a",), find_links=("/w", "/v")
        ),
        certificate="/ca.pem",
        timeout_s="7",
        keyring="subprocess",
    )

    assert uv_environ(IndexSettings(), pip, {}) == {
        "UV_DEFAULT_INDEX": "https://u:p@i",
        "UV_INDEX": "https://a",
        "UV_FIND_LINKS": "/w,/v",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "SSL_CERT_FILE": "/ca.pem",
        "UV_HTTP_TIMEOUT": "7",
        "UV_KEYRING_PROVIDER": "subprocess",
    }


def test_uvs_own_variables_win_over_pip_and_the_project_over_both() -> None:
    pip = PipSettings(index=IndexSettings(index_url="https://pip", find_links=("/pip",)))
    environ = {"UV_INDEX_URL": "https://uv", "UV_FIND_LINKS": "/uv", "SSL_CERT_FILE": "/mine.pem"}

    without = uv_environ(IndexSettings(), pip, environ)
    project = uv_environ(IndexSettings(index_url="https://project"), pip, environ)

    assert without["UV_DEFAULT_INDEX"] == "https://uv"
    assert without["UV_FIND_LINKS"] == "/uv,/pip"
    assert without["SSL_CERT_FILE"] == "/mine.pem"
    assert project["UV_DEFAULT_INDEX"] == "https://project"


def test_folders_with_wheels_are_found_from_anywhere(tmp_path: Path) -> None:
    index = IndexSettings(find_links=("wheels", "https://host", "/abs"))

    assert index.in_folder(tmp_path).find_links == (
        str(tmp_path.resolve() / "wheels"),
        "https://host",
        "/abs",
    )
