"""Where settings come from, what they may say, and how a wrong one is refused."""

import json
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coghub.domain.errors import SettingInvalid
from coghub.hub_settings import HubSettings, read_hub_settings

DEFAULT = Path("/default/hub")
NAMES = [it.name for it in fields(HubSettings)]


def read(flags=None, **environ):
    return read_hub_settings(flags or {}, environ, default_data=DEFAULT)


@pytest.fixture
def file(tmp_path):
    """Write a settings file and return its path."""

    def write(text: str | bytes) -> str:
        path = tmp_path / "hub.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write


def test_without_anything_the_defaults_hold():
    assert read() == HubSettings(data=DEFAULT)


def test_flags_beat_the_environment_which_beats_the_file(file):
    config = file('port = 1\nqueue-limit = 1\nidle_timeout_s = 1\nhost = "file"')

    settings = read(
        {"config": config, "port": "3", "host": None}, COGHUB_PORT="2", COGHUB_QUEUE_LIMIT="2"
    )

    assert (settings.port, settings.queue_limit, settings.idle_timeout_s) == (3, 2, 1.0)
    assert settings.host == "file"


def test_the_environment_may_name_the_file(file):
    assert read(COGHUB_CONFIG=file("port = 7")).port == 7
    assert read({"config": file("port = 8")}, COGHUB_CONFIG="/none").port == 8


def test_an_empty_variable_says_nothing():
    assert read(COGHUB_PORT="").port == HubSettings(data=DEFAULT).port


def test_variables_of_others_are_not_read():
    assert read(COG_PORT="1", PORT="2", XCOGHUB_PORT="3") == read()


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("COGHUB_PORT", "65536", "`COGHUB_PORT` is not a whole number from 0 to 65535: 65536"),
        ("COGHUB_PORT", "-1", "`COGHUB_PORT` is not a whole number from 0 to 65535: -1"),
        ("COGHUB_PORT", "٣", "`COGHUB_PORT` is not a whole number from 0 to 65535: ٣"),
        ("COGHUB_QUEUE_LIMIT", "0", "`COGHUB_QUEUE_LIMIT` is not a whole number of 1 or more: 0"),
        ("COGHUB_RETENTION_S", "0", "`COGHUB_RETENTION_S` is not a number of seconds above 0"),
        ("COGHUB_RETENTION_S", "inf", "`COGHUB_RETENTION_S` is not a number of seconds above 0"),
        ("COGHUB_RETENTION_S", "nan", "`COGHUB_RETENTION_S` is not a number of seconds above 0"),
        ("COGHUB_IS_DURABLE", "perhaps", "`COGHUB_IS_DURABLE` is not true or false: perhaps"),
        ("COGHUB_LOG_LEVEL", "loud", "`COGHUB_LOG_LEVEL` is not one of debug, info, warning"),
        ("COGHUB_PUBLIC_URL", "hub.example", "`COGHUB_PUBLIC_URL` is not an http or https URL"),
        ("COGHUB_PUBLIC_URL", "https://h/?a=b", "`COGHUB_PUBLIC_URL` is not an http or https URL"),
        ("COGHUB_PUBLIC_URL", "https://[h", "`COGHUB_PUBLIC_URL` is not an http or https URL"),
        ("COGHUB_PUBLIC_URL", "https://h:x", "`COGHUB_PUBLIC_URL` is not an http or https URL"),
        ("COGHUB_ALLOW_NETWORKS", "10.0.0.0/8, x", "is not a list of addresses or networks"),
        ("COGHUB_DATA", "~no-such-user-here/x", "`COGHUB_DATA` is not a path: there is no such"),
        ("COGHUB_STORAGE", "gs://bucket", "is not an address such as s3://bucket/prefix"),
        ("COGHUB_STORAGE", "objects", "or the path of a folder from /"),
        ("COGHUB_STORAGE", "s3://Bucket", "is not an address such as s3://bucket/prefix"),
        ("COGHUB_STORAGE", "s3://bucket/a/../b", "is not an address such as s3://bucket/prefix"),
        ("COGHUB_STORAGE", "s3://bucket//b", "is not an address such as s3://bucket/prefix"),
        ("COGHUB_PRT", "1", "No such setting: COGHUB_PRT"),
    ],
)
def test_a_wrong_variable_is_refused_by_name(variable, value, message):
    with pytest.raises(SettingInvalid) as caught:
        read(**{variable: value})

    assert message in caught.value.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("port = true", "`port in {}` is not a whole number from 0 to 65535: True"),
        ("port = [1]", "`port in {}` is not a whole number from 0 to 65535: [1]"),
        ("prt = 1", "No such setting: prt in {}"),
        ("trusted-proxies = 5", "`trusted-proxies in {}` is not a list of addresses"),
        ("trusted-proxies = [5]", "`trusted-proxies in {}` is not a list of addresses"),
        ("host = 5", "`host in {}` is not a text: 5"),
        ('data = ""', "`data in {}` is not a path: "),
        ("retention-s = true", "`retention-s in {}` is not a number of seconds"),
        ("port 5", "The settings file {} is not TOML: "),
        (b"\xff", "The settings file {} is not TOML: "),
        ("a = " + "[" * 5000, "The settings file {} is not TOML: "),
    ],
)
def test_a_wrong_line_of_the_file_is_refused_by_name_and_file(file, text, message):
    path = file(text)

    with pytest.raises(SettingInvalid) as caught:
        read({"config": path})

    assert caught.value.message.startswith(message.format(path))


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SettingInvalid, match=r"Could not read the settings file .*: No such file"):
        read({"config": tmp_path / "none.toml"})


def test_a_certificate_needs_its_key():
    with pytest.raises(SettingInvalid, match="`tls-cert` and `tls-key` need each other"):
        read(COGHUB_TLS_CERT="/cert.pem")


def test_networks_are_lists_in_any_spelling(file):
    wanted = ("10.0.0.0/8", "192.168.1.7/32", "fd00::/8")

    assert read(COGHUB_ALLOW_NETWORKS="10.1.2.3/8,192.168.1.7 fd00::/8").allow_networks == wanted
    config = file(f"allow-networks = {json.dumps(list(wanted))}")
    assert read({"config": config}).allow_networks == wanted


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.lists(st.one_of(st.integers(), st.text()), max_size=3),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
)


@given(name=st.sampled_from(NAMES), value=ANYTHING)
def test_any_value_is_taken_or_refused_by_name(name, value):
    refused = ""
    try:
        read({name: value})
    except SettingInvalid as error:
        refused = error.message

    flag = f"--{name.replace('_', '-')}"
    assert not refused or f"`{flag}` is not " in refused or "need each other" in refused


@given(value=st.text())
def test_any_public_url_that_is_taken_can_stand_in_a_header(value):
    try:
        url = read({"public_url": f"https://{value}"}).public_url
    except SettingInvalid:
        return
    assert url is not None
    assert not any(it.isspace() for it in url)
    assert url.isascii()
    assert not url.endswith("/")
