"""The page `/docs` of a model's own server, in a real browser."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from tests.acceptance import browser
from tests.acceptance.browser import watched

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def chromium():
    path = browser.program()
    if path is None:
        pytest.skip("no Chromium on this machine")
    with browser.launched(path) as launched:
        yield launched


def test_it_shows_the_inputs_runs_one_and_asks_no_other_host(example, ending, chromium) -> None:
    served = ending(example("hello-world").serve())
    errors, hosts = [], set()
    page = chromium.new_page()
    watched(page, errors, hosts)

    page.goto(f"http://127.0.0.1:{served.port}/docs")
    page.fill("textarea", '{"input": {"text": "page"}}')
    page.click("text=Run")
    page.wait_for_selector("#answer >> text=hello page")

    assert "Whom to greet" in page.inner_text("table")
    assert "200 OK" in page.inner_text("#answer")
    assert Axe().run(page).violations_count == 0
    page.fill("textarea", "no JSON")
    page.click("text=Run")
    page.wait_for_selector("#answer >> text=400")
    assert errors == []
    assert hosts == {page.url.split("/")[2]}
