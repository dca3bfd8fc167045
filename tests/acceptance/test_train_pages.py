"""The Train tab in a real browser: `examples/train` is trained, and its version tried."""

import pytest
from tests.acceptance import browser
from tests.acceptance.browser import WAIT_MS, Site
from tests.acceptance.conftest import Person
from tests.acceptance.hub_process import HubProcess

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def site(environ, example, tmp_path_factory):
    path = browser.program()
    if path is None:
        pytest.skip("no Chromium on this machine")
    folder = tmp_path_factory.mktemp("pages")
    whole = {**environ, "HOME": str(folder / "home")}
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


def test_a_model_is_trained_and_what_came_out_is_run(site):
    visitor = site.signed_in()
    page = visitor.model("sorter", "/train")
    assert page.input_value("#destination") == f"{site.owner}/sorter"
    page.set_input_files("input[type=file]", site.messages)
    page.wait_for_selector(".field[data-name=messages] :text('messages.csv')")

    page.click("button[data-run]")

    page.wait_for_selector("[data-prediction] .chip.succeeded", timeout=WAIT_MS)
    assert "billing: 71 words" in (page.text_content("[data-prediction] .logs") or "")
    page.click("text=Its page")
    page.click("text=It made version >> a")
    page.fill("#input-text", "Where is my parcel?")
    visitor.run()
    assert "delivery" in page.inner_text("[data-prediction] .output")
    assert "sorter" in visitor.go("/trainings").inner_text("table")
    assert visitor.errors == []
    visitor.close()
