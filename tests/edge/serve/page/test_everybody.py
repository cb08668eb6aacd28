"""Everybody can use the page: by keyboard, on a phone, in the dark, without scripts, with a screen reader."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.keys import Keys

from edge.serve.web.static import FOLDER
from tests.edge.serve.page.browser import PHONE, Browser, open_label
from tests.edge.serve.page.served_page import ServedPage, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.subprocess]


def test_views_and_the_picture_are_reached_by_keyboard_and_the_focus_is_seen(
    browser: Browser, page: ServedPage
) -> None:
    browser.open(page.address)
    reached: list[str] = []
    for _ in range(9):
        browser.press(Keys.TAB)
        reached.append(str(browser.run("return document.activeElement.textContent || document.activeElement.value")))
        outline = browser.run(
            "const one = document.activeElement;"
            "return getComputedStyle(one.matches('input') ? one.nextElementSibling : one).outlineStyle"
        )
        assert outline == "solid", reached
        if "As a table" in reached[-1]:
            break
    assert [one.split(maxsplit=1)[0] for one in reached[:5]] == ["Live", "Label", "Models", "outline", "Pause"]
    browser.run("document.querySelector('nav a[href=\"#models\"]').focus()")
    browser.press(Keys.ENTER)
    wait_until(lambda: browser.all(".model"), "the models")
    assert browser.run("return document.activeElement.id") == "models-title"
    assert browser.driver.title.startswith("Models")


@pytest.mark.parametrize("view", ["live", "label", "models"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, page: ServedPage, view: str, scheme: str) -> None:
    browser.prefer(color_scheme=scheme)
    if view == "label":
        open_label(browser, page)
    else:
        browser.open(page.address, view)
        wait_until(lambda: browser.all("#history-cells .cell, .model"), "data")
    browser.run("for (const one of document.querySelectorAll('details')) one.open = true")
    assert browser.axe() == []


@pytest.mark.parametrize("view", ["live", "label", "models"])
def test_a_phone_shows_all_in_its_width_with_targets_for_a_thumb(browser: Browser, page: ServedPage, view: str) -> None:
    browser.size(PHONE)
    if view == "label":
        open_label(browser, page)
        assert browser.axe() == []
    else:
        browser.open(page.address, view)
        wait_until(lambda: browser.all("#history-cells .cell, .model"), "data")
    browser.run("for (const one of document.querySelectorAll('details')) one.open = true")
    assert browser.run("return document.documentElement.scrollWidth") == PHONE[0]
    small = browser.run(
        "return [...document.querySelectorAll('a, button, summary, [role=option], .switch label')]"
        ".map((one) => [one.textContent, one.getBoundingClientRect()])"
        ".filter(([, box]) => box.width && (box.width < 44 || box.height < 44)).map(([text]) => text)"
    )
    assert small == []


def test_dark_is_dark_and_reduced_motion_moves_nothing(browser: Browser, page: ServedPage) -> None:
    browser.prefer(color_scheme="dark", reduced_motion="reduce")
    browser.open(page.address)
    ground = browser.run("return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    text = browser.run("return getComputedStyle(document.body).color.match(/\\d+/g).map(Number)")
    assert max(ground[:3]) < 60
    assert min(text[:3]) > 200
    moving = "return getComputedStyle(document.querySelector('#bars .bar'), '::before').transitionDuration"
    assert browser.run(moving) == "0s"


def test_nothing_shifts_when_data_comes(browser: Browser, page: ServedPage) -> None:
    for view in ("live", "label"):
        browser.open(page.address, view)
        browser.run(
            "window.shifted = 0; new PerformanceObserver((list) => { for (const one of list.getEntries()) "
            "window.shifted += one.value; }).observe({ type: 'layout-shift', buffered: true });"
        )
        if view == "live":
            browser.wait_for_text("#decision", "T-shirt/top")
            wait_until(lambda: browser.all("#history-cells .cell"), "the plot")
            page.camera.scene = "empty"
            browser.wait_for_text("#decision", "No garment")
        assert browser.run("return window.shifted") < 0.01


def test_without_scripts_picture_and_answer_are_shown(browser: Browser, page: ServedPage) -> None:
    browser.scripts(on=False)
    browser.open(page.address)
    frame = browser.one("iframe")
    wait_until(lambda: browser.one("noscript img").is_displayed(), "the picture")
    assert not browser.one("#live-view").is_displayed()
    browser.driver.switch_to.frame(frame)
    wait_until(lambda: "T-shirt/top" in browser.shown(), "the answer")
    page.camera.scene = "Trouser"
    wait_until(lambda: "Trouser" in browser.shown(), "the next answer, by itself")
    browser.driver.switch_to.default_content()


def test_the_page_is_small_and_asks_nobody_else(browser: Browser, page: ServedPage) -> None:
    browser.open(page.address)
    browser.wait_for_text("#decision", "T-shirt/top")
    loaded = browser.run("return performance.getEntriesByType('resource').map((one) => one.name)")
    assert all(one.startswith(page.address) for one in loaded)
    sizes = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    assert sum(sizes.values()) < 60_000
    assert max(size for name, size in sizes.items() if name.endswith(".js")) < 20_000
