"""What a hub logs helps who runs it, and is of no use to who steals it."""

import base64

import pytest
import structlog
from hub_client import Client
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from coghub.database.schema import accounts


async def test_a_hub_in_trouble_logs_no_secrets(hub, app, alices, log):
    """Its database is gone: every request fails, and is logged with its traceback."""
    token, key = alices.token, alices.prediction.stream_key
    basic = base64.b64encode(f"alice:{token}".encode()).decode()
    as_alice, as_nobody = Client(app, token), Client(app)
    body = {"version": "a" * 64, "input": {"key": "sesame"}}
    await hub.database.close()

    answers = [
        await as_alice("GET", "/v1/account"),
        await as_alice("POST", "/v1/predictions", json=body),
        await as_nobody("GET", f"/v1/account?token={token}"),
        await as_nobody("GET", f"/v1/streams/{key}"),
        await as_nobody("GET", f"/files/{key}/output.png"),
        await as_nobody("GET", "/v2/", headers={"authorization": f"Basic {basic}"}),
        await as_nobody("POST", "/v2/token", content=f"password={token}&grant_type=password"),
        await as_nobody("POST", "/cog/v1/verify-token", content=f"token={token}"),
    ]  # fmt: skip

    text = log.getvalue()
    assert text.count("request failed") >= 5
    assert "Traceback" in text
    assert {500, 401} & {answer.status_code for answer in answers}
    for secret in (token, token.removeprefix("chub_"), key, basic, "sesame"):
        assert secret not in text
        assert all(secret not in answer.text for answer in answers)


async def test_a_failing_statement_is_logged_without_its_values(hub, alice, log):
    def fail(connection):
        values = {
            "id": alice.id,
            "name": "value-of-a-row",
            "is_admin": False,
            "created_at": hub.now(),
        }
        connection.execute(insert(accounts).values(values))

    with pytest.raises(IntegrityError) as failed:
        await hub.database.write(fail)
    structlog.get_logger().error("request failed", exc_info=failed.value)

    assert "INSERT INTO accounts" in log.getvalue()
    assert "value-of-a-row" not in log.getvalue()


async def test_no_answer_of_the_hub_is_an_error_page_of_a_library(app, alices, hub):
    """A client is told an id to ask for, and nothing of the hub's inside."""
    await hub.database.close()

    answer = await Client(app, alices.token)("GET", "/v1/account")

    assert answer.status_code == 500
    assert "Traceback" not in answer.text
    assert ".py" not in answer.text
