"""Credentials where Docker keeps them."""

import base64
import json
import stat
import sys

import pytest

from coghub.build.registry_client.credentials import Credentials, CredentialStore
from coghub.domain.errors import CredentialsUnusable
from coghub.settings import read_settings

ALICE = Credentials("alice", "chub_sécret:with:colons")

HELPER = f"""#!{sys.executable}
import json, pathlib, sys
store = pathlib.Path(__file__).with_suffix(".json")
known = json.loads(store.read_text()) if store.exists() else {{}}
said = sys.stdin.read()
match sys.argv[1]:
    case "get" if said in known:
        print(json.dumps(known[said]))
    case "get":
        print("credentials not found in native keychain")
        sys.exit(1)
    case "store":
        pair = json.loads(said)
        if pair["Username"] == "mallory":
            print("keychain is locked", file=sys.stderr)
            sys.exit(1)
        known[pair["ServerURL"]] = pair
        store.write_text(json.dumps(known))
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "docker").mkdir()
    return tmp_path / "docker"


@pytest.fixture
def store(folder, tmp_path):
    helper = tmp_path / "bin" / "docker-credential-test"
    helper.parent.mkdir()
    helper.write_text(HELPER)
    helper.chmod(0o755)
    environ = {"HOME": str(tmp_path), "DOCKER_CONFIG": str(folder), "PATH": str(helper.parent)}
    return CredentialStore(read_settings(environ))


def write(folder, config):
    (folder / "config.json").write_text(json.dumps(config))


def read(folder):
    return json.loads((folder / "config.json").read_text())


def test_what_is_written_is_found(store, folder):
    store.write("hub.example:5000", ALICE)

    assert store.find("hub.example:5000") == ALICE
    assert store.find("hub.example") is None
    auth = read(folder)["auths"]["hub.example:5000"]["auth"]
    assert base64.b64decode(auth).decode() == "alice:chub_sécret:with:colons"


def test_the_file_is_its_owners_alone_and_keeps_what_others_wrote(store, folder):
    config = {"auths": {"other": {"auth": "eA=="}}, "HttpHeaders": {"a": "b"}, "plugins": {}}
    write(folder, config)
    (folder / "config.json").chmod(0o644)

    store.write("hub.example", ALICE)

    found = read(folder)
    assert {**found, "auths": None} == {**config, "auths": None}
    assert set(found["auths"]) == {"other", "hub.example"}
    assert stat.S_IMODE((folder / "config.json").stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["config.json"]


def test_a_link_to_the_file_stays_one(store, folder, tmp_path):
    (tmp_path / "dotfiles.json").write_text("{}")
    (folder / "config.json").symlink_to(tmp_path / "dotfiles.json")

    store.write("hub.example", ALICE)

    assert (folder / "config.json").is_symlink()
    assert store.find("hub.example") == ALICE


@pytest.mark.parametrize("key", ["hub.example", "https://hub.example", "http://hub.example"])
def test_the_names_that_tools_give_a_host_are_known(store, folder, key):
    write(folder, {"auths": {key: {"auth": base64.b64encode(b"bob:x").decode()}}})

    assert store.find("hub.example") == Credentials("bob", "x")


def test_dockers_own_hub_has_its_old_name(store, folder):
    store.write("docker.io", ALICE)

    assert list(read(folder)["auths"]) == ["https://index.docker.io/v1/"]
    assert store.find("docker.io") == ALICE


@pytest.mark.parametrize(
    "config", [{"credsStore": "test"}, {"credHelpers": {"hub.example": "test"}}]
)
def test_a_helper_keeps_what_the_file_does_not(store, folder, config):
    write(folder, config)

    store.write("hub.example", ALICE)

    assert store.find("hub.example") == ALICE
    assert read(folder) == {**config, "auths": {"hub.example": {}}}


def test_a_helper_of_one_host_is_not_asked_about_another(store, folder):
    write(folder, {"credHelpers": {"hub.example": "missing"}})

    assert store.find("other.example") is None


@pytest.mark.parametrize("name", ["missing", "../../bin/sh"])
def test_a_helper_that_is_not_there_is_named(store, folder, name):
    write(folder, {"credsStore": name})

    with pytest.raises(CredentialsUnusable, match=f"not on PATH: docker-credential-{name}"):
        store.find("hub.example")


def test_a_helper_that_fails_says_why(store, folder):
    write(folder, {"credsStore": "test"})

    with pytest.raises(CredentialsUnusable, match="failed to store: keychain is locked"):
        store.write("hub.example", Credentials("mallory", "x"))


@pytest.mark.parametrize("content", ["{", "[]", "\x00"])
def test_a_damaged_file_is_named_and_not_overwritten(store, folder, content):
    (folder / "config.json").write_text(content)

    with pytest.raises(CredentialsUnusable, match=r"config\.json"):
        store.write("hub.example", ALICE)

    assert (folder / "config.json").read_text() == content


@pytest.mark.parametrize(
    "config",
    [
        {"auths": []},
        {"auths": {"hub.example": None}},
        {"auths": {"hub.example": {"auth": "!!"}}},
        {"auths": {"hub.example": {"auth": base64.b64encode(b"nocolon").decode()}}},
        {"credsStore": "", "credHelpers": 5},
    ],
)
def test_what_makes_no_sense_is_no_login(store, folder, config):
    write(folder, config)

    assert store.find("hub.example") is None


def test_a_refresh_token_is_known_by_its_user_name(store, folder):
    write(folder, {"auths": {"hub.example": {"auth": "", "identitytoken": "abc"}}})

    assert store.find("hub.example") == Credentials("<token>", "abc")


def test_a_secret_is_in_no_message():
    assert "chub_" not in repr(ALICE)
