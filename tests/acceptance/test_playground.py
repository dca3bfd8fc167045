"""`cog serve --playground` and `cog playground`, in a real browser."""

import re
import shutil
import signal
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from tests.acceptance import browser
from tests.acceptance.browser import WAIT_MS, watched
from tests.acceptance.conftest import REPOSITORY, Person, free_port

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]

KITCHEN = Path(__file__).with_name("models") / "kitchen"


@pytest.fixture(scope="module")
def chromium():
    path = browser.program()
    if path is None:
        pytest.skip("no Chromium on this machine")
    with browser.launched(path) as launched:
        yield launched


@pytest.fixture
def cog(environ, python_version, tmp_path):
    folder = shutil.copytree(KITCHEN, tmp_path / "kitchen")
    config = folder / "cog.yaml"
    config.write_text(config.read_text().replace("3.12", python_version))
    return Person(folder, environ)


@pytest.fixture
def page(chromium):
    errors, hosts = [], set()
    context = chromium.new_context()
    page = context.new_page()
    watched(page, errors, hosts)
    yield page
    context.close()
    assert errors == []
    assert {host.split(":")[0] for host in hosts if host} <= {"127.0.0.1"}


def run(page, kind):
    page.select_option("#input-kind", f'"{kind}"')
    page.click("button[data-run]")
    page.wait_for_selector("[data-prediction]", timeout=WAIT_MS)


def test_a_served_model_has_a_page_beside_it(cog, page):
    port = free_port()
    served = cog.serve("--playground", "--playground-port", str(port))
    try:
        served.wait_for_log(f"Cog playground running at http://127.0.0.1:{port}")
        page.goto(f"http://127.0.0.1:{port}/?text=you")
        picture = REPOSITORY / "examples" / "resize" / "input.jpg"
        page.set_input_files("[data-name=image] input[type=file]", picture)
        page.wait_for_selector("[data-name=image] >> text=input.jpg")
        run(page, "echo")
        assert str(picture.stat().st_size) in page.inner_text("[data-prediction] .output")
        run_again = page.locator("[data-prediction]").get_attribute("data-prediction")
        page.select_option("#input-kind", '"images"')
        page.click("button[data-run]")
        page.wait_for_selector(f"[data-prediction]:not([data-prediction='{run_again}'])")
        image = page.locator("[data-prediction] figure:nth-child(4) img")
        assert image.evaluate("async it => (await it.decode(), it.naturalWidth)") == 320
        page.select_option("#input-kind", '"slow"')
        page.click("button[data-run]")
        page.wait_for_selector("prediction-run .logs:has-text('second 2')")
        page.click("prediction-run [data-cancel]")
        page.wait_for_selector("[data-prediction] .chip.canceled")
        assert Axe().run(page).response["violations"] == []
    finally:
        status = served.stop()

    assert status == 0
    page.wait_for_timeout(1000)
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/config", timeout=5)


def test_the_page_of_another_server_waits_until_that_is_there(cog, page):
    port, model_port = free_port(), free_port()
    target = f"http://127.0.0.1:{model_port}"
    shown = cog.start("playground", "--no-open", "--port", str(port), "--target", target)
    assert shown.stderr is not None
    assert shown.stderr.readline() == f"Cog playground running at http://127.0.0.1:{port}\n"
    with shown:
        page.goto(f"http://127.0.0.1:{port}")
        page.wait_for_selector("text=The model's server does not answer")
        served = cog.start("serve", "-p", str(model_port))
        with served:
            page.wait_for_selector("#input-kind", timeout=WAIT_MS)
            run(page, "fail")
            assert "it broke <script>" in page.inner_text("[role=alert]:visible")
            served.send_signal(signal.SIGINT)
        shown.send_signal(signal.SIGINT)
        assert shown.wait(30) == 130


def test_sigterm_ends_it_and_leaves_nothing(cog, tmp_path):
    cog = Person(cog.folder, {**cog.environ, "TMPDIR": str(tmp_path)})
    shown = cog.start("playground", "--no-open", "--target", "http://127.0.0.1:1")
    assert shown.stderr is not None
    address = shown.stderr.readline().rpartition(" ")[2].strip()
    with shown:
        urllib.request.urlopen(address, timeout=30).close()
        assert list(tmp_path.glob("cog-playground-*"))
        shown.send_signal(signal.SIGTERM)
        assert shown.wait(30) == 0
    assert not list(tmp_path.glob("cog-playground-*"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["playground", "--target", "localhost"], "--target is no http:// or https:// URL"),
        (["playground", "--port", "70000"], "70000"),
        (
            ["serve", "--playground", "-p", "9000"],
            "playground port 9000 must differ from the model port 9000",
        ),
    ],
)
def test_what_cannot_be_is_told_in_one_line(cog, arguments, said):
    done = cog(*arguments)

    assert done.returncode == 1
    assert re.match("error: ", done.stderr)
    assert said in done.stderr
