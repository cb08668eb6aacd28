"""The views of the run and of the models, in a real Chromium."""

from __future__ import annotations

import socket
import threading
import time
from urllib.parse import urlsplit

import pytest

from tests.edge.serve.page.browser import Browser
from tests.edge.serve.page.served_page import ServedPage, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.subprocess]

LOOKS = """
const image = document.querySelector('#frame'), canvas = document.createElement('canvas');
canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
if (!canvas.width) return '';
canvas.getContext('2d').drawImage(image, 0, 0);
return canvas.toDataURL();
"""
"""The pixels that are shown now."""


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
    browser.open(page.address)
    wait_until(lambda: browser.run(LOOKS), "the last picture, for who comes now")
    page.camera.is_on = True
    page.camera.scene = "Dress"
    wait_until(lambda: not browser.text("#lost"), "no banner", 40)
    browser.wait_for_text("#decision", "Dress")
    before = browser.run(LOOKS)
    wait_until(lambda: browser.run(LOOKS) not in {"", before}, "a picture that moves again")


def test_another_model_is_put_into_service(browser: Browser, page: ServedPage) -> None:
    browser.open(page.address, "models")
    wait_until(lambda: len(browser.all(".model")) > 3, "models")
    assert "answers now" in browser.text(".model.now")
    assert "94.68\u00a0%" in browser.text(".model.now")
    assert "T-shirt/top" in browser.text(".model.now details")
    names = [one.text for one in browser.all(".model h2")]
    assert len(set(names)) == len(names)
    assert {f"Use {name}" for name in names[1:]} == {one.text for one in browser.all(".model > button")}
    for name in ("tiny", "camera"):
        next(one for one in browser.all(".model > button") if one.text == f"Use {name}").click()
        wait_until(lambda name=name: browser.text(".model.now h2") == name, f"{name} in service", 60)
        browser.wait_for_text("#models-said", f"{name} answers now")
        browser.wait_for_text("#fact-model", name)


def test_twenty_look_at_once_and_one_that_stops_reading_slows_nobody(browser: Browser, page: ServedPage) -> None:
    """Each gets pictures; the browser's moves meanwhile. The one that reads nothing more is let go."""
    address = urlsplit(page.address)
    request = f"GET /api/stream.mjpg?view=outline HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode()
    got = [0] * 20
    done = threading.Event()

    def look(viewer: int) -> None:
        with socket.create_connection((str(address.hostname), int(address.port or 0)), 20) as connection:
            connection.sendall(request)
            while not done.is_set():
                got[viewer] += connection.recv(1 << 16).count(b"Content-Length")
                if viewer == 0:
                    done.wait()

    viewers = [threading.Thread(target=look, args=(number,)) for number in range(20)]
    try:
        for one in viewers:
            one.start()
        browser.open(page.address)
        looks = {""}
        wait_until(lambda: looks.add(browser.run(LOOKS)) or len(looks) > 5, "a picture that moves")
        wait_until(lambda: min(got[1:]) > 20, "twenty pictures for each", 60)
        assert got[0] <= 2
    finally:
        done.set()
        for one in viewers:
            one.join()


def test_a_page_in_the_background_asks_for_nothing(browser: Browser, page: ServedPage) -> None:
    browser.open(page.address)
    browser.wait_for_text("#decision", "T-shirt/top")
    see = (
        "Object.defineProperty(document, 'visibilityState', { value: arguments[0], configurable: true });"
        "document.dispatchEvent(new Event('visibilitychange'));"
    )
    browser.run(see, "hidden")
    time.sleep(1)  # what is on its way may come
    requests = "return performance.getEntriesByType('resource').length"
    before = browser.run(requests)
    time.sleep(5)  # two polls
    assert browser.run(requests) == before
    assert browser.one("#frame").get_attribute("src") is None
    page.camera.scene = "Dress"
    browser.run(see, "visible")
    browser.wait_for_text("#decision", "Dress")
    wait_until(lambda: browser.run(LOOKS), "the picture again")
