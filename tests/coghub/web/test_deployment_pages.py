"""Pages of deployments: listed, made, changed, rolled back, deleted."""

import pytest

from coghub.domain.deployment import Configuration


@pytest.fixture
async def owner(browser, model):
    return await browser("alice")


def form(**other):
    return {
        "name": "painter",
        "model": "alice/paint",
        "version": "",
        "hardware": "cpu",
        "min_instances": "0",
        "max_instances": "3",
        **other,
    }


ONE = "/deployments/alice/greeter"


async def test_a_version_is_deployed_by_a_form(owner, hub, alice):
    assert "You have deployed nothing yet" in (await owner.get("/deployments")).text
    assert 'value="alice/paint"' in (await owner.get("/deployments/new?model=alice/paint")).text

    done = await owner.post("/deployments/new", **form())

    assert done.headers["location"] == "/deployments/alice/painter"
    made = await hub.deployments.get(alice, "alice", "painter")
    assert made.current_release.version_id == "a" * 64
    assert made.current_release.configuration == Configuration("cpu", 0, 3)
    assert 'href="/deployments/alice/painter"' in (await owner.get("/deployments")).text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "No Name"}, "name: Use lowercase"),
        ({"model": "alice/nothing"}, "No model named"),
        ({"model": "<script>"}, "No model named"),
        ({"version": "x"}, "no such version"),
        ({"hardware": "gpu-none"}, "hardware must be one of"),
        ({"min_instances": "many"}, "is not a number of instances"),
        ({"max_instances": "21"}, "max_instances: Must be less"),
    ],
)
async def test_a_form_that_cannot_be_is_shown_again(owner, change, said):
    answer = await owner.post("/deployments/new", **form(**change))

    assert answer.status_code == 422
    assert said in answer.text
    assert "<script>" not in answer.text.partition("<main")[2]


async def test_a_change_is_a_release_and_can_be_rolled_back(owner, hub, alice, greeter):
    changed = await owner.post(ONE, do="release", **form(max_instances="7"))
    assert changed.headers["location"] == f"{ONE}?saved=release"
    page = await owner.get(ONE)
    assert "0 to 7" in page.text
    assert "Roll back" in page.text

    back = await owner.post(ONE, do="roll back", number="1")

    assert back.status_code == 303
    current = (await hub.deployments.get(alice, "alice", "greeter")).current_release
    assert (current.number, current.configuration.max_instances) == (3, 2)


@pytest.mark.parametrize(
    "fields",
    [
        {"do": "roll back", "number": "9"},
        {"do": "roll back", "number": "x"},
        {"do": "nonsense"},
        {},
        {"do": "release"},
    ],
)
async def test_what_cannot_be_is_said(owner, greeter, hub, alice, fields):
    answer = await owner.post(ONE, **fields)

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert (await hub.deployments.get(alice, "alice", "greeter")).current_release.number == 1


async def test_one_that_keeps_instances_is_not_deleted(owner, greeter, hub, alice):
    await hub.deployments.change(alice, "alice", "greeter", {"min_instances": 1})
    refused = await owner.post(ONE, do="delete")
    assert "Instances are kept for it" in refused.text

    await hub.deployments.change(alice, "alice", "greeter", {"min_instances": 0})
    assert (await owner.post(ONE, do="delete")).headers["location"] == "/deployments?saved=deleted"


async def test_others_do_not_see_it(browse, browser, bob, greeter):
    assert (await browse(ONE, "bob")).status_code == 404
    assert (await (await browser("bob")).post(ONE, do="delete")).status_code == 404
    assert "greeter" not in (await browse("/deployments", "bob")).text
    assert (await browse("/deployments")).headers["location"] == "/login?next=%2Fdeployments"


async def test_a_form_of_another_session_is_refused(owner, greeter, hub, alice):
    owner.csrf = "other"
    answer = await owner.post(ONE, do="delete")

    assert answer.status_code == 403
    assert await hub.deployments.get(alice, "alice", "greeter")
