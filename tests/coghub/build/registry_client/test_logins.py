"""Logins: checked against the registry, and remembered."""

import pytest

from coghub.build.oci import LAYER, Descriptor
from coghub.build.registry_client.credentials import Credentials
from coghub.build.registry_client.logins import Logins
from coghub.build.registry_client.mounts import Mounts
from coghub.build.registry_client.reference import Host
from coghub.build.registry_client.verification import check_password, name_of_token, token_page
from coghub.domain.errors import RegistryError, RegistryRefused


def test_the_last_login_is_remembered_with_the_scheme_that_was_said(client):
    logins = Logins(client.settings)
    assert logins.last is None

    logins.note(Host("hub.lan:5100", "http"))
    logins.note(Host("hub.example"))

    assert logins.last == Host("hub.example")
    assert logins.completed(Host("hub.lan:5100")) == Host("hub.lan:5100", "http")
    assert logins.completed(Host("hub.lan:5100", "https")) == Host("hub.lan:5100", "https")

    logins.note(Host("hub.lan:5100"))
    assert logins.completed(Host("hub.lan:5100")).scheme is None


@pytest.mark.parametrize("content", ["{", "[]", '{"last_login": 5, "schemes": []}'])
def test_a_damaged_memory_is_none(client, content):
    logins = Logins(client.settings)
    logins.path.parent.mkdir(parents=True)
    logins.path.write_text(content)

    assert logins.completed(Host("a.b")) == Host("a.b")
    logins.note(Host("a.b"))
    assert logins.last == Host("a.b")


def test_a_page_of_tokens_is_asked_for(fake, registry):
    assert token_page(registry) is None

    fake.pages["/cog/v1/display-token-url"] = (200, {"url": "https://hub.example/tokens"})

    assert token_page(registry) == "https://hub.example/tokens"


def test_a_token_has_a_name(fake, registry):
    fake.fail("POST", "/cog/v1/verify-token", status=503)
    fake.fail("POST", "/cog/v1/verify-token", status=200, body=b'{"username": "alice"}')

    assert name_of_token(registry, "chub_x") == "alice"


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (404, b"", RegistryRefused, "user does not exist"),
        (401, b"", RegistryRefused, "does not accept the token"),
        (418, b"", RegistryError, "answered 418"),
        (200, b"[]", RegistryError, "did not say whose"),
    ],
)
def test_a_token_without_a_name_is_refused(fake, registry, status, body, kind, message):
    fake.fail("POST", "/cog/v1/verify-token", status=status, body=body)

    with pytest.raises(kind, match=message):
        name_of_token(registry, "chub_x")


@pytest.mark.parametrize("realm", ["basic", "bearer"])
def test_a_password_is_tried_where_a_login_counts(fake, client, realm):
    fake.realm = realm
    with client.open() as registry:
        check_password(registry, Credentials("alice", "secret"))

    with client.open() as registry, pytest.raises(RegistryRefused, match="user name and password"):
        check_password(registry, Credentials("alice", "wrong"))


def test_mounts_are_remembered_by_registry(client):
    blob = Descriptor(LAYER, "sha256:" + "a" * 64, 5_000_000)
    small = Descriptor(LAYER, "sha256:" + "b" * 64, 50)

    Mounts(client.settings, "hub.example").note("alice/one", [blob, small])

    mounts = Mounts(client.settings, "hub.example")
    assert mounts.find(blob.digest, "alice/two") == "alice/one"
    assert mounts.find(blob.digest, "alice/one") is None
    assert mounts.find(small.digest, "alice/two") is None
    assert Mounts(client.settings, "other.example").find(blob.digest, "alice/two") is None
    mounts.path.write_text("[1]")
    assert mounts.find(blob.digest, "alice/two") is None
