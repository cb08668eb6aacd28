"""One server and one browser for all tests of the page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("selenium")

from tests.edge.serve.page.browser import DESK, Browser, missing_browser, open_browser
from tests.edge.serve.page.served_page import ServedPage, served_page

TOKEN = "a-token-of-the-page-1234"


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedPage]:
    with served_page(tmp_path_factory.mktemp("page")) as one:
        yield one


@pytest.fixture(scope="session")
def chromium(request: pytest.FixtureRequest) -> Iterator[Browser]:
    missing = missing_browser()
    if missing is not None and "chromium" not in request.config.getoption("--runtimes").split(","):
        pytest.skip(f"no {missing}: scripts/test --all installs it")
    with open_browser() as one:
        yield one


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedPage]:
    """Another server, which asks for a token and keeps no frames."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "token").write_text(TOKEN)
    (folder / "token").chmod(0o600)
    with served_page(folder, "--token-file", str(folder / "token")) as one:
        yield one


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
