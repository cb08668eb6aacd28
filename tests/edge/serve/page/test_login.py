"""A server that asks for a token, and keeps no frames, in a real Chromium."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.keys import Keys

from tests.edge.serve.page.browser import Browser
from tests.edge.serve.page.served_page import ServedPage, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.subprocess]


def test_the_token_lets_in_until_log_out(browser: Browser, guarded: ServedPage) -> None:
    browser.open(guarded.address)
    assert browser.driver.current_url.endswith("/login#live")
    assert browser.axe() == []
    browser.one("#token").send_keys("nonsense", Keys.ENTER)
    browser.wait_for_text("[role=alert]", "not the token")
    browser.expect_status(403)
    browser.one("#token").send_keys((guarded.keep.parent / "token").read_text(), Keys.ENTER)
    browser.wait_for_text("#decision", "T-shirt/top")

    browser.open(guarded.address, "label")
    browser.wait_for_text("#label-empty", "fmnist-edge serve --camera 0 --keep doubtful")
    assert not browser.one("#label-work").is_displayed()
    assert browser.axe() == []
    browser.expect_status(404)  # there is no folder

    browser.open(guarded.address, "models")
    wait_until(lambda: browser.one("#logout").is_displayed(), "a way out")
    browser.one("#logout button").click()
    wait_until(lambda: browser.all("#token"), "the form again")
    browser.open(guarded.address)
    assert browser.all("#token")
