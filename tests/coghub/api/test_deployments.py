"""Deployments over HTTP: made, changed in releases, run, deleted."""

import pytest

V1, V2 = "a" * 64, "b" * 64


@pytest.fixture
async def versions(model, push):
    return [await push(model, "a"), await push(model, "b")]


def body(**other):
    return {
        "name": "greeter",
        "model": "alice/hello",
        "version": V1,
        "hardware": "cpu",
        "min_instances": 0,
        "max_instances": 2,
        **other,
    }


@pytest.fixture
async def greeter(as_alice, versions):
    answer = await as_alice("POST", "/v1/deployments", json=body())
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_new_deployment_has_every_field_that_clients_read(greeter):
    release = greeter["current_release"]
    assert release.pop("created_at").endswith("Z")
    assert greeter == {
        "owner": "alice",
        "name": "greeter",
        "current_release": {
            "number": 1,
            "model": "alice/hello",
            "version": V1,
            "created_by": {
                "type": "user",
                "username": "alice",
                "name": "alice",
                "avatar_url": None,
                "github_url": None,
            },
            "configuration": {"hardware": "cpu", "min_instances": 0, "max_instances": 2},
        },
    }


async def test_deployments_are_listed_and_found(as_alice, greeter):
    page = (await as_alice("GET", "/v1/deployments")).json()

    assert page == {"previous": None, "next": None, "results": [greeter]}
    assert (await as_alice("GET", "/v1/deployments/alice/greeter")).json() == greeter


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_others_deployments_do_not_exist(as_bob, greeter, method):
    answer = await as_bob(method, "/v1/deployments/alice/greeter", json={})

    assert answer.status_code == 404
    assert answer.json()["code"] == "deployment-not-found"
    assert (await as_bob("GET", "/v1/deployments")).json()["results"] == []


async def test_strangers_have_none(as_nobody, greeter):
    assert (await as_nobody("GET", "/v1/deployments")).status_code == 401
    assert (await as_nobody("POST", "/v1/deployments", json=body())).status_code == 401


@pytest.mark.parametrize(
    ("change", "kind", "field"),
    [
        ({"hardware": "gpu-nothing"}, "enum", "hardware"),
        ({"min_instances": -1}, "number_gte", "min_instances"),
        ({"min_instances": 6, "max_instances": 20}, "number_lte", "min_instances"),
        ({"max_instances": 21}, "number_lte", "max_instances"),
        ({"min_instances": 1, "max_instances": 0}, "number_gte", "max_instances"),
        ({"name": "No Name"}, "pattern", "name"),
        ({"max_instances": "2"}, "invalid_type", "max_instances"),
    ],
)
async def test_a_field_that_cannot_be_is_named(as_alice, versions, change, kind, field):
    answer = await as_alice("POST", "/v1/deployments", json=body(**change))

    assert answer.status_code == 422
    assert [(it["type"], it["field"]) for it in answer.json()["invalid_fields"]] == [(kind, field)]
    assert (await as_alice("GET", "/v1/deployments")).json()["results"] == []


@pytest.mark.parametrize(
    "change", [{"version": "c" * 64}, {"model": "alice/nothing"}, {"model": "nonsense"}]
)
async def test_a_version_that_is_not_there_is_refused(as_alice, versions, change):
    answer = await as_alice("POST", "/v1/deployments", json=body(**change))

    assert answer.status_code == 422
    assert answer.json()["code"] == "version-not-permitted"


async def test_a_private_version_of_others_is_refused(as_bob, versions):
    answer = await as_bob("POST", "/v1/deployments", json=body())

    assert answer.json()["code"] == "version-not-permitted"


async def test_a_name_is_taken_once_by_each_owner(as_alice, as_bob, greeter, push, public_model):
    await push(public_model, "e")
    again = body(model="alice/open", version="e" * 64)

    assert (await as_alice("POST", "/v1/deployments", json=again)).status_code == 409
    assert (await as_bob("POST", "/v1/deployments", json=again)).status_code == 201


async def test_a_change_is_a_release(as_alice, greeter):
    change = {"version": V2, "max_instances": 5}
    answer = await as_alice("PATCH", "/v1/deployments/alice/greeter", json=change)

    assert answer.status_code == 200
    release = answer.json()["current_release"]
    assert release["number"] == 2
    assert release["version"] == V2
    assert release["configuration"] == {
        "hardware": "cpu",
        "min_instances": 0,
        "max_instances": 5,
    }


async def test_a_change_of_nothing_is_no_release(as_alice, greeter):
    answer = await as_alice("PATCH", "/v1/deployments/alice/greeter", json={})

    assert answer.json() == greeter


async def test_a_model_alone_is_deployed_in_its_latest_version(as_alice, greeter, hub, push, alice):
    other = await hub.models.create(alice, "alice", "other")
    await push(other, "d")

    change = {"model": "alice/other"}
    answer = await as_alice("PATCH", "/v1/deployments/alice/greeter", json=change)

    assert answer.json()["current_release"]["model"] == "alice/other"
    assert answer.json()["current_release"]["version"] == "d" * 64


async def test_a_change_that_cannot_be_changes_nothing(as_alice, greeter):
    change = {"min_instances": 3, "max_instances": 1}
    answer = await as_alice("PATCH", "/v1/deployments/alice/greeter", json=change)

    assert answer.status_code == 422
    assert (await as_alice("GET", "/v1/deployments/alice/greeter")).json() == greeter


PREDICTIONS = "/v1/deployments/alice/greeter/predictions"


async def test_a_prediction_is_of_what_the_deployment_runs_now(as_alice, greeter):
    await as_alice("PATCH", "/v1/deployments/alice/greeter", json={"version": V2})
    answer = await as_alice("POST", PREDICTIONS, json={"input": {"text": "hi"}})

    assert answer.status_code == 201
    made = answer.json()
    assert (made["deployment"], made["model"], made["version"]) == ("greeter", "alice/hello", V2)
    found = (await as_alice("GET", f"/v1/predictions/{made['id']}")).json()
    assert found["deployment"] == "greeter"
    listed = (await as_alice("GET", "/v1/predictions")).json()["results"]
    assert [it["id"] for it in listed] == [made["id"]]


async def test_other_predictions_have_no_deployment(as_alice, greeter):
    answer = await as_alice("POST", "/v1/predictions", json={"version": V1, "input": {"text": "x"}})

    assert "deployment" not in answer.json()


async def test_an_input_that_does_not_fit_is_refused(as_alice, greeter):
    answer = await as_alice("POST", PREDICTIONS, json={"input": {"count": 3}})

    assert answer.status_code == 422
    assert answer.json()["code"] == "input-rejected"


async def test_one_that_is_switched_off_runs_nothing(as_alice, greeter):
    await as_alice("PATCH", "/v1/deployments/alice/greeter", json={"max_instances": 0})
    answer = await as_alice("POST", PREDICTIONS, json={"input": {"text": "hi"}})

    assert answer.status_code == 409
    assert "switched off" in answer.json()["detail"]


async def test_others_run_nothing_by_it(as_bob, greeter):
    answer = await as_bob("POST", PREDICTIONS, json={"input": {"text": "hi"}})

    assert answer.status_code == 404


async def test_what_nobody_uses_is_deleted(as_alice, greeter):
    answer = await as_alice("DELETE", "/v1/deployments/alice/greeter")

    assert (answer.status_code, answer.content) == (204, b"")
    assert (await as_alice("GET", "/v1/deployments/alice/greeter")).status_code == 404


async def test_what_was_used_lately_is_not_deleted(as_alice, greeter):
    made = (await as_alice("POST", PREDICTIONS, json={"input": {"text": "hi"}})).json()
    await as_alice("POST", f"/v1/predictions/{made['id']}/cancel")

    answer = await as_alice("DELETE", "/v1/deployments/alice/greeter")

    assert answer.status_code == 409
    assert "15 minutes" in answer.json()["detail"]


async def test_a_version_that_is_deployed_is_not_deleted(as_alice, greeter):
    refused = await as_alice("DELETE", f"/v1/models/alice/hello/versions/{V1}")
    assert refused.status_code == 409

    await as_alice("PATCH", "/v1/deployments/alice/greeter", json={"version": V2})
    deleted = await as_alice("DELETE", f"/v1/models/alice/hello/versions/{V1}")
    assert deleted.status_code in {202, 204}


async def test_pages_lead_to_every_deployment_and_back(as_alice, as_bob, versions):
    names = [f"many-{number:03}" for number in range(105)]
    for name in names:
        await as_alice("POST", "/v1/deployments", json=body(name=name))

    first = (await as_alice("GET", "/v1/deployments")).json()
    second = (await as_alice("GET", first["next"])).json()

    assert [len(it["results"]) for it in (first, second)] == [100, 5]
    assert [it["name"] for page in (first, second) for it in page["results"]] == names[::-1]
    assert second["next"] is None
    assert (await as_alice("GET", second["previous"])).json() == {**first, "previous": None}
    assert (await as_bob("GET", first["next"])).json()["results"] == []


@pytest.mark.parametrize("cursor", ["nonsense", "%00", "bm8", "biAxIGFiYw=="])
async def test_a_cursor_that_is_none_is_refused(as_alice, cursor):
    answer = await as_alice("GET", f"/v1/deployments?cursor={cursor}")

    assert (answer.status_code, answer.json()["detail"]) == (400, "Invalid cursor")
