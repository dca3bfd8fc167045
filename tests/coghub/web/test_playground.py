"""Forms of models: what is checked, who may run, what a page is told while it runs."""

import json
import re

import pytest
from played_prediction import Play

from coghub.domain.model import Visibility
from coghub.domain.prediction import Source, Status

ONE = f"/alice/paint/versions/{'a' * 64}"


@pytest.fixture
async def public(hub, alice, model):
    return await hub.models.change(alice, "alice", "paint", {"visibility": Visibility.PUBLIC})


async def test_the_check_says_what_the_api_would_say(browser, model):
    alice = await browser("alice")

    bad = await alice.send(f"{ONE}/check", {"input": {"steps": 99, "style": "x", "image": "a"}})
    good = await alice.send(f"{ONE}/check", {"input": {"image": "https://a.b/c"}})

    assert {it["field"]: it["description"] for it in bad.json()["fields"]} == {
        "input.steps": "Must be less than or equal to 9",
        "input.style": 'style must be one of the following: "oil", "ink"',
        "input.image": "Does not match format 'uri'",
    }
    assert good.json() == {"fields": []}


async def test_a_run_makes_a_prediction_of_the_page(browser, hub, model):
    alice = await browser("alice")

    done = await alice.send(f"{ONE}/run", {"input": {"image": "https://a.b/c"}})

    made = await hub.predictions.find(done.json()["id"])
    assert done.status_code == 201
    assert made.source is Source.WEB
    assert "prediction-run" in done.json()["html"]
    assert f"_p={made.id}" not in done.json()["html"]
    page = await alice.get(f"/alice/paint?_p={made.id}")
    assert f"/p/{made.id}/events" in page.text


async def test_a_run_that_does_not_fit_names_the_fields(browser, model):
    alice = await browser("alice")

    done = await alice.send(f"{ONE}/run", {"input": {"steps": 0}})

    assert done.status_code == 422
    assert {it["field"] for it in done.json()["invalid_fields"]} == {"input", "input.steps"}


@pytest.mark.parametrize("body", ["", "[]", "{", '{"input": 3}', '{"other": {}}'])
async def test_a_body_that_is_none_is_refused(browser, model, body):
    alice = await browser("alice")
    headers = {
        "sec-fetch-site": "same-origin",
        "x-csrf-token": alice.csrf,
        "content-type": "application/json",
    }

    done = await alice.client("POST", f"{ONE}/run", content=body, headers=headers)

    assert done.status_code in {400, 422}
    assert done.headers["content-type"] == "application/problem+json"


async def test_strangers_run_where_a_setting_allows_it(browser, hub, public):
    body = {"input": {"image": "https://a.b/c"}}
    closed, opened = await browser(), await browser(allow_anonymous=True)

    refused = await closed.send(f"{ONE}/run", body)
    done = await opened.send(f"{ONE}/run", body)

    assert refused.status_code == 401
    assert done.status_code == 201
    canceled = await opened.send(f"/p/{done.json()['id']}/cancel", {})
    assert canceled.json() == {"status": "canceled"}


async def test_a_script_of_another_session_makes_nothing(browser, hub, model):
    alice, other = await browser("alice"), await browser("alice")
    alice.csrf = other.csrf

    done = await alice.send(f"{ONE}/run", {"input": {"image": "https://a.b/c"}})

    assert done.status_code == 403
    page = await hub.predictions.page(await hub.accounts.get("alice"))
    assert page.items == []


async def test_an_upload_is_shown_to_its_owner_and_stays_with_the_prediction(
    browser, hub, model, bob
):
    alice = await browser("alice")
    files = {"content": ("a b.png", b"\x89PNG", "image/png")}
    headers = {"sec-fetch-site": "same-origin", "x-csrf-token": alice.csrf}

    up = await alice.client("POST", "/uploads", files=files, headers=headers)

    url = up.json()["url"]
    path = "/uploads/" + url.rpartition("/")[2]
    assert url.startswith("http://hub.test/v1/files/")
    assert (await alice.get(path)).content == b"\x89PNG"
    assert (await (await browser("bob")).get(path)).status_code == 404
    done = await alice.send(f"{ONE}/run", {"input": {"image": url}})
    page = await alice.get(f"/p/{done.json()['id']}")
    shown = re.search(r'<img src="(/p/\w+/inputs/\w+)"', page.text)[1]
    assert (await alice.get(shown)).content == b"\x89PNG"
    assert (await (await browser("bob")).get(shown)).status_code == 404
    file = await hub.files.find(url.rpartition("/")[2])
    assert file.expires_at.year == 9999


async def events(visitor, path, **headers):
    answer = await visitor.get(path, headers=headers)
    found = re.findall(r"event: (\w+)\nid: (\d+)\ndata: (.*)\n", answer.text)
    return [(name, int(number), json.loads(content)) for name, number, content in found]


async def test_a_page_is_told_everything_in_order(browser, hub, model):
    alice = await browser("alice")
    made = (await alice.send(f"{ONE}/run", {"input": {"image": "https://a.b/c"}})).json()
    play = await Play(hub, made["id"]).start()
    await play.log("one\n")
    await play.output(await play.file(name="a.png"), index=0)
    await play.log("two\n")
    await play.end()

    told = await events(alice, f"/p/{made['id']}/events")
    later = await events(alice, f"/p/{made['id']}/events", **{"last-event-id": "1"})

    assert [name for name, _, _ in told] == ["status", "logs", "output", "end"]
    assert told[1][2] == "one\ntwo\n"
    assert 'src="/files/' in told[2][2]["html"]
    assert "Save as example" in told[3][2]["html"]
    assert [content for name, _, content in later if name == "logs"] == ["two\n"]


async def test_pieces_of_a_text_are_told_as_text(browser, hub, model, monkeypatch):
    output = {"type": "array", "x-cog-array-display": "concatenate", "items": {"type": "string"}}
    alice = await browser("alice")
    made = (await alice.send(f"{ONE}/run", {"input": {"image": "https://a.b/c"}})).json()
    version = (await hub.predictions.find(made["id"])).version
    monkeypatch.setitem(version.openapi_schema["components"]["schemas"], "Output", output)
    play = await Play(hub, made["id"]).start()
    await play.output("<b>Hello", index=0)
    await play.output(" there", index=1)
    await play.end()

    told = await events(alice, f"/p/{made['id']}/events")

    texts = [content for name, _, content in told if name == "text"]
    assert texts == [{"text": "<b>Hello there", "isFirst": True}]
    assert "&lt;b&gt;Hello there" in told[-1][2]["html"]


async def test_a_failure_is_told_with_its_reason(browser, hub, model):
    alice = await browser("alice")
    made = (await alice.send(f"{ONE}/run", {"input": {"image": "https://a.b/c"}})).json()
    play = await Play(hub, made["id"]).start()
    await play.end(Status.FAILED, "it broke <script>alert(1)</script>")

    html = (await events(alice, f"/p/{made['id']}/events"))[-1][2]["html"]

    assert "it broke &lt;script&gt;" in html
    assert "Save as example" not in html


async def test_cancel_is_for_whom_it_belongs_to(browser, hub, model, bob):
    alice = await browser("alice")
    made = (await alice.send(f"{ONE}/run", {"input": {"image": "https://a.b/c"}})).json()

    refused = await (await browser("bob")).send(f"/p/{made['id']}/cancel", {})
    done = await alice.send(f"/p/{made['id']}/cancel", {})

    assert refused.status_code == 404
    assert done.json() == {"status": "canceled"}
    assert (await alice.send(f"/p/{made['id']}/cancel", {})).json() == {"status": "canceled"}


async def test_a_prediction_is_deleted_with_what_was_uploaded_for_it_alone(
    browser, hub, model, bob
):
    alice = await browser("alice")
    headers = {"sec-fetch-site": "same-origin", "x-csrf-token": alice.csrf}
    files = {"content": ("a.png", b"\x89PNG", "image/png")}
    up = await alice.client("POST", "/uploads", files=files, headers=headers)
    url = up.json()["url"]
    made = [(await alice.send(f"{ONE}/run", {"input": {"image": url}})).json() for _ in range(2)]
    paths = [f"/p/{it['id']}/delete" for it in made]
    early = await alice.post(paths[0])
    for it in made:
        play = await Play(hub, it["id"]).start()
        await play.output([await play.file(b"made", "b.png")])
        await play.end()
    await alice.post(f"/p/{made[0]['id']}/example")

    strange = await (await browser("bob")).post(paths[0])
    done = await alice.post(paths[0])

    assert (early.status_code, strange.status_code, done.status_code) == (409, 404, 303)
    page = (await alice.get(f"/p/{made[0]['id']}")).text
    assert "were removed" in page
    assert "/files/" not in page
    assert await hub.examples.of_model(model) == []
    file_id = url.rpartition("/")[2]
    assert (await hub.files.find(file_id)).expires_at.year == 9999
    await alice.post(paths[1])
    await hub.files.expire()
    assert (await alice.get(f"/uploads/{file_id}")).status_code == 404


async def test_an_example_is_kept_when_others_lose_their_data(browser, hub, alice, model):
    visitor = await browser("alice")
    made = (await visitor.send(f"{ONE}/run", {"input": {"image": "https://a.b/c"}})).json()
    path = f"/p/{made['id']}/example"
    early = await visitor.post(path)
    await (await Play(hub, made["id"]).start()).end()

    added = await visitor.post(path)
    once_more = await visitor.post(path)

    assert (early.status_code, added.status_code, once_more.status_code) == (422, 303, 303)
    assert len(await hub.examples.of_model(model)) == 1
    await visitor.post(path, remove="1")
    assert await hub.examples.of_model(model) == []
