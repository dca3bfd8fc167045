"""Finding a registry, and telling a hub."""

import datetime
import ipaddress
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from coghub.build.registry_client.opening import Hub, hub_at
from coghub.build.registry_client.registry import Call
from coghub.domain.errors import RegistryError, RegistryUnreachable

HUB = {"hub": "coghub", "version": "0.1.0", "url": "https://hub.example/"}


@pytest.fixture
def certificate(tmp_path):
    """Return the file of a certificate for 127.0.0.1 that nobody trusts, and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(1))
        .not_valid_after(now + datetime.timedelta(1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "cert.pem").write_bytes(made.public_bytes(pem))
    (tmp_path / "key.pem").write_bytes(private)
    return tmp_path / "cert.pem", tmp_path / "key.pem"


def encrypt(fake, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    fake.server.socket = context.wrap_socket(fake.server.socket, server_side=True)


def test_on_this_machine_http_is_tried_after_https(fake, make_client):
    with make_client(fake.address).open() as registry:
        assert registry.origin == fake.url


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_https_comes_first_and_trusts_what_a_variable_names(
    fake, make_client, certificate, variable
):
    encrypt(fake, certificate)

    with make_client(fake.address, **{variable: str(certificate[0])}).open() as registry:
        assert registry.origin == f"https://{fake.address}"


def test_a_certificate_that_nobody_trusts_is_refused(fake, make_client, certificate):
    encrypt(fake, certificate)

    with pytest.raises(RegistryUnreachable, match="is not trusted") as caught:
        make_client(f"https://{fake.address}").open()

    assert "SSL_CERT_FILE" in caught.value.hint
    assert fake.log == []


def test_a_host_elsewhere_is_never_tried_without_tls(make_client, fake):
    """A proxy sees what is asked: a tunnel to the port of https, and nothing else."""
    client = make_client("hub.invalid", HTTPS_PROXY=fake.url, HTTP_PROXY=fake.url)

    with pytest.raises(RegistryUnreachable) as caught:
        client.open()

    assert caught.value.hint.endswith("say so: http://hub.invalid")
    assert fake.log == []


def test_a_host_that_was_said_with_http_is_spoken_to_so(make_client, fake):
    client = make_client("http://hub.invalid", http_proxy=f"http://user:pass@{fake.address}")
    fake.fail("GET", "http://hub.invalid/v2/", status=200)

    with client.open() as registry:
        assert registry.origin == "http://hub.invalid"

    [(path, headers)] = fake.seen("GET")
    assert (path, headers["Host"]) == ("http://hub.invalid/v2/", "hub.invalid")
    assert headers["Proxy-Authorization"] == "Basic dXNlcjpwYXNz"


def test_nobody_there_is_said_at_once(make_client):
    with pytest.raises(RegistryUnreachable, match=r"No connection to 127\.0\.0\.1:9"):
        make_client("http://127.0.0.1:9").open()


def test_who_answers_otherwise_is_no_registry(fake, make_client):
    fake.fail("GET", "/v2/", status=404)

    with pytest.raises(RegistryError, match="Not a registry"):
        make_client(fake.url).open()


def test_a_hub_says_what_it_is(fake, registry):
    fake.pages["/cog/v1/hub"] = (200, HUB)

    assert hub_at(registry) == Hub("0.1.0", "https://hub.example")


@pytest.mark.parametrize(
    "page", [(404, HUB), (200, []), (200, {"hub": "other"}), (200, "x"), (401, HUB)]
)
def test_other_registries_are_no_hub(fake, registry, page):
    fake.pages["/cog/v1/hub"] = page

    assert hub_at(registry) is None


def test_what_a_registry_says_cannot_move_the_cursor(fake, registry):
    fake.pages["/cog/v1/hub"] = (200, {**HUB, "url": "https://x\x1b[2J\n"})

    assert hub_at(registry).url == "https://x [2J "
    fake.fail("GET", "/v2/x", status=400, body=b'{"errors":[{"message":"a\\u001b[1m\\nb"}]}')
    with pytest.raises(RegistryError, match=r"answered 400 to GET /v2/x: a \[1m b$"):
        registry.call(Call("GET", "/v2/x"), 200)


def test_a_hub_that_restarts_is_waited_for(fake, registry, client):
    fake.pages["/cog/v1/hub"] = (200, HUB)
    fake.fail("GET", "/cog/v1/hub", status=503, headers={"Retry-After": "3"})

    assert hub_at(registry) is not None
    assert client.waits == [0.5]


@pytest.mark.parametrize(
    ("location", "base", "where"),
    [
        ("/v2/x?a=b", "https://h.example/v2/", "https://h.example/v2/x?a=b"),
        ("https://other.example/x", "https://h.example/", "https://other.example/x"),
        ("http://h.example/x", "https://h.example/", "https://h.example/x"),
        ("../y", "https://h.example/v2/x/", "https://h.example/v2/y"),
    ],
)
def test_a_location_is_absolute_or_not_and_keeps_tls(registry, location, base, where):
    registry.origin = "https://h.example"

    assert registry.resolved(location, base) == where


@pytest.mark.parametrize("location", ["http://other.example/x", "http://[bad", "http://10.0.0.1/"])
def test_a_location_without_tls_is_not_followed(registry, location):
    registry.origin = "https://h.example"

    with pytest.raises(RegistryError):
        registry.resolved(location, "https://h.example/")
