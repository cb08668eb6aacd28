"""A shop that has published one version, its server, and a device that runs it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("tuf", reason="no tuf: pip install 'fmnist-edge[update]'")

from tests.edge.fleet.shop import Device, Server, Shop, serving


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop that has published tiny as v1, and a device that runs it; each test has a copy."""
    folder = tmp_path_factory.mktemp("fleet")
    made = Shop(folder / "shop")
    made.publish("tiny", "v1")
    with serving(made.repository) as served:
        device = Device(folder / "device", made.root, served.url)
        device.update()
        assert device.runs == "v1"
    return folder


@pytest.fixture
def shop(tmp_path: Path, prepared: Path) -> Shop:
    """It has published tiny as v1."""
    shutil.copytree(prepared / "shop", tmp_path / "shop")
    return Shop(tmp_path / "shop")


@pytest.fixture
def server(shop: Shop) -> Iterator[Server]:
    """It tells the truth until it is given a lie."""
    with serving(shop.repository) as served:
        yield served


@pytest.fixture
def device(tmp_path: Path, prepared: Path, shop: Shop, server: Server) -> Device:
    """It runs v1."""
    shutil.copytree(prepared / "device", tmp_path / "device", symlinks=True)
    return Device(tmp_path / "device", shop.root, server.url)
