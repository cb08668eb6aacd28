"""One file counts: the one that is named, else the environment's, else the machine's, else none."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.service import config_location
from edge.service.config_location import find_config


def test_the_nearest_name_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = tmp_path / "etc.toml"
    monkeypatch.setattr(config_location, "SYSTEM_FILE", system)
    monkeypatch.setenv(config_location.VARIABLE, "")
    assert find_config() is None
    system.touch()
    assert find_config() == system
    monkeypatch.setenv(config_location.VARIABLE, "shop.toml")
    assert find_config() == Path("shop.toml")
    assert find_config(Path("near.toml")) == Path("near.toml")


def test_null_stands_for_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_location, "SYSTEM_FILE", tmp_path)
    monkeypatch.setenv(config_location.VARIABLE, "shop.toml")
    assert find_config(Path("/dev/null")) is None
    monkeypatch.setenv(config_location.VARIABLE, "/dev/null")
    assert find_config() is None
    assert find_config(Path("shop.toml")) == Path("shop.toml")
