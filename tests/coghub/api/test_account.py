"""Who asks, under which prefix, and how refusals look."""

import pytest


@pytest.mark.parametrize("prefix", ["", "/v1", "/v1/v1"])
async def test_the_three_prefixes_are_equal(as_alice, prefix):
    answer = await as_alice("GET", f"{prefix}/account")

    assert answer.status_code == 200
    assert answer.json() == {
        "type": "user",
        "username": "alice",
        "name": "alice",
        "github_url": None,
    }


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "Token", "token"])
async def test_both_schemes_are_taken_in_any_case(as_alice, scheme):
    token = as_alice.http.headers["authorization"].split()[1]

    answer = await as_alice("GET", "/v1/account", headers={"authorization": f"{scheme} {token}"})

    assert answer.status_code == 200


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer", "Basic YTpi", "Bearer \u00e9"])
async def test_a_bad_token_is_told_as_replicate_tells_it(as_nobody, header):
    headers = {"authorization": header.encode("latin-1")}

    answer = await as_nobody("GET", "/v1/account", headers=headers)

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.content.endswith(b"}\n")
    problem = answer.json()
    assert problem["title"] == "Unauthenticated"
    assert problem["detail"] == "You did not pass a valid authentication token"
    assert problem["status"] == 401


async def test_no_token_is_told_as_such(as_nobody):
    answer = await as_nobody("GET", "/v1/account")

    assert answer.status_code == 401
    assert answer.json()["detail"] == "You did not pass an authentication token"


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1", "/v1/", "/v1/account/"])
async def test_what_is_not_there_is_a_problem_too(as_alice, path):
    answer = await as_alice("GET", path)

    assert answer.status_code == 404
    assert answer.json() == {"detail": "The requested resource could not be found.", "status": 404}


async def test_a_wrong_method_names_the_right_ones(as_alice):
    answer = await as_alice("PUT", "/v1/account")

    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
    assert answer.json()["status"] == 405


async def test_answers_tell_how_many_requests_are_left(as_alice):
    answer = await as_alice("GET", "/v1/account")

    assert answer.headers["ratelimit-remaining"] == "3000"
    assert answer.headers["ratelimit-reset"] == "1"


async def test_hardware_is_a_bare_list(as_alice):
    answer = await as_alice("GET", "/v1/hardware")

    assert {"sku": "cpu", "name": "CPU"} in answer.json()


async def test_the_webhook_secret_is_the_accounts_own(as_alice, as_bob):
    first = (await as_alice("GET", "/v1/webhooks/default/secret")).json()
    again = (await as_alice("GET", "/v1/webhooks/default/secret")).json()
    others = (await as_bob("GET", "/v1/webhooks/default/secret")).json()

    assert first["key"].startswith("whsec_")
    assert first == again != others


async def test_a_mistake_of_ours_is_told_by_an_id(as_nobody, hub, monkeypatch, capsys):
    async def broken(key):
        raise RuntimeError("ours")

    monkeypatch.setattr(type(hub.predictions), "by_stream_key", lambda self, key: broken(key))

    answer = await as_nobody("GET", "/v1/streams/any")

    assert answer.status_code == 500
    assert answer.headers["x-should-retry"] == "false"
    error_id = answer.json()["detail"].rpartition(" ")[2]
    written = "".join(capsys.readouterr())
    assert error_id in written
    assert "RuntimeError: ours" in written
