"""Makes the pictures of `docs/images`: a hub with some of the examples, as a browser shows it.

`make screenshots` runs it. It needs Chromium, and takes about two minutes.
"""

import json
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from examples.quickstart import EXAMPLES, ROOT, Hub, prepare_examples
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from tests.acceptance.browser import program

IMAGES = ROOT / "docs" / "images"
WAIT_MS = 120_000
COLORS = 256
"""Of a picture's palette: pages have few, and the pictures stay small."""
ABOUT = {
    "resize": "Enlarges a picture: a file and a number in, a file out.",
    "ocr": "Reads the text on a scan or photograph, on the CPU.",
    "stream-text": "Writes text word by word, as a language model does.",
    "hello-world": "The smallest model: text in, text out.",
    "train": "Sorts messages by the words in them, as it was trained to.",
}


def main() -> None:
    """Make them all."""
    path = program()
    if path is None:
        sys.exit("No Chromium on this machine: install Debian's `chromium`")
    prepare_examples()
    IMAGES.mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="screenshots-") as folder, sync_playwright() as playwright:
        hub = Hub(Path(folder))
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            token = hub.token_of("alice")
            for name, text in ABOUT.items():
                hub.push(name)
                change(hub, token, name, {"description": text})
                hub.run("coghub", "model", "visibility", f"alice/{name}", "public")
            take(Camera(browser, hub.address, token))
        finally:
            browser.close()
            hub.stop()


def change(hub: Hub, token: str, name: str, fields: dict) -> None:
    """Change a model by the API."""
    request = urllib.request.Request(  # noqa: S310 - the hub's own address
        f"{hub.address}/v1/models/alice/{name}",
        json.dumps(fields).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        method="PATCH",
    )
    urllib.request.urlopen(request).close()  # noqa: S310 - likewise


class Camera:
    """Somebody who is signed in, and takes pictures."""

    def __init__(self, browser, address: str, token: str) -> None:
        self.browser, self.address, self.token = browser, address, token

    @contextmanager
    def page(self, width: int = 1280, height: int = 800, scheme: str = "light") -> Iterator[Page]:
        context = self.browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme
        )
        page = context.new_page()
        page.goto(f"{self.address}/login")
        page.fill("#name", "alice")
        page.fill("#password", self.token)
        page.click("main button")
        page.wait_for_selector("text=Sign out")
        yield page
        context.close()

    def save(self, page: Page, name: str) -> None:
        """Keep what is shown, with a small palette."""
        page.mouse.move(0, 0)
        page.evaluate("document.activeElement?.blur()")
        path = IMAGES / f"{name}.png"
        page.screenshot(path=path, animations="disabled", caret="hide")
        with Image.open(path) as shot:
            small = shot.convert("RGB").quantize(COLORS, dither=Image.Dither.NONE)
        small.save(path, optimize=True)
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1000} kB")


def take(camera: Camera) -> None:
    """Use the hub, and take a picture wherever there is something to see."""
    with camera.page() as page:
        enlarge(camera, page)
        stream(camera, page)
        read(camera, page)
        page.goto(f"{camera.address}/alice/ocr/api")
        camera.save(page, "api")
        train(camera, page)
        deploy(camera, page)
        page.goto(f"{camera.address}/explore")
        camera.save(page, "explore")
        page.goto(f"{camera.address}/dashboard")
        camera.save(page, "dashboard")
    with camera.page(scheme="dark") as page:
        page.goto(f"{camera.address}/alice/ocr")
        page.wait_for_selector("[data-prediction] img")
        camera.save(page, "model-dark")
    with camera.page(width=390, height=760) as page:
        page.goto(f"{camera.address}/alice/resize?scale=2")
        camera.save(page, "model-small")


def enlarge(camera: Camera, page: Page) -> None:
    page.goto(f"{camera.address}/alice/resize")
    page.set_input_files("[data-name=image] input[type=file]", EXAMPLES / "resize" / "input.jpg")
    page.wait_for_selector("[data-name=image] >> text=input.jpg")
    run(page)
    page.wait_for_selector("before-after input")
    camera.save(page, "model")
    keep(page)


def stream(camera: Camera, page: Page) -> None:
    page.goto(f"{camera.address}/alice/stream-text?max_words=150&seed=7&delay=0.05")
    page.click("button[data-run]")
    page.wait_for_selector("prediction-run .text", timeout=WAIT_MS)
    page.wait_for_timeout(2500)
    camera.save(page, "stream")
    page.wait_for_selector("[data-prediction]", timeout=WAIT_MS)
    keep(page)


def read(camera: Camera, page: Page) -> None:
    page.goto(f"{camera.address}/alice/ocr")
    page.set_input_files("[data-name=image] input[type=file]", EXAMPLES / "ocr" / "scan.png")
    page.wait_for_selector("[data-name=image] >> text=scan.png")
    run(page)
    camera.save(page, "ocr")
    keep(page)


def train(camera: Camera, page: Page) -> None:
    page.goto(f"{camera.address}/alice/train/train")
    page.set_input_files(
        "[data-name=messages] input[type=file]", EXAMPLES / "train" / "messages.csv"
    )
    page.wait_for_selector("[data-name=messages] >> text=messages.csv")
    run(page)
    camera.save(page, "training")


def deploy(camera: Camera, page: Page) -> None:
    page.goto(f"{camera.address}/deployments/new?model=alice/hello-world")
    page.fill("#name", "greeter")
    page.click("main form button")
    page.wait_for_selector("h1:has-text('alice/greeter')")
    for most in ("3", "4"):
        page.fill("#max_instances", most)
        page.click("text=Make a release")
        page.wait_for_selector(f"text=0 to {most} instances")
    page.goto(f"{camera.address}/deployments/alice/greeter")
    camera.save(page, "deployment")


def run(page: Page) -> None:
    page.click("button[data-run]")
    page.wait_for_selector("[data-prediction]", timeout=WAIT_MS)


def keep(page: Page) -> None:
    """Make what was run an example; other pages show it."""
    page.click("text=Save as example")
    page.wait_for_selector("text=Remove from the examples")


if __name__ == "__main__":
    main()
