"""The pages in a real browser, on a real hub, with a model that has every input and output."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.acceptance import browser
from tests.acceptance.browser import WAIT_MS, Site
from tests.acceptance.conftest import REPOSITORY, Person
from tests.acceptance.hub_process import HubProcess

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]

KITCHEN = Path(__file__).with_name("models") / "kitchen"


@pytest.fixture(scope="module")
def site(environ, python_version, example, tmp_path_factory):
    path = browser.program()
    if path is None:
        pytest.skip("no Chromium on this machine")
    folder = tmp_path_factory.mktemp("pages")
    whole = {**environ, "HOME": str(folder / "home")}
    hub = HubProcess(folder / "hub", {**whole, "COGHUB_CPU_INSTANCES": "3"})
    try:
        cog = Person(folder, whole)
        done = cog("login", hub.address, "--token-stdin", stdin=hub.token)
        assert done.returncode == 0, done.stderr
        with browser.launched(path) as chromium:
            made = Site(hub, cog, chromium)
            kitchen = shutil.copytree(KITCHEN, folder / "kitchen")
            config = kitchen / "cog.yaml"
            config.write_text(config.read_text().replace("3.12", python_version))
            made.push(kitchen, "kitchen")
            for name in ("hello-world", "stream-text", "resize"):
                made.push(example(name).folder, name)
            yield made
    finally:
        hub.kill()


@pytest.fixture
def visitor(site):
    """Somebody who is signed in."""
    visitor = site.signed_in()
    yield visitor
    visitor.close()


@pytest.fixture
def stranger(site):
    visitor = site.visit()
    yield visitor
    visitor.close()


@pytest.fixture
def picture():
    return REPOSITORY / "examples" / "resize" / "input.jpg"


def echoed(page):
    """Return what the model says that it was given."""
    parts = page.locator("[data-prediction] .output > .part")
    found = {}
    for part in parts.all():
        name = part.locator("h3").first.inner_text()
        text = part.locator(".text, .tree, .quiet").first.inner_text()
        found[name] = text
    return found


def until(page, expression):
    """Wait until something holds; Playwright's own way needs `eval`, which the pages forbid."""
    for _ in range(300):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(expression)


# --- inputs ---


def test_every_widget_gives_its_value(visitor, picture, tmp_path):
    page = visitor.model()
    (tmp_path / "a.txt").write_text("12345")
    (tmp_path / "b.txt").write_text("1234567")

    page.fill("#input-text", "two\nlines")
    page.fill("#input-steps", "7")
    page.locator("#input-strength").locator("xpath=..").locator("input[type=range]").fill("0.25")
    page.fill("#input-seed", "42")
    page.check("#input-fancy")
    page.set_input_files("[data-name=image] input[type=file]", picture)
    page.click("text=Add a file")
    page.set_input_files(
        "[data-name=files] input[type=file]", [tmp_path / "a.txt", tmp_path / "b.txt"]
    )
    page.click("text=Add a value")
    page.locator("#input-words input").last.fill("c")
    page.fill("#input-options", '{"deep": [1]}')
    page.fill("#input-key", "hunter2")
    page.click("text=Deprecated inputs")
    page.fill("#input-old", "still")
    fields = "[...document.querySelectorAll('file-field')]"
    until(page, f"{fields}.every(it => !it.isBusy && it.value.length)")
    visitor.run("echo")

    assert echoed(page) == {
        "text": "two\nlines",
        "steps": "7",
        "strength": "0.25",
        "seed": "42",
        "fancy": "true",
        "image": str(picture.stat().st_size),
        "files": "[ 2 ]\n0: 5\n1: 7",
        "words": '[ 3 ]\n0: "a"\n1: "b"\n2: "c"',
        "options": "{ 1 }\ndeep:\n[ 1 ]\n0: 1",
        "key": "7",
        "old": "still",
    }
    assert "hunter2" not in page.url


def test_what_is_not_given_is_the_models_default(visitor):
    page = visitor.model()

    page.fill("#input-text", "changed")
    page.click("[data-name=text] [data-reset]")
    visitor.run("echo")

    assert echoed(page)["text"] == "a lighthouse"
    assert page.locator("[data-name=text] [data-reset]").is_hidden()
    assert "text=" not in page.url


def test_the_server_says_what_does_not_fit_while_it_is_typed(visitor):
    page = visitor.model()

    page.fill("#input-steps", "99")
    page.wait_for_selector("#input-steps-error:has-text('Must be less than or equal to 50')")
    page.click("button[data-run]")
    page.wait_for_selector("#input-steps:focus")
    page.fill("#input-steps", "9")
    page.wait_for_selector("#input-steps-error:empty", state="attached")
    page.fill("#input-options", "{")
    page.click("button[data-run]")

    assert "Not JSON" in page.inner_text("#input-options-error")
    assert page.locator("prediction-run").count() == 0


def test_what_is_missing_is_told_at_its_field(visitor):
    page = visitor.model("resize")

    page.click("button[data-run]")

    page.wait_for_selector("#input-image-error:has-text('image is required')")
    assert page.evaluate("document.activeElement.closest('[data-name]').dataset.name") == "image"


def test_the_address_holds_the_values_for_others(site, visitor):
    page = visitor.model()
    page.fill("#input-text", "a & b = ?")
    page.fill("#input-steps", "3")
    page.check("#input-fancy")
    until(page, "location.search.includes('fancy')")

    other = site.signed_in()
    other.page.goto(page.url)

    assert other.page.input_value("#input-text") == "a & b = ?"
    assert other.page.input_value("#input-steps") == "3"
    assert other.page.is_checked("#input-fancy")
    other.close()


def test_the_json_view_and_the_form_are_the_same_input(visitor):
    page = visitor.model()
    page.fill("#input-text", "from the form")

    page.click("text=JSON")
    assert json.loads(page.input_value(".json-view")) == {"text": "from the form"}
    page.fill(".json-view", '{"text": "from JSON", "steps": 5, "kind": "text"}')
    page.click("[role=tab]:has-text('Form')")
    assert page.input_value("#input-steps") == "5"
    page.click("[role=tab]:has-text('JSON')")
    page.fill(".json-view", "{")
    assert "Not an input" in page.inner_text("[data-json-error]")
    page.click("[role=tab]:has-text('Form')")
    visitor.run()

    assert page.inner_text("[data-prediction] .output") == "You said from JSON."


def test_a_file_is_dropped_pasted_or_photographed(visitor):
    page = visitor.model()
    drop = """([selector, kind]) => {
        const given = new DataTransfer();
        given.items.add(new File(["123"], `${kind}.txt`, {type: "text/plain"}));
        const event = kind === "paste"
            ? new ClipboardEvent("paste", {clipboardData: given, bubbles: true})
            : new DragEvent("drop", {dataTransfer: given, bubbles: true});
        document.querySelector(selector).dispatchEvent(event);
    }"""

    for kind in ("drop", "paste"):
        page.evaluate(drop, ["[data-name=image] file-place", kind])
        page.wait_for_selector(f"[data-name=image] >> text={kind}.txt")
        assert page.inner_text("[data-name=image] pre") == "123"
        page.click("[data-name=image] >> text=Remove")
    page.click("[data-name=image] >> text=Camera")
    until(page, "document.querySelector('dialog video')?.videoWidth > 0")
    page.click("text=Take the picture")
    page.wait_for_selector("[data-name=image] >> text=camera.jpg")

    assert page.locator("[data-name=image] .preview img").is_visible()
    page.wait_for_selector("dialog", state="detached")


def test_a_large_upload_shows_its_progress(visitor, tmp_path):
    page = visitor.model()
    large = tmp_path / "large.bin"
    with large.open("wb") as file:
        for _ in range(100):
            file.write(os.urandom(1_000_000))
    page.evaluate(
        """window.parts = [];
        new MutationObserver(() => {
            const bar = document.querySelector("file-place progress");
            if (bar) window.parts.push(bar.value);
        }).observe(document.body, {subtree: true, childList: true, characterData: true})"""
    )

    page.set_input_files("[data-name=image] input[type=file]", large)
    page.click("button[data-run]")
    assert "still being uploaded" in page.inner_text("[data-problem]")
    page.wait_for_selector("[data-name=image] >> text=large.bin, 100.0 MB", timeout=WAIT_MS)
    visitor.run("echo")

    assert echoed(page)["image"] == "100000000"
    parts = page.evaluate("window.parts")
    assert any(0 < part < 1 for part in parts)
    assert parts == sorted(parts)


@pytest.mark.parametrize("client", ["Python", "JavaScript", "curl", "cog"])
def test_the_snippets_run_as_they_are_pasted(site, visitor, client, request, tmp_path):
    text = 'it\'s "quoted" $HOME `x` 二'
    page = visitor.model("hello-world", f"/api?text={quote(text)}")
    section = page.locator(f"section:has(> h3:text-is('{client}'))")
    *setup, code = [it.inner_text() for it in section.locator("pre").all()]
    lines = [line for line in setup[0].splitlines() if not re.match("(pip|npm) install", line)]
    shell = "\n".join(lines).replace("YOUR-TOKEN", site.hub.token)
    folder = tmp_path
    match client:
        case "Python":
            (tmp_path / "it.py").write_text(code)
            shell += f"\n{sys.executable} it.py"
        case "JavaScript":
            folder = request.getfixturevalue("node_folder")
            (folder / "pasted.mjs").write_text(code)
            shell += "\nnode pasted.mjs"
        case "curl":
            shell += f"\n{code}"
        case "cog":
            shell = code  # logged in

    done = subprocess.run(
        ["bash", "-c", shell],
        cwd=folder,
        env=dict(site.cog.environ),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)["output"] if client == "curl" else done.stdout.rstrip("\n")
    assert answer == f"hello {text}"


# --- outputs ---


def test_a_picture_is_shown_zoomed_and_downloaded(visitor):
    page = visitor.model()
    visitor.run("image")

    image = page.locator("[data-prediction] figure img")
    assert image.evaluate("it => [it.naturalWidth, it.naturalHeight]") == [640, 480]
    page.click("[data-zoom]", force=True)
    page.click("dialog.viewer img")
    assert page.locator("dialog.viewer.close-up").count() == 1
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    with page.expect_download() as download:
        page.click("figure .save", force=True)
    assert Path(download.value.path()).read_bytes().startswith(b"\x89PNG")


def test_a_picture_beside_the_one_it_was_made_of_is_compared(visitor, picture):
    page = visitor.model()
    page.set_input_files("[data-name=image] input[type=file]", picture)
    page.wait_for_selector("[data-name=image] >> text=input.jpg")
    visitor.run("image")

    page.wait_for_selector("before-after input")
    for image in page.locator("before-after img").all():
        assert image.evaluate("async it => (await it.decode(), it.naturalWidth)") in {451, 640}
    page.locator("before-after input").fill("20")

    assert page.locator("before-after").evaluate("it => it.style.getPropertyValue('--at')") == "20%"


@pytest.mark.parametrize(
    ("kind", "selector", "text"),
    [
        ("images", ".gallery figure:nth-child(4) img", None),
        ("audio", "audio[controls]", None),
        ("video", "video[controls]", None),
        ("text", ".text", "You said a lighthouse."),
        ("markdown", ".prose h1", "A title"),
        ("tree", ".tree", '"c"'),
        ("table", "table tbody tr:nth-child(3)", "thing 2"),
        ("fields", ".part .gallery img", None),
        ("html", "a.button[download='page.html']", "Download page.html"),
        ("svg", ".gallery img", None),
        ("evil", ".part h3", "<script>"),
        ("nothing", ".empty", "The model gave no output."),
    ],
)
def test_every_output_is_shown_in_its_way_and_nothing_in_it_runs(visitor, kind, selector, text):
    page = visitor.model()
    visitor.run(kind)

    shown = page.locator(f"[data-prediction] .output {selector}").first
    shown.wait_for()
    if text:
        assert text in shown.inner_text()
    assert page.title() != "pwned"
    assert (
        page.locator(".output script, .output [onerror], .output a[href^=javascript]").count() == 0
    )


def test_a_file_of_a_model_cannot_run_in_the_hubs_name(site, visitor):
    page = visitor.model()
    for kind in ("html", "svg"):
        visitor.run(kind)
        url = page.locator("[data-prediction] .output a[download]").first.get_attribute("href")
        answer = page.request.get(f"{site.base}{url}")
        assert "sandbox" in answer.headers["content-security-policy"]
        assert answer.headers["content-disposition"].startswith("attachment")


def test_bars_are_drawn_and_logs_read_as_in_a_terminal(visitor):
    page = visitor.model()
    page.select_option("#input-kind", '"image"')
    page.click("button[data-run]")

    page.wait_for_selector("prediction-run .bars progress", timeout=WAIT_MS)
    page.wait_for_selector("[data-prediction]", timeout=WAIT_MS)

    page.click("[data-prediction] >> text=Logs")
    logs = page.inner_text("[data-prediction] .logs")
    assert "steps: 100%" in logs
    assert "steps:  33%" not in logs


def test_words_appear_as_they_come(visitor):
    page = visitor.model("stream-text")
    page.fill("#input-max_words", "40")
    page.fill("#input-seed", "7")
    page.evaluate(
        """window.lengths = [];
        new MutationObserver(() => {
            const text = document.querySelector("prediction-run .text");
            if (text) window.lengths.push(text.textContent.length);
        }).observe(document.body, {subtree: true, childList: true, characterData: true})"""
    )

    visitor.run()

    lengths = page.evaluate("window.lengths")
    assert len(set(lengths)) > 5
    assert lengths == sorted(lengths)
    assert len(page.inner_text("[data-prediction] .output").split()) == 40


# --- what happens meanwhile ---


def test_a_prediction_is_canceled_in_the_middle(visitor):
    page = visitor.model()
    page.select_option("#input-kind", '"slow"')
    page.click("button[data-run]")
    page.wait_for_selector("prediction-run .logs:has-text('second 2')", timeout=WAIT_MS)

    page.click("prediction-run [data-cancel]")
    page.wait_for_selector("[data-prediction] .chip.canceled")

    visitor.run("text")  # the model is still warm


def test_a_failure_shows_its_reason_and_logs(visitor):
    page = visitor.model()

    visitor.run("fail", "failed")

    assert "it broke <script>" in page.inner_text("[data-prediction] [role=alert]")
    assert "about to fail" in page.inner_text("[data-prediction] .logs")
    assert page.title() != "pwned"


def test_a_reload_in_the_middle_goes_on_where_it_was(visitor):
    page = visitor.model()
    page.select_option("#input-kind", '"slow"')
    page.click("button[data-run]")
    page.wait_for_selector("prediction-run .logs:has-text('second 3')", timeout=WAIT_MS)

    page.reload()
    page.wait_for_selector("prediction-run .logs:has-text('second 6')", timeout=WAIT_MS)

    seconds = re.findall(r"second (\d+)", page.inner_text("prediction-run .logs"))
    assert [int(it) for it in seconds] == list(range(len(seconds)))
    page.click("prediction-run [data-cancel]")
    page.wait_for_selector("[data-prediction] .chip.canceled")


def test_two_tabs_show_the_same_prediction(site, visitor):
    page = visitor.model()
    page.select_option("#input-kind", '"slow"')
    page.click("button[data-run]")
    page.wait_for_selector("prediction-run .logs:has-text('second 1')", timeout=WAIT_MS)
    link = page.get_attribute("prediction-run a:has-text('page of this')", "href")

    other = page.context.new_page()
    other.goto(f"{site.base}{link}")
    other.wait_for_selector("prediction-run .logs:has-text('second 3')", timeout=WAIT_MS)
    other.click("prediction-run [data-cancel]")

    for each in (page, other):
        each.wait_for_selector("[data-prediction] .chip.canceled")


def test_back_and_forward_lead_through_what_was_run(visitor):
    page = visitor.model()
    page.fill("#input-text", "first")
    visitor.run("text")
    first = page.url
    page.fill("#input-text", "second")
    visitor.run("text")

    page.go_back()
    page.wait_for_selector("[data-prediction] >> text=You said first.")
    assert page.input_value("#input-text") in {"first", "second"}
    page.go_forward()
    page.wait_for_selector("[data-prediction] >> text=You said second.")

    assert first != page.url


def test_a_hub_that_restarts_meanwhile_is_found_again(site, visitor):
    page = visitor.model("stream-text", "?max_words=200&delay=0.05")
    page.click("button[data-run]")
    page.wait_for_selector("prediction-run .text", timeout=WAIT_MS)

    site.hub.kill()
    page.wait_for_selector("[data-lost]:visible")
    site.hub.restart()

    page.wait_for_selector("[data-prediction]", timeout=WAIT_MS)
    assert "stopped while the prediction ran" in page.inner_text("[data-prediction] [role=alert]")
    visitor.errors.clear()  # the connection that broke


def test_an_example_is_saved_shown_and_tried(site, visitor, stranger):
    page = visitor.model()
    page.fill("#input-text", "to be kept")
    visitor.run("text")

    page.click("text=Save as example")
    page.wait_for_selector("text=Remove from the examples")
    page = visitor.model(query="/examples")
    assert "You said to be kept." in page.inner_text(".card")
    page.click("text=Try it")

    assert page.input_value("#input-text") == "to be kept"
    stranger.model(query="/examples")
    assert "Not found" in stranger.page.inner_text("main")


# --- who ---


def test_signing_in_and_out(site, stranger):
    page = stranger.go("/predictions")
    assert page.url.endswith("/login?next=%2Fpredictions")
    page.fill("#name", site.owner)
    page.fill("#password", "wrong")
    page.click("main button")
    assert "do not fit" in page.inner_text("[role=alert]")
    page.fill("#password", site.hub.token)
    page.click("main button")
    page.wait_for_url("**/predictions")

    page.click("text=Sign out")
    page.wait_for_selector("text=Sign in")
    page.goto(f"{site.base}/{site.owner}/kitchen")
    assert "Not found" in page.inner_text("main")


def test_a_public_model_is_seen_by_a_stranger_who_signs_in_to_run_it(site, visitor, stranger):
    page = visitor.model("hello-world", "/settings")
    page.check("input[value=public]")
    page.locator("form:has(input[value=visibility]) button").click()
    page.wait_for_selector("text=Saved.")

    page = stranger.model("hello-world", "?text=you")
    assert page.input_value("#input-text") == "you"
    page.click("text=Sign in to run")
    page.fill("#name", site.owner)
    page.fill("#password", site.hub.token)
    page.click("main button")
    page.wait_for_selector("#input-text")
    assert page.input_value("#input-text") == "you"
    page = stranger.go("/explore")
    page.fill("#q", "hello")
    page.wait_for_selector("text=found for “hello”")
    assert "hello-world" in page.inner_text(".cards")


def test_a_model_is_created_and_deleted(visitor):
    page = visitor.go("/create")
    page.fill("#name", "short-lived")
    page.click("main button:has-text('Create')")
    page.wait_for_selector("text=Nothing was pushed to this model yet.")
    page.click("text=Settings")
    page.on("dialog", lambda dialog: dialog.accept())
    page.fill("#delete-name", f"{visitor.site.owner}/short-lived")
    page.click("button.danger")

    page.wait_for_selector("h1:has-text('Your models')")
    assert "short-lived" not in page.inner_text("main")


# --- for everyone ---

PAGES = (
    "/",
    "/explore",
    "/predictions",
    "/dashboard",
    "/account",
    "/webhooks",
    "/admin",
    "/admin/audit",
    "/usage",
    "/create",
    "/OWNER/kitchen",
    "/OWNER/kitchen/api",
    "/OWNER/kitchen/examples",
    "/OWNER/kitchen/versions",
    "/OWNER/kitchen/readme",
    "/OWNER/kitchen/settings",
    "/nothing/here",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_fault_of_accessibility(site, scheme):
    visitor = site.signed_in(color_scheme=scheme)
    visitor.model()
    visitor.run("fields")
    shown = visitor.page.url.removeprefix(site.base)
    for path in (*PAGES, shown):
        page = visitor.go(path.replace("OWNER", site.owner))
        assert browser.faults(page) == [], path
    visitor.close()


def test_every_page_fits_a_small_screen(site):
    visitor = site.signed_in()
    visitor.page.set_viewport_size({"width": 360, "height": 740})
    for path in PAGES:
        page = visitor.go(path.replace("OWNER", site.owner))
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
    visitor.close()


def test_a_model_is_run_by_keyboard_alone(visitor):
    page = visitor.model()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "input-text":
            break
    page.keyboard.press("Control+A")
    page.keyboard.type("by hand")
    page.keyboard.press("Control+Enter")

    page.wait_for_selector("[data-prediction]", timeout=WAIT_MS)
    assert echoed(page)["text"] == "by hand"


def test_pages_are_read_without_scripts(site):
    visitor = site.visit(java_script_enabled=False)
    page = visitor.go("/login")
    page.fill("#name", site.owner)
    page.fill("#password", site.hub.token)
    page.click("main button")
    page = visitor.model()

    assert page.locator("#input-text").is_visible()
    assert "The API tab has commands" in page.content()
    page = visitor.go("/predictions")
    page.click("tbody a")
    assert page.locator("h2:has-text('Output')").is_visible()
    visitor.close()


def test_a_page_is_small_and_comes_at_once(site):
    visitor = site.signed_in()
    session = visitor.page.context.new_cdp_session(visitor.page)
    session.send("Network.enable")
    sizes = []
    session.on("Network.loadingFinished", lambda it: sizes.append(it["encodedDataLength"]))

    visitor.model()
    visitor.page.wait_for_load_state("networkidle")
    first = sum(sizes)
    sizes.clear()
    visitor.model()
    visitor.page.wait_for_load_state("networkidle")

    assert 0 < first <= 100_000
    assert 0 < sum(sizes) < first
    visitor.close()


def test_nothing_moves_while_an_output_grows(visitor):
    page = visitor.model()
    page.evaluate(
        """window.shifts = [];
        new PerformanceObserver((list) => {
            for (const it of list.getEntries()) {
                if (!it.hadRecentInput) window.shifts.push(it.value);
            }
        }).observe({type: "layout-shift", buffered: true})"""
    )
    page.select_option("#input-kind", '"images"')
    page.wait_for_timeout(600)  # a shift within half a second of an input is not counted
    visitor.run()

    assert sum(page.evaluate("window.shifts")) < 0.1


def test_the_dashboard_shows_what_runs(visitor):
    page = visitor.model()
    page.select_option("#input-kind", '"slow"')
    page.click("button[data-run]")
    page.wait_for_selector("prediction-run .logs:has-text('second 1')", timeout=WAIT_MS)
    run = page.url

    page = visitor.go("/dashboard")
    page.wait_for_selector("td:has-text('1 / 1')")
    assert "kitchen" in page.inner_text("#now")
    assert "MB" in page.inner_text("#now")
    page.goto(run)
    page.click("prediction-run [data-cancel]")
    page.wait_for_selector("[data-prediction] .chip.canceled")
    page = visitor.go("/dashboard")
    page.click("text=Logs >> nth=0")
    page.wait_for_selector("text=What it told on its way to ready")


def test_the_hash_of_static_files_is_of_what_is_sent(site, stranger):
    page = stranger.go("/")
    style = page.get_attribute("link[rel=stylesheet]", "href")

    answer = page.request.get(f"{site.base}{style}")

    assert "immutable" in answer.headers["cache-control"]
    other = re.sub(r"/static/\w+/", f"/static/{hashlib.sha256().hexdigest()[:16]}/", style)
    assert page.request.get(f"{site.base}{other}").status == 404
