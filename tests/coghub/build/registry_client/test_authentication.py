"""Who we are to a registry, and what we do not tell others."""

import pytest

from coghub.build.registry_client.authentication import Authentication, Challenge, challenge_of
from coghub.build.registry_client.credentials import Credentials
from coghub.build.registry_client.registry import Call
from coghub.domain.errors import RegistryBusy, RegistryError, RegistryRefused

ALICE = Credentials("alice", "secret")
SCOPE = "repository:alice/hello:pull"


@pytest.mark.parametrize(
    ("values", "challenge"),
    [
        ([], None),
        (["Negotiate"], None),
        (["Basic"], Challenge("basic")),
        (['basic realm="a, b"'], Challenge("basic", "a, b")),
        (
            ['Bearer realm="https://a/t",service="s",scope="repository:x:pull,push"'],
            Challenge("bearer", "https://a/t", "s", "repository:x:pull,push"),
        ),
        (['Basic realm="x", Bearer realm="https://a/t"'], Challenge("bearer", "https://a/t")),
        (['Basic realm="x"', "BEARER realm=https://a/t"], Challenge("bearer", "https://a/t")),
        (['Bearer realm="a", error="insufficient_scope"'], Challenge("bearer", "a")),
    ],
)
def test_a_challenge_is_read(values, challenge):
    assert challenge_of(values) == challenge


@pytest.fixture
def registry(fake, client):
    fake.realm = "bearer"
    with client.open() as opened:
        opened.authentication.credentials = ALICE
        yield opened


def ask(registry, scope=SCOPE):
    registry.call(Call("HEAD", "/v2/alice/hello/blobs/x", scope), 404).close()


def test_a_token_serves_until_it_nears_its_end(fake, registry):
    clock = [0.0]
    registry.authentication.now = lambda: clock[0]
    for clock[0] in (0.0, 100.0, 289.0):
        ask(registry)
    assert len(fake.tokens) == 1

    clock[0] = 291.0
    ask(registry)

    assert len(fake.tokens) == 2
    [path, _] = fake.seen("GET", "/token")[0]
    assert path == "/token?service=here&scope=repository%3Aalice%2Fhello%3Apull&account=alice"


def test_each_scope_has_a_token(fake, registry):
    ask(registry)
    ask(registry, "repository:alice/hello:pull,push repository:alice/other:pull")

    [_, (path, _)] = fake.seen("GET", "/token")
    assert path.count("scope=") == 2


def test_a_token_that_is_refused_is_renewed_once(fake, registry):
    ask(registry)
    fake.tokens.clear()

    ask(registry)

    assert len(fake.seen("GET", "/token")) == 2


def test_a_registry_that_refuses_every_token_ends_it(fake, registry):
    value = f'Bearer realm="{fake.url}/token"'
    fake.fail("HEAD", "", status=401, headers={"WWW-Authenticate": value}, times=9)

    with pytest.raises(RegistryRefused, match="does not accept the credentials that are stored"):
        ask(registry)

    assert len(fake.seen("HEAD")) == 2


@pytest.mark.parametrize(
    ("credentials", "message"),
    [(Credentials("alice", "wrong"), "does not accept"), (None, "You are not logged in")],
)
def test_who_gets_no_token_is_told_to_log_in(fake, registry, credentials, message):
    registry.authentication.credentials = credentials

    with pytest.raises(RegistryRefused, match=message) as caught:
        ask(registry)

    assert caught.value.hint == f"Run `cog login {fake.url}` and try again"


def test_a_refresh_token_is_exchanged_by_post(fake, registry):
    registry.authentication.credentials = Credentials("<token>", "abc")
    fake.fail("POST", "/token", status=200, body=b'{"access_token": "t"}')
    fake.tokens.add("t")

    ask(registry)

    assert len(fake.seen("POST", "/token")) == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"token": ""}', b'{"token": "a\\nb"}', b'{"token":"a","expires_in":"x"}'],
)
def test_an_answer_without_a_token_is_an_error(fake, registry, body):
    fake.fail("GET", "/token", status=200, body=body)

    with pytest.raises(RegistryError, match="answered without a token"):
        ask(registry)


def test_a_busy_server_of_tokens_is_asked_again(fake, registry, client):
    fake.fail("GET", "/token", status=503)

    registry.repeated(Call("HEAD", "/v2/alice/hello/blobs/x", SCOPE), 404).close()

    assert client.waits == [0.5]
    fake.tokens.clear()
    fake.fail("GET", "/token", status=503)
    with pytest.raises(RegistryBusy):
        ask(registry)


@pytest.mark.parametrize("realm", ["http://evil.example/token", "ftp://a/t", "", "/token"])
def test_credentials_are_not_sent_in_the_clear_because_a_registry_says_so(registry, realm):
    authentication = Authentication("https://hub.example", ALICE, registry.connections)
    authentication.challenge = Challenge("bearer", realm)

    with pytest.raises(RegistryError, match="in the clear"):
        authentication.header(SCOPE)


def test_basic_sends_the_pair_and_only_with_credentials(fake, client):
    fake.realm = "basic"
    with client.open() as registry:
        with pytest.raises(RegistryRefused, match="You are not logged in"):
            ask(registry)
        registry.authentication.credentials = ALICE

        ask(registry)

    assert fake.seen("HEAD")[-1][1]["Authorization"] == "Basic YWxpY2U6c2VjcmV0"
