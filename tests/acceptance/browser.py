"""Chromium, as Debian has it, and a hub that somebody uses with it."""

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright
from tests.acceptance.conftest import Person
from tests.acceptance.hub_process import HubProcess

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
WAIT_MS = 60_000
"""For a prediction: the first one of a model makes its environment."""


def program() -> str | None:
    """Return the browser's program, if there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def launched(path: str) -> Generator[Browser]:
    """Start the browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def watched(page: Page, errors: list[str], hosts: set[str]) -> None:
    """Note what goes wrong on a page, and whom it asks for anything."""

    def console(message: Any) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            errors.append(message.text)

    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", console)
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))


def faults(page: Page) -> list[tuple[str, list[str]]]:
    """Return what axe finds wrong on a page: the rule, and where."""
    found = Axe().run(page).response["violations"]
    return [(it["id"], [node["html"] for node in it["nodes"]]) for it in found]


@dataclass
class Site:
    """A hub with models, and a browser."""

    hub: HubProcess
    cog: Person
    browser: Browser

    @property
    def base(self) -> str:
        return self.hub.address

    @property
    def owner(self) -> str:
        return self.hub.administrator

    def push(self, folder: Path, name: str) -> str:
        """Push a project, and return its version's id."""
        cog = Person(folder, self.cog.environ)
        host = self.base.removeprefix("http://")
        done = cog("push", f"{host}/{self.owner}/{name}")
        assert done.returncode == 0, done.stderr
        return self.hub.get(f"/v1/models/{self.owner}/{name}")["latest_version"]["id"]

    def visit(self, **options: Any) -> "Visitor":
        """Return a new browser's window, in which nobody is signed in."""
        context = self.browser.new_context(viewport={"width": 1280, "height": 900}, **options)
        page = context.new_page()
        page.set_default_timeout(15_000)
        return Visitor(self, page)

    def signed_in(self, **options: Any) -> "Visitor":
        """Return one in which the administrator is signed in."""
        visitor = self.visit(**options)
        visitor.sign_in()
        return visitor


class Visitor:
    """Somebody at a browser, who notices what goes wrong in it."""

    def __init__(self, site: Site, page: Page) -> None:
        self.site, self.page = site, page
        self.errors: list[str] = []
        self.hosts: set[str] = set()
        watched(page, self.errors, self.hosts)

    def go(self, path: str) -> Page:
        self.page.goto(f"{self.site.base}{path}")
        return self.page

    def sign_in(self, name: str = "", secret: str = "") -> None:
        self.go("/login")
        self.page.fill("#name", name or self.site.owner)
        self.page.fill("#password", secret or self.site.hub.token)
        self.page.click("main button")
        self.page.wait_for_selector("text=Sign out")

    def model(self, name: str = "kitchen", query: str = "") -> Page:
        return self.go(f"/{self.site.owner}/{name}{query}")

    def run(self, kind: str = "", status: str = "succeeded") -> Page:
        """Press the button, and wait for the end."""
        if kind:
            self.page.select_option("#input-kind", f'"{kind}"')
        before = self.page.locator("[data-prediction]").count() and self.page.locator(
            "[data-prediction]"
        ).get_attribute("data-prediction")
        self.page.click("button[data-run]")
        other = f":not([data-prediction='{before}'])" if before else ""
        done = self.page.locator(f"[data-prediction]{other}")
        done.wait_for(timeout=WAIT_MS)
        assert self.page.locator("[data-prediction] .chip").first.inner_text() == status
        return self.page

    def close(self) -> None:
        """Leave; nothing went wrong meanwhile, and nobody else was asked for anything."""
        self.page.context.close()
        assert self.errors == []
        own = self.site.base.split("/")[2]
        assert {host for host in self.hosts if host} <= {own}
