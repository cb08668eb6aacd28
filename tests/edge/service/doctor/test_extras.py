"""Extras: what the package's own metadata offer, and what is there of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.service.doctor.extras import extras
from edge.service.doctor.finding import Status
from tests.edge.service.doctor.planted import plant

METADATA = """Metadata-Version: 2.4
Name: planted-edge
Version: 1
Provides-Extra: heic
Provides-Extra: mqtt
Provides-Extra: dev
Requires-Dist: numpy>=1.26
Requires-Dist: numpy>=1; extra == 'heic'
Requires-Dist: numpy>=1; extra == 'mqtt'
Requires-Dist: nothing-of-this-name>=2; (python_version < '3.99') and extra == 'mqtt'
Requires-Dist: nothing-of-this-name; extra == 'dev'
"""


def test_what_is_installed_and_what_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(tmp_path, {"planted_edge-1.dist-info/METADATA": METADATA})
    monkeypatch.syspath_prepend(tmp_path)
    found = extras("planted-edge")
    assert found.status is Status.OK
    assert found.found == "installed: heic; not installed: mqtt"
    plant(tmp_path, {"nothing_of_this_name-2.dist-info/METADATA": "Name: nothing-of-this-name\nVersion: 2\n"})
    monkeypatch.syspath_prepend(tmp_path)
    assert extras("planted-edge").found == "installed: heic, mqtt; not installed: none"


def test_a_checkout_that_is_not_installed_has_none_to_tell() -> None:
    assert extras("nothing-of-this-name").status is Status.OK
