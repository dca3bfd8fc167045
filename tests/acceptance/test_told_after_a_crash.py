"""A webhook about an end is told, though hub and receiver were down when it ended."""

import json

import pytest
import replicate
from tests.acceptance.client_models import Receiver, client_hub

pytestmark = [pytest.mark.acceptance, pytest.mark.slow, pytest.mark.timeout(300)]


def test_an_end_is_told_after_a_crash_of_the_hub(environ, tmp_path):
    with client_hub(tmp_path, environ, names=["greet"]) as hub, Receiver(status=503) as receiver:
        client = replicate.Client(api_token=hub.token, base_url=hub.address)
        prediction = client.predictions.create(
            version=hub.version_id("greet"),
            input={"text": "you"},
            webhook=receiver.url,
            webhook_events_filter=["completed"],
        )
        refused, _ = receiver.received.get(timeout=60)
        hub.process.kill()
        while not receiver.received.empty():
            receiver.received.get()
        receiver.status = 200
        hub.process.restart()
        taken, body = receiver.received.get(timeout=60)
        client._client.close()

    assert json.loads(body)["id"] == prediction.id
    assert json.loads(body)["output"] == "hello you"
    assert taken["webhook-id"] == refused["webhook-id"]
