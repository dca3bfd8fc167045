"""A model's page in a real browser: when the first of it is painted, and how many bytes it took."""

import statistics
from dataclasses import dataclass

from benchmarks.databases import Database
from benchmarks.hub import Hub, running_hub
from benchmarks.measures import Effort
from benchmarks.report import Row
from playwright.sync_api import Browser, BrowserContext, sync_playwright
from tests.acceptance.browser import program

MAX_PAINT_S = 0.2
MAX_BYTES = 100_000
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


@dataclass(frozen=True)
class Visit:
    """One look at a page."""

    paint_s: float
    """From the start of the navigation to the first contentful paint."""
    sent_bytes: int


def rows(effort: Effort, on: Database) -> list[Row]:
    """With nothing in the browser's cache, and with everything."""
    path = program()
    what = "first paint of a model's page, {}, p50"
    if path is None:
        return [Row.skipped(what.format("empty cache"), "no Chromium")]
    with running_hub("pages", on) as hub, sync_playwright() as playwright:
        hub.push_model("sync")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        first, again = _visits(browser, hub, effort.starts)
        browser.close()
    sent = statistics.median(it.sent_bytes for it in first)
    kept = statistics.median(it.sent_bytes for it in again)
    return [
        Row.absolute(what.format("empty cache"), _p50(first), limit=MAX_PAINT_S),
        Row.absolute(what.format("warm cache"), _p50(again), limit=MAX_PAINT_S),
        Row.amount("bytes of it, empty cache", sent, limit=MAX_BYTES),
        Row.amount("bytes of it, warm cache", kept, limit=MAX_BYTES),
    ]


def _visits(browser: Browser, hub: Hub, count: int) -> tuple[list[Visit], list[Visit]]:
    first, again = list[Visit](), list[Visit]()
    for _ in range(count + 1):
        context = browser.new_context()
        _sign_in(context, hub)
        fresh = browser.new_context(storage_state=context.storage_state())
        first.append(_visit(fresh, hub))
        again.append(_visit(fresh, hub))
        fresh.close()
        context.close()
    return first[1:], again[1:]  # the very first starts the browser's own processes


def _sign_in(context: BrowserContext, hub: Hub) -> None:
    page = context.new_page()
    page.goto(f"{hub.process.address}/login")
    page.fill("#name", hub.owner)
    page.fill("#password", hub.token)
    page.click("main button")
    page.wait_for_selector("text=Sign out")


def _visit(context: BrowserContext, hub: Hub) -> Visit:
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    sizes = list[int]()
    session.on("Network.loadingFinished", lambda it: sizes.append(int(it["encodedDataLength"])))
    page.goto(f"{hub.process.address}/{hub.owner}/sync")
    page.wait_for_load_state("networkidle")
    if page.inner_text("h1") != f"{hub.owner} / sync":
        raise RuntimeError("This is not the model's page")
    painted = page.evaluate(PAINT)
    page.close()
    return Visit(painted / 1000, sum(sizes))


def _p50(visits: list[Visit]) -> float:
    return statistics.median(it.paint_s for it in visits)
