"""Models over HTTP: made, listed in pages, changed, searched, removed."""

import pytest
from hub_client import Client

from coghub.app import asgi
from coghub.domain.model import Visibility
from coghub.opening import open_hub

NEW = {"owner": "alice", "name": "hello", "visibility": "private", "hardware": "cpu"}


async def test_a_new_model_has_every_field_that_clients_read(as_alice):
    answer = await as_alice("POST", "/v1/models", json={**NEW, "description": "It greets"})

    assert answer.status_code == 201
    model = answer.json()
    created_at = model.pop("created_at")
    assert created_at.endswith("Z")
    assert model == {
        "url": "http://hub.test/alice/hello",
        "owner": "alice",
        "name": "hello",
        "description": "It greets",
        "visibility": "private",
        "is_official": False,
        "github_url": None,
        "paper_url": None,
        "license_url": None,
        "weights_url": None,
        "cover_image_url": None,
        "run_count": 0,
        "default_example": None,
        "latest_version": None,
    }


@pytest.mark.parametrize(
    ("change", "kind", "field"),
    [
        ({"hardware": "gpu-nothing"}, "enum", "hardware"),
        ({"visibility": "secret"}, "enum", "visibility"),
        ({"name": 7}, "invalid_type", "name"),
        ({"color": "red"}, "additional_property_not_allowed", ""),
        ({"github_url": "javascript:alert(1)"}, "format", "github_url"),
    ],
)
async def test_a_field_that_cannot_be_is_named(as_alice, change, kind, field):
    answer = await as_alice("POST", "/v1/models", json={**NEW, **change})

    assert answer.status_code == 422
    problem = answer.json()
    assert problem["title"] == "Input validation failed"
    assert [(it["type"], it["field"]) for it in problem["invalid_fields"]] == [(kind, field)]
    assert problem["detail"].startswith("- ")


async def test_a_missing_field_is_named(as_alice):
    answer = await as_alice("POST", "/v1/models", json={"owner": "alice"})

    assert answer.status_code == 422
    assert answer.json()["detail"] == "- name is required\n"


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 422),
        (b'{"owner": NaN}', 400),
        (b"[]", 422),
        (b"", 422),
        (b'"' + b"x" * 2 * 1024**2 + b'"', 413),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(as_alice, content, status):
    answer = await as_alice("POST", "/v1/models", content=content)

    assert answer.status_code == status
    assert answer.json()["status"] == status


async def test_a_taken_name_is_a_conflict_that_clients_do_not_repeat(as_alice, model):
    answer = await as_alice("POST", "/v1/models", json=NEW)

    assert answer.status_code == 409
    assert answer.headers["x-should-retry"] == "false"


async def test_nobody_makes_models_of_others(as_bob, alice):
    answer = await as_bob("POST", "/v1/models", json=NEW)

    assert answer.status_code == 403


async def test_a_private_model_does_not_exist_for_strangers(as_alice, as_bob, model, push):
    version = await push(model)
    base = "/v1/models/alice/hello"

    assert (await as_alice("GET", base)).status_code == 200
    for path in ("", "/readme", "/examples", "/versions", f"/versions/{version.id}"):
        assert (await as_bob("GET", base + path)).status_code == 404
    assert (await as_bob("PATCH", base, json={"description": "mine"})).status_code == 404
    assert (await as_bob("DELETE", base)).status_code == 404
    assert (await as_bob("DELETE", f"{base}/versions/{version.id}")).status_code == 404
    assert (await as_bob("GET", "/v1/models")).json()["results"] == []


async def test_strangers_read_nothing_unless_the_hub_lets_them(as_nobody, public_model):
    for path in ("/v1/models", "/v1/models/alice/open", "/v1/hardware", "/v1/predictions"):
        assert (await as_nobody("GET", path)).status_code == 401


async def test_strangers_read_public_models_where_the_hub_lets_them(settings_of, tmp_path):
    async with open_hub(settings_of(tmp_path / "open", allow_anonymous=True)) as hub:
        alice = await hub.accounts.create("alice")
        await hub.models.create(alice, "alice", "open", visibility=Visibility.PUBLIC)
        await hub.models.create(alice, "alice", "hidden")
        ask = Client(asgi(hub))

        listed = (await ask("GET", "/v1/models")).json()["results"]

        assert [model["name"] for model in listed] == ["open"]
        assert (await ask("GET", "/v1/models/alice/open/versions")).status_code == 200
        assert (await ask("GET", "/alice/open")).status_code == 200
        assert "alice/open" in (await ask("GET", "/")).text
        assert (await ask("GET", "/v1/models/alice/hidden")).status_code == 404
        assert (await ask("GET", "/alice/hidden")).status_code == 404
        body = {"input": {}}
        assert (
            await ask("POST", "/v1/models/alice/open/predictions", json=body)
        ).status_code == 401
        assert (await ask("GET", "/v1/predictions")).status_code == 401
        wrong = {"authorization": "Bearer wrong"}
        assert (await ask("GET", "/v1/models", headers=wrong)).status_code == 401


async def test_a_change_leaves_what_it_does_not_name(as_alice, model):
    await as_alice("PATCH", "/v1/models/alice/hello", json={"description": "A", "readme": "# B"})

    answer = await as_alice(
        "PATCH", "/v1/models/alice/hello", json={"description": None, "paper_url": "https://a.b/c"}
    )

    assert answer.status_code == 200
    assert answer.json()["description"] is None
    assert answer.json()["paper_url"] == "https://a.b/c"
    readme = await as_alice("GET", "/v1/models/alice/hello/readme")
    assert readme.text == "# B"
    assert readme.headers["content-type"] == "text/plain; charset=utf-8"


async def test_no_readme_is_not_found(as_alice, model):
    assert (await as_alice("GET", "/v1/models/alice/hello/readme")).status_code == 404


async def test_a_change_of_what_cannot_be_changed_is_refused(as_alice, model):
    answer = await as_alice("PATCH", "/v1/models/alice/hello", json={"owner": "bob"})

    assert answer.status_code == 422


async def test_only_private_models_without_versions_are_deleted(
    as_alice, model, public_model, push
):
    await push(model)

    assert (await as_alice("DELETE", "/v1/models/alice/hello")).status_code == 409
    assert (await as_alice("DELETE", "/v1/models/alice/open")).status_code == 409
    await as_alice("DELETE", f"/v1/models/alice/hello/versions/{'a' * 64}")
    assert (await as_alice("DELETE", "/v1/models/alice/hello")).status_code == 204
    assert (await as_alice("GET", "/v1/models/alice/hello")).status_code == 404


@pytest.fixture
async def many(hub, alice):
    for number in range(60):
        await hub.models.create(alice, "alice", f"model-{number:02}", visibility=Visibility.PUBLIC)


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize("order", ["model_created_at", "latest_version_created_at"])
async def test_pages_lead_to_every_model_and_back(as_alice, many, order, direction):
    query = f"sort_by={order}&sort_direction={direction}"
    pages = [(await as_alice("GET", f"/v1/models?{query}")).json()]
    while pages[-1]["next"]:
        assert pages[-1]["next"].startswith("http://hub.test/v1/models?sort_by=")
        pages.append((await as_alice("GET", pages[-1]["next"])).json())

    names = [model["name"] for page in pages for model in page["results"]]
    expected = [f"model-{number:02}" for number in range(60)]
    assert names == (expected if direction == "asc" else expected[::-1])
    assert [len(page["results"]) for page in pages] == [25, 25, 10]

    second = (await as_alice("GET", pages[2]["previous"])).json()
    first = (await as_alice("GET", second["previous"])).json()
    assert second["results"] == pages[1]["results"]
    assert first["results"] == pages[0]["results"]
    assert pages[0]["previous"] is first["previous"] is None


async def test_models_are_sorted_by_their_latest_version_else_by_their_making(
    as_alice, hub, alice, push
):
    made = {}
    for name in ("old", "middle", "new"):
        made[name] = await hub.models.create(alice, "alice", name, visibility=Visibility.PUBLIC)
    await push(made["middle"], "b")
    await push(made["old"], "a")

    async def names(query):
        page = (await as_alice("GET", f"/v1/models{query}")).json()
        return [it["name"] for it in page["results"]]

    assert await names("") == ["old", "middle", "new"]
    assert await names("?sort_direction=asc") == ["new", "middle", "old"]
    assert await names("?sort_by=latest_version_created_at") == ["old", "middle", "new"]
    assert await names("?sort_by=model_created_at") == ["new", "middle", "old"]
    assert await names("?sort_by=model_created_at&sort_direction=asc") == ["old", "middle", "new"]


@pytest.mark.parametrize(
    "query", ["cursor=nonsense", "cursor=%00", "sort_by=name", "sort_direction=up", "cursor=bm8"]
)
async def test_a_list_that_cannot_be_is_refused(as_alice, query):
    answer = await as_alice("GET", f"/v1/models?{query}")

    assert answer.status_code == 400


@pytest.mark.parametrize("body", ["greets", '"greets"', "GREETS people", '"hel greets"'])
async def test_a_search_takes_raw_and_quoted_text(as_alice, hub, alice, body):
    fields = {"description": "It greets people"}
    await hub.models.create(alice, "alice", "hello", visibility=Visibility.PUBLIC, fields=fields)
    await hub.models.create(alice, "alice", "other", visibility=Visibility.PUBLIC)
    await hub.models.create(alice, "alice", "hidden", fields=fields)

    answer = await as_alice("QUERY", "/v1/models", content=body)

    assert [model["name"] for model in answer.json()["results"]] == ["hello"]


async def test_a_search_for_nothing_is_refused(as_alice):
    assert (await as_alice("QUERY", "/v1/models", content='""')).status_code == 400


async def test_a_percent_sign_is_searched_for_as_it_is(as_alice, public_model):
    assert (await as_alice("QUERY", "/v1/models", content="%")).json()["results"] == []


async def test_the_newer_search_finds_public_models_too(as_alice, public_model, model):
    found = (await as_alice("GET", "/v1/search?query=alice")).json()

    assert found["query"] == "alice"
    assert [it["model"]["name"] for it in found["models"]] == ["open"]
    assert found["collections"] == found["pages"] == []


@pytest.mark.parametrize(
    "query", ["", "query=", "query=a&limit=0", "query=a&limit=51", "query=a&limit=x"]
)
async def test_a_newer_search_that_cannot_be_is_refused(as_alice, query):
    assert (await as_alice("GET", f"/v1/search?{query}")).status_code == 400
