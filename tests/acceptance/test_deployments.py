"""Deployments on a real hub, by the official Python client."""

import io
import re

import pytest
import replicate
from replicate.exceptions import ReplicateError
from tests.acceptance.client_models import client_hub

pytestmark = [pytest.mark.acceptance, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def hub(environ, tmp_path_factory):
    folder, names = tmp_path_factory.mktemp("deployed"), ["greet", "words", "turn"]
    with client_hub(folder, {**environ, "COGHUB_IDLE_TIMEOUT_S": "1"}, names=names) as it:
        yield it


@pytest.fixture
def client(hub):
    made = replicate.Client(api_token=hub.token, base_url=hub.address)
    yield made
    made._client.close()


def deploy(client, hub, name, *, model="greet", least=0, most=1):
    return client.deployments.create(
        name=name,
        model=hub.model(model),
        version=hub.version_id(model),
        hardware="cpu",
        min_instances=least,
        max_instances=most,
    )


def test_a_deployment_is_made_found_listed_and_deleted(client, hub):
    made = deploy(client, hub, "first")

    assert (made.owner, made.name) == (hub.owner, "first")
    assert made.current_release.number == 1
    assert made.current_release.model == hub.model("greet")
    assert made.current_release.version == hub.version_id("greet")
    assert made.current_release.created_by.username == hub.owner
    assert made.current_release.configuration.hardware == "cpu"
    assert client.deployments.get(f"{hub.owner}/first").id == made.id
    assert "first" in [it.name for it in client.deployments.list()]
    assert client.deployments.delete(hub.owner, "first") is True
    with pytest.raises(ReplicateError, match="No deployment named"):
        client.deployments.get(f"{hub.owner}/first")


def test_a_prediction_is_of_the_current_release(client, hub):
    deployment = deploy(client, hub, "greeter")

    prediction = deployment.predictions.create(input={"text": "it"})
    prediction.wait()
    assert (prediction.status, prediction.output) == ("succeeded", "hello it")
    assert prediction.version == hub.version_id("greet")
    assert hub.process.get(f"/v1/predictions/{prediction.id}")["deployment"] == "greeter"

    # The client's `update` has no `model`; the one of the command line does.
    change = {"model": hub.model("words"), "version": hub.version_id("words")}
    client._client.patch(f"/v1/deployments/{hub.owner}/greeter", json=change)
    prediction = deployment.predictions.create(input={"text": "a b"})
    prediction.wait()
    assert prediction.output == ["a ", "b "]
    with pytest.raises(ReplicateError, match="15 minutes"):
        client.deployments.delete(hub.owner, "greeter")


def test_an_instance_is_kept_while_others_are_stopped(client, hub):
    deployment = deploy(client, hub, "warm", least=1)
    started = rf"instance is ready.*model={hub.model('greet')}\b"
    before = len(re.findall(started, hub.process.log))
    updated = client.deployments.update(hub.owner, "warm", max_instances=2)
    assert updated.current_release.number == 2
    assert updated.current_release.configuration.min_instances == 1

    client.run(hub.versions["turn"], input={"image": io.BytesIO(b"abc")})
    hub.process.wait_for_log(rf"instance stops.*model={hub.model('turn')}\b")

    prediction = deployment.predictions.create(input={"text": "warm"})
    prediction.wait()
    assert prediction.output == "hello warm"
    assert len(re.findall(started, hub.process.log)) - before <= 1
    assert client.deployments.update(hub.owner, "warm", min_instances=0).current_release.number == 3
    hub.process.wait_for_log(rf"instance stops.*model={hub.model('greet')}\b")


def test_one_that_is_switched_off_runs_nothing(client, hub):
    deployment = deploy(client, hub, "off", most=0)

    with pytest.raises(ReplicateError, match="switched off"):
        deployment.predictions.create(input={"text": "x"})
