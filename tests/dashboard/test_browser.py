"""The dashboard in a real browser: watched live, by keyboard, on a phone, in the dark, by axe, at a thousand endpoints.

The long form: `make browser`, or ROLLOUT_BROWSER=1 with Debian's `chromium` and the extra `browser`. With
ROLLOUT_SCREENSHOTS=1 the pictures of docs/images are taken again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from tests.dashboard.bench import REPOSITORY, Site, Visitor, dashboard, site
from tests.dashboard.fleets import shop
from tests.e2e.harness import Emulator

if not os.environ.get("ROLLOUT_BROWSER"):
    pytest.skip("the long form: ROLLOUT_BROWSER=1, with chromium", allow_module_level=True)
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM: Final = os.environ.get("ROLLOUT_CHROMIUM") or shutil.which("chromium")
IMAGES: Final = REPOSITORY / "docs" / "images"
MANY: Final = 1000
OURS: Final = ("http://127.0.0.1", "data:")
SHOWN: Final = ("overview-wide", "rollout-wide", "rollback-wide", "rollout-phone-dark")
"""The pictures that the documentation shows."""
PATIENCE: Final = 120_000
"""Milliseconds."""
WATCHED: Final = """\
version: 1
name: watched
endpoint: {name: watched, auth_mode: key}
candidate:
  model: {path: v1.txt}
  code_configuration: {code: src, scoring_script: score.py}
  environment: {image: mcr.microsoft.com/azureml/minimal:1}
  instance_type: Standard_DS3_v2
  instance_count: 1
stages:
  - deploy: candidate
  - traffic: 10
  - bake: 40m
  - traffic: 100
  - delete: stable
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One browser."""
    assert CHROMIUM, "apt-get install chromium, or ROLLOUT_CHROMIUM=PATH"
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def opened(browser: Any, address: str) -> Iterator[Callable[..., Any]]:
    """Open a page in a window of its own; nothing may go wrong in it, and nothing may be asked of another host."""
    root, wrong = address.partition("/?")[0], list[str]()
    contexts = []

    def open_(path: str = "/", at: str = "", **settings: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **settings})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(f"script: {error}"))
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.on(
            "request",
            lambda one: wrong.append(one.url) if not one.url.startswith(("http://127.0.0.1", "data:")) else None,
        )
        page.goto(at or address)
        if path != "/":
            page.goto((at.partition("/?")[0] or root) + path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert wrong == []


def picture(page: Any, name: str, **settings: Any) -> None:
    """A picture for the documentation, where that is asked for."""
    if os.environ.get("ROLLOUT_SCREENSHOTS"):
        IMAGES.mkdir(exist_ok=True)
        page.screenshot(path=IMAGES / f"{name}.png", **settings)


def shows(page: Any, where: str, text: str) -> None:
    """Wait until that part of the page says so, by itself."""
    playwright.expect(page.locator(where)).to_contain_text(text, timeout=PATIENCE)


def apart(work: Callable[..., Any], *arguments: Any) -> Any:
    """In a thread of its own: the browser's driver has an event loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work, *arguments).result()


def clean(page: Any) -> None:
    """Axe finds nothing, by all of its rules."""
    found = axe.Axe().run(page).response["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in found] == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390], ids=["wide", "phone"])
def test_axe_finds_nothing(opened: Callable[..., Any], dark: bool, width: int) -> None:
    """Every kind of page, light and dark, wide and narrow; and nothing is wider than a phone."""
    look = {"color_scheme": "dark" if dark else "light", "viewport": {"width": width, "height": 844}}
    name = ("phone" if width < 500 else "wide") + ("-dark" if dark else "")
    for path, kind in (
        ("/", "overview"),
        ("/rollouts/emulator/house", "rollout"),
        ("/rollouts/emulator/house/rollback", "rollback"),
    ):
        page = opened(path, **look)
        if kind != "rollback":
            shows(page, "#live-state", "live")
        clean(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        if f"{kind}-{name}" in SHOWN:
            picture(page, f"{kind}-{name}")


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)], ids=["wide", "phone-dark"])
def test_a_fleet(tmp_path: Path, opened: Callable[..., Any], width: int, dark: bool) -> None:
    """Its group, its page and its question, by axe; the picture keeps inside of its frame; and a wave opens by itself
    while a page is open."""
    look = {"color_scheme": "dark" if dark else "light", "viewport": {"width": width, "height": 900}}
    with ExitStack() as stack:
        own = stack.enter_context(site(tmp_path))
        apart(lambda: stack.enter_context(shop(own)))
        address = stack.enter_context(dashboard(own))
        for path in ("/", "/fleets/shop", "/fleets/shop/rollback"):
            page = opened(path, at=address, **look)
            if path != "/fleets/shop/rollback":
                shows(page, "main", "waits for canary")
            clean(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            if (path, width) == ("/fleets/shop", 1280):
                picture(page, "fleet-wide")
            page.context.close()
        page = opened("/fleets/shop", at=address, **look)
        assert page.locator("svg.waves-picture g.box").count() == 3
        apart(own.rollout, "rollback", own.folder / "shop.fleet.yml", "-m", "enough")
        shows(page, "#rows", "failed")
        shows(page, "#waves", "1 of 1 failed")
        page.context.close()


def test_without_javascript(opened: Callable[..., Any]) -> None:
    """The same page, whole."""
    page = opened("/rollouts/emulator/house", java_script_enabled=False)
    assert page.locator("ol.stages > li").count() == 8
    assert page.locator("figure.chart").count() >= 5
    page.get_by_role("link", name="Hold").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Hold house?"


def test_watched_from_nothing_to_done(stand: Site, opened: Callable[..., Any]) -> None:
    """A first release and a second one, made elsewhere, on a page that nobody reloads."""
    plan = stand.folder / "watched.rollout.yml"
    plan.write_text(WATCHED)
    with dashboard(stand) as own, ThreadPoolExecutor(1) as elsewhere:
        page = opened("/rollouts/emulator/watched", at=own)
        badge = page.locator("#now .badge")
        assert "first release" in badge.inner_text()
        page.evaluate("window.neverReloaded = true")
        first = elsewhere.submit(stand.rollout, "apply", plan, "--auto-approve", "--wait")
        shows(page, "#now .badge", "complete")
        assert first.result() == 0
        plan.write_text(WATCHED.replace("v1", "v2"))
        second = elsewhere.submit(stand.rollout, "apply", plan, "--auto-approve", "--wait")
        shows(page, "#now .badge", "releasing")
        shows(page, "#now", "green 10 %")
        assert page.locator("li[aria-current=step]").count() == 1
        assert second.result() == 0
        shows(page, "#now", "green 100 %")
        shows(page, "#history", "promoted green")
        assert page.evaluate("window.neverReloaded")
        page.context.close()
    plan.unlink()
    apart(stand.rollout, "destroy", "--endpoint", "watched", "--yes")


def test_rolled_back_by_keyboard_alone(stand: Site, opened: Callable[..., Any]) -> None:
    """From the list to the confirmed rollback with Tab, Enter and a reason; the traffic is back."""
    apart(stand.at_ten, "keys")
    with dashboard(stand) as own:
        page = opened(at=own)
        page.wait_for_selector("a[href='/rollouts/emulator/keys']")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        _tab_to(page, "keys")
        page.keyboard.press("Enter")
        page.wait_for_url("**/rollouts/emulator/keys")
        _tab_to(page, "Roll back")
        page.keyboard.press("Enter")
        page.wait_for_url("**/rollback")
        _tab_to(page, "", "why")
        page.keyboard.type("the numbers look odd")
        page.keyboard.press("Enter")
        page.wait_for_url("**/rollouts/emulator/keys", timeout=60_000)
        shows(page, "#now .badge", "rolled back")
        assert "rolled back by ann: the numbers look odd" in page.locator("#history").inner_text()
        page.context.close()
    assert stand.split("keys") == {"blue": 100}
    (stand.folder / "keys.rollout.yml").unlink()
    apart(stand.rollout, "destroy", "--endpoint", "keys", "--yes")


def _tab_to(page: Any, text: str, name: str = "") -> None:
    """Press Tab until that is focused; the focus must be seen."""
    for _ in range(80):
        page.keyboard.press("Tab")
        here = page.evaluate("[document.activeElement.textContent.trim(), document.activeElement.id]")
        if (here[1] == name) if name else (here[0] == text):
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
            return
    raise AssertionError(f"{text or name} cannot be reached")


def test_a_thousand_endpoints(tmp_path: Path, browser: Any) -> None:
    """All of them are counted, fifty on a page; filtered on the server; few reads, however many pages look."""
    body = {"location": "westeurope", "identity": {"type": "SystemAssigned"}, "properties": {"authMode": "Key"}}
    (tmp_path / "plans").mkdir()
    (tmp_path / "settings.json").write_text('{"endpoints": 2000}')
    extra = ("--no-processes", "--no-throttle", "--settings", str(tmp_path / "settings.json"))
    with Emulator(tmp_path / "emulator", speed=5000.0, extra=extra) as emulator:
        with ThreadPoolExecutor(4) as pool:
            made = list(
                pool.map(lambda n: emulator.arm("PUT", f"onlineEndpoints/e{n:04}", body).status_code, range(MANY))
            )
        assert set(made) <= {200, 201, 202}
        here = Site(emulator.state_dir, tmp_path / "plans")
        here.write("planned")
        with dashboard(here, "--every", "2s", "--reads", "20") as address:
            page = browser.new_page()
            page.goto(address)
            shows(page, "#rows-title", f"{MANY + 1} of")
            assert page.locator("#rows tbody tr").count() == 50
            clean(page)
            page.get_by_role("link", name="Next", exact=True).click()
            assert "page 2 of 21" in page.locator("#rows-title").inner_text()
            page.get_by_label("Name, plan or stage").fill("e0777")
            page.keyboard.press("Enter")
            page.wait_for_selector("a[href='/rollouts/emulator/e0777']")
            assert page.locator("#rows tbody tr").count() == 1
            emulator.reset()
            for _ in range(20):
                assert Visitor(address).page("/").text.count("no plan") >= 1
            assert emulator.served()["reads"] < 400
            page.close()


def test_the_report_needs_nothing(stand: Site, browser: Any, tmp_path: Path) -> None:
    """Opened as a file, without a network and without a script: charts and evidence are there, and axe is content."""
    file = tmp_path / "report.html"
    assert apart(stand.rollout, "report", stand.folder / "house.rollout.yml", "-o", f"html={file}") == 0
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto(file.as_uri())
    assert page.locator("figure.chart svg.lines").count() >= 5
    assert "<script" not in file.read_text(encoding="utf-8")
    clean(page)
    context.close()
