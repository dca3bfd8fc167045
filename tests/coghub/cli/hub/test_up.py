"""`coghub up` as a process: what it says, and how it starts and stops."""

import datetime
import ipaddress
import signal
import socket
import ssl
import subprocess
import urllib.request
from contextlib import ExitStack

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.acceptance.hub_process import COGHUB, HubProcess

from coghub.settings import current_settings

pytestmark = pytest.mark.slow

ENVIRON = {
    name: value
    for name, value in current_settings().environ.items()
    if not name.startswith(("COG", "REPLICATE"))
}


@pytest.fixture
def started():
    """Start hubs, and end those that still run."""
    hubs = []

    def start(folder, *flags, prefix=()):
        hubs.append(HubProcess(folder, ENVIRON, *flags, prefix=prefix))
        return hubs[-1]

    yield start
    for hub in hubs:
        hub.kill()


def up(*flags, **environ):
    """Run `coghub up` where it must end by itself."""
    return subprocess.run(
        [COGHUB, "up", "--port", "0", *flags],
        env={**ENVIRON, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_first_start_says_how_to_log_in_and_later_ones_do_not(started, tmp_path):
    hub = started(tmp_path / "data")
    name = hub.administrator
    [token] = {word for word in hub.log.split() if word.startswith("chub_")}

    assert f"Made an administrator: {name}\n" in hub.log
    assert f"  echo {token} | cog login --token-stdin {hub.address}\n" in hub.log
    assert f"  coghub user create NAME --data {tmp_path / 'data'} && " in hub.log
    assert f"REPLICATE_BASE_URL={hub.address} REPLICATE_API_TOKEN={token}\n" in hub.log
    assert hub.get("/v1/account", token=token)["username"] == name
    assert hub.stop() == 0
    assert f"Listening on {hub.address}\n" in hub.log

    hub.log = ""
    hub.restart()

    assert hub.get("/v1/account", token=token)["username"] == name
    hub.stop()
    assert "chub_" not in hub.log


def test_a_second_hub_on_a_folder_is_refused_by_its_name(started, tmp_path):
    started(tmp_path / "data")

    second = up("--data", str(tmp_path / "data"))

    assert second.returncode == 1
    assert second.stderr.startswith(
        f"error: Another hub runs on this data folder: {tmp_path / 'data'}\n"
    )


def test_a_first_start_on_a_taken_port_leaves_nothing(started, tmp_path):
    port = started(tmp_path / "data").port

    second = up("--data", str(tmp_path / "new"), "--port", str(port))

    assert second.stderr.startswith(f"error: Could not listen on 127.0.0.1, port {port}: ")
    assert list((tmp_path / "new").iterdir()) == []


def test_ctrl_c_stops_it_with_130(started, tmp_path):
    assert started(tmp_path / "data").stop(signal.SIGINT) == 130


def test_a_second_signal_stops_it_at_once(started, tmp_path):
    """The first one waits for what is being answered, here for a body that does not come."""
    hub = started(tmp_path / "data")
    with socket.create_connection(("127.0.0.1", hub.port)) as client:
        head = f"POST /v1/predictions HTTP/1.1\r\nAuthorization: Bearer {hub.token}\r\n"
        client.sendall(f"{head}Expect: 100-continue\r\nContent-Length: 9\r\n\r\n".encode())
        assert client.recv(1000).startswith(b"HTTP/1.1 100 ")
        hub.process.send_signal(signal.SIGTERM)
        hub.wait_for_log("hub stopping")

        assert hub.stop() == 130

    hub.wait_for_log('level=WARNING event="hub stopped at once" signal=SIGTERM')


def test_it_waits_for_no_client_for_ever(started, tmp_path):
    hub = started(tmp_path / "data")
    with socket.create_connection(("127.0.0.1", hub.port)) as client:
        head = f"POST /v1/predictions HTTP/1.1\r\nAuthorization: Bearer {hub.token}\r\n"
        client.sendall(f"{head}Expect: 100-continue\r\nContent-Length: 9\r\n\r\n".encode())
        assert client.recv(1000).startswith(b"HTTP/1.1 100 ")

        assert hub.stop() == 0

    assert "ERROR" not in hub.log


def test_it_may_have_as_many_connections_as_the_system_allows(started, tmp_path):
    hub = started(tmp_path / "data", prefix=["sh", "-c", 'ulimit -S -n 64; exec "$@"', "sh"])

    with ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(socket.create_connection(("127.0.0.1", hub.port)))

        assert hub.get("/v1/account")["username"] == hub.administrator


def test_the_end_of_its_terminal_stops_it(started, tmp_path):
    assert started(tmp_path / "data").stop(signal.SIGHUP) == 0


def test_a_killed_hub_starts_again_and_knows_its_tokens(started, tmp_path):
    hub = started(tmp_path / "data")
    hub.kill()

    hub.restart()

    assert hub.get("/v1/account")["username"] == hub.administrator


def test_a_wrong_setting_is_refused_by_name(tmp_path):
    flag = up("--data", str(tmp_path), "--port", "many")
    variable = up("--data", str(tmp_path), COGHUB_QUEUE_LIMIT="none")

    assert (flag.returncode, variable.returncode) == (2, 2)
    assert flag.stderr == "error: `--port` is not a whole number from 0 to 65535: many\n"
    assert variable.stderr.startswith("error: `COGHUB_QUEUE_LIMIT` is not a whole number")
    assert list(tmp_path.iterdir()) == []


def test_it_speaks_https_with_a_certificate(started, tmp_path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    make_certificate(certificate, key)

    hub = started(tmp_path / "data", "--tls-cert", str(certificate), "--tls-key", str(key))

    assert hub.address.startswith("https://127.0.0.1:")
    trusting = ssl.create_default_context(cafile=certificate)
    request = urllib.request.Request(
        f"{hub.address}/v1/account", headers={"Authorization": f"Token {hub.token}"}
    )
    with urllib.request.urlopen(request, context=trusting, timeout=60) as response:
        assert response.status == 200


def make_certificate(certificate, key):
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hub")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(private, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
