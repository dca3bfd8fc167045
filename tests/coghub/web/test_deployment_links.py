"""Where pages say by which deployment something runs, and to whom."""

import pytest

from coghub.database import deployments as rows
from coghub.domain.deployment import Configuration
from coghub.domain.live import LiveInstance
from coghub.domain.model import Visibility
from coghub.domain.prediction import End, Status
from coghub.predictions.predictions import Order

ONE = "/deployments/alice/greeter"
LINK = f'href="{ONE}"'


@pytest.fixture
def run(hub, greeter):
    """Make a prediction by the deployment."""

    async def made(account):
        target = await hub.deployments.target(account, "alice", "greeter")
        order = Order(
            target.model,
            target.version,
            {"image": "https://hub.test/a.png"},
            "http://hub.test",
            deployment=target.deployment,
        )
        return await hub.predictions.create(account, order)

    return made


async def test_a_prediction_names_the_deployment_that_it_was_made_by(browse, run, alice):
    made = await run(alice)

    assert LINK in (await browse(f"/p/{made.id}", "alice")).text
    assert LINK in (await browse("/predictions", "alice")).text


async def test_predictions_are_listed_by_deployment(browse, run, hub, alice):
    made = await run(alice)
    model = await hub.models.get(alice, "alice", "paint")
    order = Order(model, made.version, made.input, "http://hub.test")
    other = await hub.predictions.create(alice, order)

    of_it = (await browse("/predictions?deployment=alice/greeter", "alice")).text
    of_none = (await browse("/predictions?deployment=alice/nothing", "alice")).text

    assert made.id in of_it
    assert other.id not in of_it
    assert "No prediction fits" in of_none


async def test_a_deployment_that_is_gone_is_named_without_a_link(browse, run, hub, greeter, alice):
    made = await run(alice)
    await hub.predictions.end(made.id, End(Status.CANCELED))
    await hub.database.write(lambda c: rows.remove(c, greeter.id))  # it was used a moment ago

    page = (await browse(f"/p/{made.id}", "alice")).text

    assert LINK not in page
    assert "greeter, which is gone" in page
    assert LINK not in (await browse("/predictions", "alice")).text


async def test_an_example_does_not_tell_strangers_of_the_deployment(browse, run, hub, alice, bob):
    made = await run(alice)
    await hub.predictions.end(made.id, End(Status.SUCCEEDED))
    await hub.examples.add(await hub.predictions.find(made.id))
    await hub.models.change(alice, "alice", "paint", {"visibility": Visibility.PUBLIC})

    for name in ("bob", None):
        page = await browse(f"/p/{made.id}", name)

        assert page.status_code == 200
        assert "greeter" not in page.text


async def test_a_model_names_the_visitors_own_deployments_of_it(browse, greeter, hub, alice, bob):
    await hub.models.change(alice, "alice", "paint", {"visibility": Visibility.PUBLIC})

    for path in ("", "/versions", "/settings"):
        assert LINK in (await browse(f"/alice/paint{path}", "alice")).text
    assert "greeter" not in (await browse("/alice/paint", "bob")).text
    assert "greeter" not in (await browse("/alice/paint")).text


async def test_a_version_leads_to_the_form_that_deploys_it(browse, model):
    page = (await browse("/alice/paint/versions", "alice")).text
    link = f"/deployments/new?model=alice/paint&version={'a' * 64}"

    assert link.replace("&", "&amp;") in page
    form = (await browse(link, "alice")).text
    assert 'value="alice/paint"' in form
    assert f'value="{"a" * 64}"' in form


async def test_the_dashboard_tells_what_waits_and_runs_for_a_deployment(
    browse, run, hub, alice, greeter
):
    await run(alice)

    assert LINK in (await browse("/dashboard", "alice")).text


async def test_who_deploys_anothers_model_sees_the_queue_of_it(browse, hub, model, alice, bob):
    await hub.models.change(alice, "alice", "paint", {"visibility": Visibility.PUBLIC})
    made = await hub.deployments.create(
        bob,
        "own",
        model="alice/paint",
        version_id="a" * 64,
        configuration=Configuration("cpu", 0, 2),
    )
    target = await hub.deployments.target(bob, "bob", "own")
    given = {"image": "https://hub.test/a.png"}
    order = Order(target.model, target.version, given, "http://hub.test", deployment=made)
    await hub.predictions.create(bob, order)

    assert 'href="/deployments/bob/own"' in (await browse("/dashboard", "bob")).text
    of_owner = (await browse("/dashboard", "alice")).text
    assert "alice/paint" in of_owner
    assert "bob/own" not in of_owner


async def test_a_deployment_shows_how_many_instances_it_has_now(browse, hub, greeter):
    async def live():
        return [
            LiveInstance("a", 2, 1, None, deployment_id=greeter.id),
            LiveInstance("b", 1, 1, None, deployment_id=greeter.id),
            LiveInstance("c", 1, 1, None),
        ]

    hub.live.instances = live

    assert "2 instances, 2 running" in (await browse(ONE, "alice")).text
