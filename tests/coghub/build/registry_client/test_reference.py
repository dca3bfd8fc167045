"""Names of models on registries."""

import pytest

from coghub.build.registry_client.reference import Host, has_host, parse_host, parse_reference
from coghub.domain.errors import NameInvalid

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "host", "repository", "version", "name"),
    [
        ("alice/hello", None, "alice/hello", "latest", "alice/hello:latest"),
        ("alice/hello:v1", None, "alice/hello", "v1", "alice/hello:v1"),
        ("r8.im/alice/hello", Host("r8.im"), "alice/hello", "latest", "r8.im/alice/hello:latest"),
        ("localhost/a/b", Host("localhost"), "a/b", "latest", "localhost/a/b:latest"),
        ("hub:5000/a/b", Host("hub:5000"), "a/b", "latest", "hub:5000/a/b:latest"),
        ("[::1]:5000/a/b:x", Host("[::1]:5000"), "a/b", "x", "[::1]:5000/a/b:x"),
        ("Hub.Example/a/b", Host("hub.example"), "a/b", "latest", "hub.example/a/b:latest"),
        (
            "http://127.0.0.1:5100/a/b",
            Host("127.0.0.1:5100", "http"),
            "a/b",
            "latest",
            "127.0.0.1:5100/a/b:latest",
        ),
        ("https://hub/a/b:x", Host("hub", "https"), "a/b", "x", "hub/a/b:x"),
        (f"r8.im/a/b@{DIGEST}", Host("r8.im"), "a/b", DIGEST, f"r8.im/a/b@{DIGEST}"),
        (f"a/b:v1@{DIGEST}", None, "a/b", DIGEST, f"a/b@{DIGEST}"),
    ],
)
def test_a_name_has_parts(text, host, repository, version, name):
    reference = parse_reference(text)

    assert (reference.host, reference.repository) == (host, repository)
    assert (reference.version, reference.name) == (version, name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "r8.im/",
        "http://",
        "http://hub",
        "alice/Hello",
        "../x",
        "a/b:",
        "a/b@sha256:0",
        "a/b@md5:" + "a" * 32,
        "hub:99999/a/b",
        "ftp://hub/a/b",
        "user:secret@hub.example/a/b",
        "a b/c",
    ],
)
def test_what_is_no_name_is_refused(text):
    with pytest.raises(NameInvalid):
        parse_reference(text)


@pytest.mark.parametrize("text", ["hub.example/", "http://hub:5000/", "HTTPS://Hub.Example"])
def test_a_host_may_be_copied_from_a_browser(text):
    assert parse_host(text).address in ("hub.example", "hub:5000")


@pytest.mark.parametrize("text", ["", "hub/x", "http://a b", "hub:0", "hub:65536", "a..b"])
def test_what_is_no_host_is_refused(text):
    with pytest.raises(NameInvalid):
        parse_host(text)


@pytest.mark.parametrize(
    ("text", "is_here"),
    [
        ("localhost:1", True),
        ("127.8.9.1", True),
        ("[::1]:1", True),
        ("hub.localhost", True),
        ("localhost.example", False),
        ("10.0.0.1", False),
        ("hub.example", False),
    ],
)
def test_loopback_is_this_machine_only(text, is_here):
    assert parse_host(text).is_loopback == is_here


def test_a_host_is_told_from_an_owner():
    assert [has_host(it) for it in ("hello", "a/b", "a.b/c", "a:1/c", "localhost/c")] == [
        False,
        False,
        True,
        True,
        True,
    ]
