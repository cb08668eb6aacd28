"""The page in a real Chromium: what a person does with it."""

from __future__ import annotations

import io
import urllib.request
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("selenium")

from selenium.webdriver.common.keys import Keys

from tests.edge.serve.page.browser import DESK, PHONE, Browser, missing_browser, open_browser
from tests.edge.serve.page.served_page import ServedPage, served_page, wait_until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.subprocess]

LOOKS = """
const image = document.querySelector('#frame'), canvas = document.createElement('canvas');
canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
if (!canvas.width) return '';
canvas.getContext('2d').drawImage(image, 0, 0);
return canvas.toDataURL();
"""
"""The pixels that are shown now."""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedPage]:
    with served_page(tmp_path_factory.mktemp("page")) as one:
        yield one


@pytest.fixture(scope="module")
def chromium(request: pytest.FixtureRequest) -> Iterator[Browser]:
    missing = missing_browser()
    if missing is not None and "chromium" not in request.config.getoption("--runtimes").split(","):
        pytest.skip(f"no {missing}: scripts/test --all installs it")
    with open_browser() as one:
        yield one


@pytest.fixture
def browser(chromium: Browser, page: ServedPage) -> Iterator[Browser]:
    """The browser as a test wants it: on a desk, with scripts, in the light; nothing is wrong in its console after."""
    page.camera.scene = "T-shirt/top"
    chromium.size(DESK)
    chromium.prefer(color_scheme="light", reduced_motion="no-preference")
    yield chromium
    chromium.scripts(on=True)
    wrong = [one["message"] for one in chromium.driver.get_log("browser") if one["level"] == "SEVERE"]
    assert not wrong


def picked(browser: Browser) -> int:
    return len(browser.all("#grid [aria-selected=true]"))


def open_label(browser: Browser, page: ServedPage, frames: int = 12) -> list[str]:
    """The view of frames to sort, with so many; their ids, the newest first."""
    ids = page.put_frames(frames)
    browser.open(page.address, "label")
    wait_until(lambda: len(browser.all("#grid > *")) == min(frames, 60), "frames to sort")
    return ids


def sort_into(browser: Browser, words: str) -> None:
    next(one for one in browser.all("#classes button") if one.text.startswith(words)).click()


def test_the_picture_moves_and_the_label_follows_the_scene(browser: Browser, page: ServedPage) -> None:
    browser.open(page.address)
    browser.wait_for_text("#decision", "T-shirt/top")
    looks = {""}
    wait_until(lambda: looks.add(browser.run(LOOKS)) or len(looks) > 3, "a picture that moves")
    page.camera.scene = "Trouser"
    browser.wait_for_text("#decision", "Trouser")
    browser.wait_for_text("#bars li", "Trouser")
    browser.wait_for_text("#spoken", "Trouser")
    page.camera.scene = "empty"
    browser.wait_for_text("#decision", "No garment")
    browser.wait_for_text("#hint", "put a garment there")


def test_the_views_of_a_frame_differ_and_pause_holds_one(browser: Browser, page: ServedPage) -> None:
    browser.open(page.address)
    browser.wait_for_text("#decision", "T-shirt/top")
    sizes = "const one = document.querySelector('#frame'); return [one.naturalWidth, one.naturalHeight];"
    wait_until(lambda: browser.run(sizes) == [640, 480], "the frame")
    browser.one("input[value=network]").click()
    wait_until(lambda: browser.run(sizes)[1] == 224, "what the network sees")
    browser.one("input[value=plain]").click()
    wait_until(lambda: browser.run(sizes) == [640, 480], "the frame again")
    browser.one("#pause").click()
    wait_until(lambda: "frame.jpg" in (browser.one("#frame").get_attribute("src") or ""), "a still picture")
    wait_until(lambda: browser.run("return document.querySelector('#frame').complete"), "it is loaded")
    still = browser.run(LOOKS)
    browser.wait_for_text("#decision", "T-shirt/top")
    page.camera.scene = "Dress"
    browser.wait_for_text("#decision", "Dress")
    assert browser.run(LOOKS) == still


def test_the_last_hour_is_drawn_told_and_listed(browser: Browser, page: ServedPage) -> None:
    browser.open(page.address)
    wait_until(lambda: browser.all("#history-cells .cell"), "a cell of the plot")
    wait_until(lambda: browser.all("#history-score polyline"), "a line")
    told = browser.one("#history").get_attribute("aria-label") or ""
    assert "most often" in told
    assert "%" in told
    browser.one("#history-details summary").click()
    wait_until(lambda: browser.all("#history-rows tr"), "a table")


def test_a_lost_camera_is_told_and_is_found_again(browser: Browser, page: ServedPage) -> None:
    browser.open(page.address)
    browser.wait_for_text("#decision", "T-shirt/top")
    page.camera.is_on = False
    wait_until(lambda: browser.text("#lost"), "a banner", 40)
    assert browser.one("#lost").is_displayed()
    assert browser.one("#lost").get_attribute("role") == "alert"
    browser.wait_for_text("#decision", "Camera lost")
    page.camera.is_on = True
    page.camera.scene = "Dress"
    wait_until(lambda: not browser.text("#lost"), "no banner", 40)
    browser.wait_for_text("#decision", "Dress")
    before = browser.run(LOOKS)
    wait_until(lambda: browser.run(LOOKS) not in {"", before}, "a picture that moves again")


def test_a_tap_sorts_a_frame_and_undo_brings_it_back(browser: Browser, page: ServedPage) -> None:
    ids = open_label(browser, page)
    content = (page.keep / "_unsorted" / f"{ids[0]}.jpg").read_bytes()
    sort_into(browser, "Dress")  # the newest is picked already
    wait_until(lambda: page.sorted_in("Dress") == [ids[0]], "a file that is moved")
    assert (page.keep / "Dress" / f"{ids[0]}.jpg").read_bytes() == content
    browser.wait_for_text("#label-said", "1 frame sorted: Dress")
    browser.wait_for_text("#label-count", "11 to sort")
    assert picked(browser) == 1
    sort_into(browser, "Dress")  # and the next is picked then
    wait_until(lambda: page.sorted_in("Dress") == sorted(ids[:2]), "the next")
    browser.wait_for_text("#classes button:nth-child(4)", "2, needs 8")
    for left in ([ids[0]], []):
        browser.wait_for_text("#label-said", "frame")
        browser.one("#undo").click()
        wait_until(lambda left=left: page.sorted_in("Dress") == left, "a file that is back")
    assert (page.keep / "_unsorted" / f"{ids[0]}.jpg").read_bytes() == content
    wait_until(lambda: not browser.one("#undo").is_enabled(), "nothing to undo")


def test_several_are_sorted_at_once_and_deleted_ones_come_back(browser: Browser, page: ServedPage) -> None:
    ids = open_label(browser, page)
    browser.one("#several").click()
    for place in (1, 3):
        browser.all("#grid > *")[place].click()
    browser.wait_for_text("#label-picked", "3 picked")
    sort_into(browser, "Trouser")
    wait_until(lambda: page.sorted_in("Trouser") == sorted([ids[0], ids[1], ids[3]]), "three files")
    browser.one("#several").click()
    frames = browser.all("#grid > *")
    frames[2].click()
    browser.run("arguments[0].dispatchEvent(new MouseEvent('click', {bubbles: true, shiftKey: true}))", frames[5])
    browser.wait_for_text("#label-picked", "4 picked")
    sort_into(browser, "Delete")
    wait_until(lambda: len(page.sorted_in("_unsorted")) == 5, "four that are gone")
    browser.wait_for_text("#label-said", "4 frames deleted")
    browser.one("#undo").click()
    wait_until(lambda: len(page.sorted_in("_unsorted")) == 9, "all four are back")
    archive = urllib.request.urlopen(browser.one("#zip").get_attribute("href") or "").read()
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        assert sorted(files.namelist()) == sorted(f"Trouser/{one}.jpg" for one in (ids[0], ids[1], ids[3]))


def test_frames_are_sorted_by_keyboard_alone(browser: Browser, page: ServedPage) -> None:
    ids = open_label(browser, page)
    for _ in range(20):
        browser.press(Keys.TAB)
        if browser.run("return document.activeElement.getAttribute('role')") == "option":
            break
    browser.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, "2")
    wait_until(lambda: page.sorted_in("Trouser") == [ids[2]], "the third frame")
    browser.wait_for_text("#label-count", "11 to sort")
    browser.press("n")
    wait_until(lambda: page.sorted_in("_unknown") == [ids[3]], "the next, without another step")
    browser.wait_for_text("#label-count", "10 to sort")
    browser.press(Keys.HOME)
    browser.press_with_shift(Keys.ARROW_RIGHT)
    browser.wait_for_text("#label-picked", "2 picked")
    browser.press(Keys.DELETE)
    wait_until(lambda: len(page.sorted_in("_unsorted")) == 8, "two that are deleted")
    browser.wait_for_text("#label-said", "2 frames deleted")
    browser.press("z")
    wait_until(lambda: len(page.sorted_in("_unsorted")) == 10, "both are back")


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


def test_frames_that_come_meanwhile_are_announced_not_pushed_in(browser: Browser, page: ServedPage) -> None:
    from tests.edge.serve.page.served_page import put_frames

    ids = open_label(browser, page)
    put_frames(page.keep, 14)
    browser.wait_for_text("#newer", "Show 2 new")
    assert [one.get_attribute("data-id") for one in browser.all("#grid > *")] == ids
    browser.one("#newer").click()
    wait_until(lambda: len(browser.all("#grid > *")) == 14, "two more")


def test_more_frames_than_are_shown_follow(browser: Browser, page: ServedPage) -> None:
    open_label(browser, page, 75)
    browser.one("#older").click()
    wait_until(lambda: len(browser.all("#grid > *")) == 75, "older frames")
    assert not browser.one("#older").is_displayed()


def test_the_models_are_shown_and_a_refusal_tells_its_hint(browser: Browser, page: ServedPage) -> None:
    browser.open(page.address, "models")
    wait_until(lambda: len(browser.all(".model")) > 3, "models")
    assert "answers now" in browser.text(".model.now")
    assert "94.08\u00a0%" in browser.text(".model.now")
    assert "T-shirt/top" in browser.text(".model.now details")
    names = [one.text for one in browser.all(".model h2")]
    assert len(set(names)) == len(names)
    assert {f"Use {name}" for name in names[1:]} == {one.text for one in browser.all(".model > button")}


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
    assert browser.one("noscript img").is_displayed()
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
    folder = _page_folder()
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert sum(sizes.values()) < 60_000
    assert max(size for name, size in sizes.items() if name.endswith(".js")) < 20_000


def _page_folder() -> Path:
    from edge.serve.web.static import FOLDER

    return FOLDER
