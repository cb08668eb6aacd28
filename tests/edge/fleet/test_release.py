"""Which version a device is to have: by channel, percentage, order, pin, and what was sent away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge.choices import Channel
from edge.errors import BadOption, UpdateFailed
from edge.fleet.device import device_id
from edge.fleet.release import Release, bucket, choose, release_of

DEVICES = [f"device-{number}" for number in range(1000)]


def release(order: int, **shares: int) -> Release:
    named = {Channel(name): share for name, share in shares.items()}
    return Release(f"v{order}", order, named, f"{order:064}", 1000, 0.9)


def chosen(*releases: Release, running: int | None = None, device: str = "a", **more: Any) -> str | None:
    sha256 = None if running is None else f"{running:064}"
    channel = more.pop("channel", Channel.STABLE)
    found = choose(releases, channel, device, sha256, more.pop("refused", ()), **more)
    return None if found is None else found.version


def test_the_newest_of_the_channel_and_a_canary_has_what_is_stable_too() -> None:
    published = release(1, stable=100), release(3, canary=100), release(2, stable=100)
    assert chosen(*published) == "v2"
    assert chosen(*published, channel=Channel.CANARY) == "v3"
    assert chosen(*published[:1], channel=Channel.CANARY) == "v1"
    assert chosen(published[1]) is None


def test_what_runs_stays_unless_something_newer_is_there() -> None:
    published = release(1, stable=100), release(2, stable=100)
    assert chosen(*published, running=2) is None
    assert chosen(*published, running=1) == "v2"
    assert chosen(release(1, stable=100), release(2, stable=0), running=2) is None  # halted, not withdrawn
    assert chosen(release(1, stable=100), running=2) == "v1"  # withdrawn


def test_a_version_that_was_sent_away_is_not_tried_again_unless_it_is_pinned() -> None:
    published = release(1, stable=100), release(2, stable=100)
    assert chosen(*published, running=1, refused={f"{2:064}"}) is None
    assert chosen(*published, refused={f"{2:064}"}) == "v1"
    assert chosen(*published, running=1, refused={f"{2:064}"}, pin="v2") == "v2"


def test_a_pin_holds_an_older_version_and_a_wrong_one_is_refused() -> None:
    published = release(1, stable=0), release(2, stable=100)
    assert chosen(*published, running=2, pin="v1") == "v1"
    assert chosen(*published, running=1, pin="v1.tflite") is None
    with pytest.raises(UpdateFailed, match="no such version"):
        chosen(*published, pin="v3")


@pytest.mark.parametrize("percent", [0, 1, 10, 50, 100])
def test_a_percentage_is_that_share_of_the_devices(percent: int) -> None:
    having = [one for one in DEVICES if chosen(release(1, stable=percent), device=one)]
    assert abs(len(having) - 10 * percent) <= 40  # 3 standard deviations are 47 at the most
    if percent in {0, 100}:
        assert len(having) == 10 * percent


def test_a_percentage_that_grows_keeps_those_who_have_it_and_another_version_has_others_first() -> None:
    first, more = ({one for one in DEVICES if chosen(release(1, stable=share), device=one)} for share in (10, 30))
    assert first < more
    others = {one for one in DEVICES if bucket(one, "v2") < 10}
    assert len(first & others) < len(first) / 2


def test_the_bucket_is_the_same_on_every_machine() -> None:
    assert [bucket(name, "camera-12") for name in ("a", "b", "c")] == BUCKETS


BUCKETS = [93, 49, 15]


@pytest.mark.parametrize(
    "custom",
    [
        None,
        {},
        {"fmnist-edge": {"v": 2, "order": 1, "channels": {}}},
        {"fmnist-edge": {"v": 1, "order": 1}},
        {"fmnist-edge": {"v": 1, "order": 1, "channels": {"stable": 101}}},
        {"fmnist-edge": {"v": 1, "order": 1, "channels": {"stable": True}}},
        {"fmnist-edge": {"v": 1, "order": "x", "channels": {"stable": 1}}},
        {"fmnist-edge": []},
    ],
)
def test_a_target_that_says_nothing_usable_is_none_for_us(custom: Any) -> None:
    assert release_of("v1.tflite", 1, "0" * 64, custom) is None


@pytest.mark.parametrize("name", ["v1", "../v1.tflite", "a/b.tflite", ".v1.tflite", "current.tflite", "-v.tflite"])
def test_a_name_that_could_lead_elsewhere_is_none_for_us(name: str) -> None:
    assert release_of(name, 1, "0" * 64, release(1, stable=1).custom()) is None


def test_what_is_published_is_what_is_read() -> None:
    published = release(7, stable=20, canary=100)
    assert release_of("v7.tflite", 1000, f"{7:064}", published.custom()) == published
    newer = published.custom()
    newer["fmnist-edge"]["channels"]["night"] = 50  # a channel of a newer version
    assert release_of("v7.tflite", 1000, f"{7:064}", newer) == published


def test_a_device_is_called_by_its_machine_id_which_stays_secret(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    with pytest.raises(BadOption, match="names no machine"):
        device_id(None, tmp_path)
    machine = "0123456789abcdef" * 2
    (tmp_path / "etc" / "machine-id").write_text(f"{machine}\n")
    name = device_id(None, tmp_path)
    assert len(name) == 16
    assert name not in machine
    assert device_id(None, tmp_path) == name
    assert device_id("till-4", tmp_path) == "till-4"
    with pytest.raises(BadOption):
        device_id("a b", tmp_path)
