"""One server and one browser for all tests of the page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

pytest.importorskip("selenium")

from tests.edge.serve.page.browser import DESK, Browser, missing_browser, open_browser
from tests.edge.serve.page.served_page import ServedPage, served_page

TOKEN = "a-token-of-the-page-1234"

RUNNING = ExitStack()
"""Servers and the browser: they classify and draw as long as they run, which takes a core."""


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """End them with the page's last test, not with the session, which may go on for half an hour."""
    if nextitem is None or Path(__file__).parent not in nextitem.path.parents:
        RUNNING.close()


@pytest.fixture(scope="session")
def running() -> Iterator[ExitStack]:
    yield RUNNING
    RUNNING.close()  # after an interrupt


@pytest.fixture(scope="session")
def page(running: ExitStack, tmp_path_factory: pytest.TempPathFactory) -> ServedPage:
    return running.enter_context(served_page(tmp_path_factory.mktemp("page")))


@pytest.fixture(scope="session")
def chromium(running: ExitStack, request: pytest.FixtureRequest) -> Browser:
    missing = missing_browser()
    if missing is not None and "chromium" not in request.config.getoption("--runtimes").split(","):
        pytest.skip(f"no {missing}: scripts/test --all installs it")
    return running.enter_context(open_browser())


@pytest.fixture(scope="session")
def guarded(running: ExitStack, tmp_path_factory: pytest.TempPathFactory) -> ServedPage:
    """Another server, which asks for a token and keeps no frames."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "token").write_text(TOKEN)
    (folder / "token").chmod(0o600)
    return running.enter_context(served_page(folder, "--token-file", str(folder / "token")))


@pytest.fixture
def browser(chromium: Browser, page: ServedPage) -> Iterator[Browser]:
    """The browser as a test wants it: on a desk, with scripts, in the light; nothing is wrong in its console after."""
    page.camera.scene = "T-shirt/top"
    page.camera.is_on = True
    chromium.size(DESK)
    chromium.prefer(color_scheme="light", reduced_motion="no-preference")
    yield chromium
    chromium.scripts(on=True)
    wrong = [one["message"] for one in chromium.driver.get_log("browser") if one["level"] == "SEVERE"]
    assert not wrong
