"""Frames are sorted by hand, in a real Chromium."""

from __future__ import annotations

import io
import urllib.request
import zipfile

import pytest
from selenium.webdriver.common.keys import Keys

from tests.edge.serve.page.browser import Browser, open_label
from tests.edge.serve.page.served_page import ServedPage, put_frames, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.subprocess]


def picked(browser: Browser) -> int:
    return len(browser.all("#grid [aria-selected=true]"))


def sort_into(browser: Browser, words: str) -> None:
    next(one for one in browser.all("#classes button") if one.text.startswith(words)).click()


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


def test_frames_that_come_meanwhile_are_announced_not_pushed_in(browser: Browser, page: ServedPage) -> None:
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


def test_what_cannot_be_moved_is_told_and_nothing_is_lost(browser: Browser, page: ServedPage) -> None:
    ids = open_label(browser, page)
    (page.keep / "Bag").rmdir()
    (page.keep / "Bag").write_text("where the folder should be")
    sort_into(browser, "Bag")
    browser.wait_for_text("#label-said", "nothing is lost")
    assert page.sorted_in("_unsorted") == sorted(ids)
    assert len(browser.all("#grid > *")) == len(ids)
    (page.keep / "Bag").unlink()
    browser.expect_status(507)


def test_names_from_files_are_text(browser: Browser, page: ServedPage) -> None:
    page.put_frames(3)
    hostile = "<img src=/x onerror=document.title='had'>"
    for note in (page.keep / "_unsorted").glob("*.json"):
        note.write_text(note.read_text().replace('"Trouser"', f'"{hostile}"').replace('"Dress"', f'"{hostile}"'))
    browser.open(page.address, "label")
    browser.wait_for_text("#grid", hostile)
    assert not browser.all("#grid .words img")
    assert "had" not in browser.driver.title
