"""Secrets reach the model and nothing else; URLs lead nowhere that only the hub may go."""

import json

import pytest
import replicate
from tests.acceptance.client_models import ClientHub, Receiver, client_hub

pytestmark = [pytest.mark.acceptance, pytest.mark.slow, pytest.mark.timeout(300)]

SECRETS = ["sesame-one", 'sesame-two-"quoted"', "sesame-three\\n", "sesame-four-é"]
INPUT = {
    "key": SECRETS[0],
    "keys": SECRETS[1:3],
    "login": {"user": "ada", "password": SECRETS[3]},
}
SHOWN = {
    "key": "[REDACTED]",
    "keys": ["[REDACTED]", "[REDACTED]"],
    "login": {"user": "ada", "password": "[REDACTED]"},
}
OWNERS = "painter-key-of-the-owner"


@pytest.fixture(scope="module")
def hub(environ, tmp_path_factory):
    folder = tmp_path_factory.mktemp("secrets")
    with client_hub(folder, environ, names=["greet", "keys"]) as running:
        running.process.run("secret", "set", running.model("keys"), "PAINTER_KEY", stdin=OWNERS)
        yield running


@pytest.fixture
def client(hub: ClientHub):
    made = replicate.Client(api_token=hub.token, base_url=hub.address)
    yield made
    made._client.close()


def ended(client, hub, model, given, **options):
    prediction = client.predictions.create(
        version=hub.version_id(model), input=given, wait=60, **options
    )
    prediction.wait()
    return prediction


@pytest.mark.parametrize("how", ["", "fail"])
def test_a_secret_reaches_the_model_and_is_shown_nowhere(client, hub, how):
    with Receiver() as receiver:
        prediction = ended(
            client,
            hub,
            "keys",
            {**INPUT, "how": how},
            webhook=receiver.url,
            webhook_events_filter=["start", "output", "logs", "completed"],
        )
        told = [receiver.received.get(timeout=60)[1]]
        while json.loads(told[-1])["status"] not in {"succeeded", "failed"}:
            told.append(receiver.received.get(timeout=60)[1])

    shown = hub.process.get(f"/v1/predictions/{prediction.id}")
    assert shown["input"] == {**SHOWN, "how": how}
    if how:
        assert shown["error"].endswith(f"no luck with {['[REDACTED]'] * len(SECRETS)}")
    else:
        assert shown["output"] == "-".join(str(len(text)) for text in SECRETS)
    logs = shown["logs"]
    assert logs.count("got [REDACTED]") == len(SECRETS)
    assert logs.count("half of [REDACTED]") == len(SECRETS)
    assert "have [REDACTED]" in logs
    assert "COGHUB_" not in logs  # nothing of the hub's own environment
    everything = json.dumps(shown, ensure_ascii=False) + b"".join(told).decode() + hub.process.log
    for secret in (*SECRETS, OWNERS):
        assert secret not in everything
        assert json.dumps(secret)[1:-1] not in everything


def test_no_file_of_the_hub_holds_a_secret_in_clear(client, hub, tmp_path):
    ended(client, hub, "keys", INPUT)
    hub.process.run("backup", str(tmp_path / "backup"))  # has the rows, wherever they are

    folders = (hub.process.folder, tmp_path / "backup")
    kept = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    clear = [secret.encode() for secret in (*SECRETS[:2], "sesame-three", OWNERS, hub.token)]
    assert len(kept) > 5
    found = [path.name for path in kept for text in clear if text in path.read_bytes()]
    assert found == []


@pytest.mark.parametrize(
    "url",
    ["http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/", "http://0.0.0.0:1/"],
)
def test_an_input_that_leads_to_a_forbidden_address_fails_with_its_host(client, hub, url):
    prediction = ended(client, hub, "greet", {"text": "x", "file": url})

    assert prediction.status == "failed"
    assert "may not be reached from here" in prediction.error
    assert url.split("/")[2].partition(":1")[0].strip("[]") in prediction.error


def test_while_only_this_machine_reaches_the_hub_inputs_may_be_on_it(client, hub):
    """The port is nobody's, so the connection fails; it was tried."""
    prediction = ended(client, hub, "greet", {"text": "x", "file": "http://127.0.0.1:1/x"})

    assert prediction.status == "failed"
    assert "may not be reached" not in prediction.error


def test_a_hub_behind_a_proxy_reaches_no_neighbours(environ, tmp_path):
    """Though it listens on loopback, others reach it."""
    behind = {**environ, "COGHUB_TRUSTED_PROXIES": "127.0.0.9"}
    with (
        client_hub(tmp_path, behind, names=["greet"]) as hub,
        Receiver() as receiver,
    ):
        client = replicate.Client(api_token=hub.token, base_url=hub.address)
        given = {"text": "x", "file": receiver.url}
        prediction = ended(client, hub, "greet", given, webhook=receiver.url)
        client._client.close()

        assert prediction.status == "failed"
        assert (
            "`127.0.0.1` may not be reached from here: its address is loopback" in prediction.error
        )
        assert receiver.received.empty()
