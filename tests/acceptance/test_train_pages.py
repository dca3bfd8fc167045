"""Pages of trainings and deployments in a real browser, with `examples/train` on a real hub."""

import json

import pytest
from tests.acceptance import browser
from tests.acceptance.browser import WAIT_MS, Site
from tests.acceptance.conftest import Person
from tests.acceptance.hub_process import HubProcess

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]

LONG = "sorter-of-everything-that-anybody-ever-wrote-to-us-by-mail-or-in-the-chat-since-the-start"
NEW = "/deployments/new?model=OWNER/sorter"
PHONE = {"width": 375, "height": 740}


@pytest.fixture(scope="module")
def site(environ, example, tmp_path_factory):
    path = browser.program()
    if path is None:
        pytest.skip("no Chromium on this machine")
    folder = tmp_path_factory.mktemp("pages")
    whole = {**environ, "HOME": str(folder / "home"), "COGHUB_CPU_INSTANCES": "4"}
    hub = HubProcess(folder / "hub", whole)
    try:
        cog = Person(folder, whole)
        done = cog("login", hub.address, "--token-stdin", stdin=hub.token)
        assert done.returncode == 0, done.stderr
        with browser.launched(path) as chromium:
            made = Site(hub, cog, chromium)
            made.messages = example("train").folder / "messages.csv"
            made.push(made.messages.parent, "sorter")
            yield made
    finally:
        hub.kill()


@pytest.fixture
def visitor(site):
    """Somebody who is signed in."""
    visitor = site.signed_in()
    yield visitor
    visitor.close()


@pytest.fixture(scope="module")
def trained(site):
    """The page of a training that went well, and the id of the version that it made."""
    visitor = site.signed_in()
    page = visitor.model("sorter", "/train")
    page.set_input_files("input[type=file]", site.messages)
    page.wait_for_selector(".field[data-name=messages] :text('messages.csv')")
    page.click("button[data-run]")
    page.wait_for_selector("[data-prediction] .chip.succeeded", timeout=WAIT_MS)
    page.click("text=Its page")
    path = page.url.removeprefix(site.base)
    version_id = page.get_attribute("text=It made version >> a", "href").partition("_v=")[2]
    visitor.close()
    return path, version_id


@pytest.fixture(scope="module")
def deployed(site, trained):
    """Paths of two deployments: one with several releases, and one with a long name."""
    visitor = site.signed_in()
    for name in ("sorting", LONG):
        page = visitor.go(NEW.replace("OWNER", site.owner))
        page.fill("#name", name)
        page.fill("#version", trained[1])
        page.click("text=Deploy >> nth=-1")
        page.wait_for_selector(f"h1:has-text('{site.owner}/{name}')")
    paths = [f"/deployments/{site.owner}/{name}" for name in ("sorting", LONG)]
    page = visitor.go(paths[0])
    page.fill("#max_instances", "2")
    page.click("text=Make a release")
    page.wait_for_selector("text=Release 2 is current")
    visitor.close()
    return paths


def ran(site, path):
    """Run a deployment as its page says, and return the prediction's path."""
    visitor = site.visit()
    answer = visitor.page.request.post(
        f"{site.base}/v1{path}/predictions",
        data=json.dumps({"input": {"text": "Where is my parcel?"}}),
        headers={
            "authorization": f"Bearer {site.hub.token}",
            "content-type": "application/json",
            "prefer": "wait=60",
        },
    ).json()
    assert answer["status"] == "succeeded", answer
    visitor.close()
    return f"/p/{answer['id']}"


def test_pages_of_what_there_is_not_yet_say_what_to_do(site):
    """It must be the first: later there is something."""
    visitor = site.signed_in()

    assert "You have trained nothing yet" in visitor.go("/trainings").inner_text("main")
    assert browser.faults(visitor.page) == []
    assert "You have deployed nothing yet" in visitor.go("/deployments").inner_text("main")
    assert browser.faults(visitor.page) == []
    visitor.page.click("text=Deploy a version")
    visitor.page.wait_for_selector("h1:has-text('Deploy a version')")
    visitor.close()


def test_a_model_is_trained_and_what_came_out_is_run(site, visitor, trained):
    path, version_id = trained
    page = visitor.go(path)
    assert "billing: 71 words" in (page.text_content("[data-prediction] .logs") or "")

    page.click("text=It made version >> a")
    page.fill("#input-text", "Where is my parcel?")
    visitor.run()

    assert version_id in page.url
    assert "delivery" in page.inner_text("[data-prediction] .output")
    assert "sorter" in visitor.go("/trainings").inner_text("table")


def test_a_training_is_begun_by_keyboard_alone(site, visitor):
    page = visitor.model("sorter", "/train")
    assert page.input_value("#destination") == f"{site.owner}/sorter"
    page.focus("#destination")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Choose"
    page.locator(".field[data-name=messages] [inputmode=url]").focus()
    page.keyboard.type("data:text/csv,label,text%0Aa,one%0Ab,two")
    assert page.inner_text(".field[data-name=messages] pre") == "label,text\na,one\nb,two"
    page.keyboard.press("Control+Enter")

    page.wait_for_selector("[data-prediction], prediction-run", timeout=WAIT_MS)


def test_a_deployment_is_changed_and_rolled_back_by_keyboard_alone(site, visitor, deployed):
    page = visitor.go(deployed[0])
    page.focus("#max_instances")
    page.keyboard.press("Control+A")
    page.keyboard.type("3")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Release 3 is current")

    page.focus("text=Roll back to release 2")
    page.keyboard.press("Enter")

    page.wait_for_selector("text=Release 4 is current")
    assert page.input_value("#max_instances") == "2"


def test_a_form_with_a_mistake_keeps_what_was_written(site, visitor):
    page = visitor.go(NEW.replace("OWNER", site.owner))
    page.fill("#name", "No Name")
    page.fill("#max_instances", "7")
    page.click("text=Deploy >> nth=-1")

    page.wait_for_selector("[role=alert]")
    assert page.input_value("#name") == "No Name"
    assert page.input_value("#max_instances") == "7"
    assert browser.faults(page) == []


def test_what_a_deployment_ran_is_found_from_its_page_and_leads_back(site, visitor, deployed):
    made = ran(site, deployed[0])

    page = visitor.go(deployed[0])
    page.click("text=Your predictions of it")
    page.click(f"a[href='{made}']")
    page.click("text=through the deployment >> a")

    page.wait_for_selector("h1:has-text('sorting')")
    page.wait_for_selector("text=1 instance")
    assert "sorting" in visitor.go("/dashboard").inner_text("#now")


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_no_page_has_a_fault_of_accessibility_or_is_too_wide(site, look, trained, deployed):
    visitor = site.signed_in(color_scheme="dark" if look == "dark" else "light")
    if look == "phone":
        visitor.page.set_viewport_size(PHONE)
    made, owner = ran(site, deployed[0]), site.owner
    lists = ["/trainings", "/deployments", "/predictions", "/dashboard", "/usage"]
    of_model = [f"/{owner}/sorter/{tab}" for tab in ("train", "versions", "settings")]
    forms = [NEW.replace("OWNER", owner), f"/predictions?deployment={owner}/sorting"]
    for path in (*lists, *of_model, *forms, *deployed, made, trained[0]):
        page = visitor.go(path)
        assert browser.faults(page) == [], path
        width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert width[0] <= width[1], path
    visitor.close()


def test_the_tab_that_is_open_is_in_sight_on_a_phone(site, trained):
    visitor = site.signed_in()
    visitor.page.set_viewport_size(PHONE)
    page = visitor.model("sorter", "/train")

    box = page.locator(".tabs [aria-current]").bounding_box()

    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE["width"]
    visitor.close()


def test_a_deployment_is_deleted_once_somebody_says_yes(site, visitor):
    page = visitor.go(NEW.replace("OWNER", site.owner))
    page.fill("#name", "short-lived")
    page.click("text=Deploy >> nth=-1")
    page.wait_for_selector("h1:has-text('short-lived')")
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.click("button.danger")
    assert "short-lived" in page.inner_text("h1")
    page.once("dialog", lambda dialog: dialog.accept())

    page.click("button.danger")

    page.wait_for_selector("text=The deployment was deleted")
    assert "short-lived" not in page.inner_text("main")
