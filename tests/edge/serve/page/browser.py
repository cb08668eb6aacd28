"""A Chromium without a window, at a page of ours."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.edge.serve.page.served_page import ServedPage, wait_until

if TYPE_CHECKING:
    from selenium.webdriver.remote.webelement import WebElement

PHONE = (360, 740)
DESK = (1280, 860)


def missing_browser() -> str | None:
    """The program that is not installed; None where all are there."""
    return next((name for name in ("chromium", "chromedriver") if shutil.which(name) is None), None)


class Browser:
    """What the tests do with a page, in their words. `driver` is selenium's."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, address: str, view: str = "live") -> None:
        """Load a page anew, without what was stored."""
        self.driver.get("about:blank")
        self.driver.get(f"{address}#{view}")

    def size(self, size: tuple[int, int]) -> None:
        """Another screen."""
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def prefer(self, **features: str) -> None:
        """What the user prefers: color_scheme, reduced_motion."""
        named = [{"name": f"prefers-{name.replace('_', '-')}", "value": value} for name, value in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": named})

    def scripts(self, *, on: bool) -> None:
        """Let pages run scripts, or not."""
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not on})

    def one(self, selector: str) -> WebElement:
        """The element; fails where there is none."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        """All elements."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """What an element says."""
        return str(self.run(f"return document.querySelector({json.dumps(selector)})?.textContent ?? ''"))

    def shown(self) -> str:
        """All that is shown now, also by a page that is just loaded anew."""
        try:
            return self.one("body").text
        except (NoSuchElementException, StaleElementReferenceException):
            return ""

    def wait_for_text(self, selector: str, text: str) -> None:
        """Wait until an element says this, among others."""
        wait_until(lambda: text in self.text(selector), f"{text!r} in {selector}")

    def press(self, *keys: str) -> None:
        """Press keys, one after the other, wherever the focus is."""
        for key in keys:
            webdriver.ActionChains(self.driver).send_keys(key).perform()

    def press_with_shift(self, key: str) -> None:
        """Press a key while Shift is held."""
        webdriver.ActionChains(self.driver).key_down(Keys.SHIFT).send_keys(key).key_up(Keys.SHIFT).perform()

    def run(self, script: str, *arguments: object) -> Any:
        """Run a script in the page."""
        return self.driver.execute_script(script, *arguments)

    def expect_status(self, status: int) -> None:
        """Wait for the console's note of a response with this status, and take it out of there."""
        wait_until(
            lambda: any(str(status) in one["message"] for one in self.driver.get_log("browser")), f"status {status}"
        )

    def axe(self) -> list[str]:
        """What axe-core finds in the page: serious and critical things, with the elements."""
        spec = find_spec("selenium_axe_python")
        assert spec is not None
        assert spec.origin is not None
        self.run((Path(spec.origin).parent / "axe-core" / "axe.min.js").read_text())
        found = self.driver.execute_async_script(
            "const done = arguments[0]; axe.run(document).then((result) => done(result.violations));"
        )
        return [
            f"{one['id']}: {node['target']} {node['failureSummary']}"
            for one in found
            for node in one["nodes"]
            if one["impact"] in {"serious", "critical"}
        ]


def open_label(browser: Browser, page: ServedPage, frames: int = 12) -> list[str]:
    """The view of frames to sort, with so many; their ids, the newest first."""
    ids = page.put_frames(frames)
    browser.open(page.address, "label")
    wait_until(lambda: len(browser.all("#grid > *")) == min(frames, 60), "frames to sort")
    return ids


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A browser, while it runs."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    options.page_load_strategy = "eager"  # a page with a picture that moves is never loaded to its end
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--lang=en"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
    try:
        driver.set_script_timeout(60)
        yield Browser(driver)
    finally:
        driver.quit()
