"""A secret is one line in a file that only its owner reads. Other files are refused, and never printed."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from edge.errors import SecretRefused
from edge.service.secrets import read_secret, secret_from, without_password
from tests.conftest import ROOT


def secret_file(folder: Path, content: bytes = b"open sesame\n", mode: int = 0o600) -> Path:
    path = folder / "mqtt password"
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("mode", [0o600, 0o400])
@pytest.mark.parametrize("content", [b"open sesame\n", b"open sesame", b"open sesame\r\n"])
def test_one_line_in_a_file_of_ones_own(tmp_path: Path, content: bytes, mode: int) -> None:
    assert read_secret(secret_file(tmp_path, content, mode)) == "open sesame"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644, 0o666, 0o440, 0o601])
def test_a_file_that_others_may_read_is_refused_and_the_hint_mends_it(tmp_path: Path, mode: int) -> None:
    path = secret_file(tmp_path, mode=mode)
    with pytest.raises(SecretRefused, match=rf"others may read this secret \(mode {mode:04o}\)") as caught:
        read_secret(path)
    assert caught.value.exit_code == 2
    subprocess.run(shlex.split(caught.value.hint), check=True)
    assert read_secret(path) == "open sesame"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"sesame\nsecond\n", "several lines"),
        (b"sesame\rsecond", "several lines"),
        (b"sesame\0", "several lines"),
        (b"sesame \xff", "not UTF-8"),
        (b"sesame" * 1000, "longer than 4096 bytes"),
    ],
    ids=str,
)
def test_what_is_not_one_line_is_refused_and_not_printed(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(SecretRefused, match=words) as caught:
        read_secret(secret_file(tmp_path, content))
    assert "sesame" not in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.__cause__ is None


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path, words in (
        (tmp_path / "none", "no such secret file"),
        (tmp_path, "Is a directory"),
        (tmp_path / "pipe", "no regular file"),
        (Path("/dev/null"), "no regular file"),
        (tmp_path / "a\0b", "cannot be read"),
    ):
        with pytest.raises(SecretRefused, match=words):
            read_secret(path)


AS_NOBODY = """
import os, sys
from pathlib import Path
from edge.service.secrets import read_secret
os.setgid(65534); os.setuid(65534)
try:
    print(read_secret(Path(sys.argv[1])))
except ValueError as error:
    print(error.message); print(error.hint)
"""


@pytest.mark.subprocess
@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    def read(path: Path) -> str:
        done = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, str(path)], capture_output=True, text=True, check=True, cwd=ROOT
        )
        return done.stdout

    for folder in (tmp_path, *tmp_path.parents[:-2]):
        folder.chmod(folder.stat().st_mode | 0o011)
    path = secret_file(tmp_path)
    assert read(path).startswith(f"{path}: this user may not read it\nsudo chown 65534")
    os.chown(path, 65534, 65534)
    assert read(path) == "open sesame\n"
    os.chown(path, 1, 1)
    with pytest.raises(SecretRefused, match=r"belongs to another user \(uid 1\)"):
        read_secret(path)


def test_what_systemd_hands_over_may_be_read_by_the_group_and_has_a_short_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = secret_file(tmp_path, mode=0o440)
    with pytest.raises(SecretRefused, match="others may read"):
        read_secret(path)
    with pytest.raises(SecretRefused, match="no such secret file"):
        read_secret(Path(path.name))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert read_secret(path) == read_secret(Path(path.name)) == "open sesame"
    path.chmod(0o444)
    with pytest.raises(SecretRefused, match="others may read"):
        read_secret(path)
    (tmp_path / "deeper").mkdir()
    with pytest.raises(SecretRefused, match="others may read"):
        read_secret(secret_file(tmp_path / "deeper", mode=0o440))


def test_a_file_wins_over_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert secret_from(None, "SHOP_PASSWORD") is None
    monkeypatch.setenv("SHOP_PASSWORD", "from outside")
    assert secret_from(None, "SHOP_PASSWORD") == "from outside"
    assert secret_from(secret_file(tmp_path), "SHOP_PASSWORD") == "open sesame"
    monkeypatch.setenv("SHOP_PASSWORD", "two\nlines")
    with pytest.raises(SecretRefused, match="SHOP_PASSWORD: has several lines"):
        secret_from(None, "SHOP_PASSWORD")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://shop:pw@10.0.0.5/live", "rtsp://shop:***@10.0.0.5/live"),
        ("rtsp://shop:p@w@10.0.0.5/live", "rtsp://shop:***@10.0.0.5/live"),
        ("HTTP://:pw@cam", "HTTP://:***@cam"),
        ("see rtsp://a:b@c and mqtts://d:e@f!", "see rtsp://a:***@c and mqtts://d:***@f!"),
        ("http://cam/snap?user=shop&pwd=geheim&x=1", "http://cam/snap?user=shop&pwd=***&x=1"),
        ("http://a:b@cam/?pwd=c&token=d", "http://a:***@cam/?pwd=***&token=***"),
        ("http://cam/?Password=geheim#top", "http://cam/?Password=***#top"),
        ("http://cam/snap?keyword=shoes&pass=", "http://cam/snap?keyword=shoes&pass="),
        ("rtsp://shop@10.0.0.5/live", "rtsp://shop@10.0.0.5/live"),
        ("http://10.0.0.5:8080/a@b", "http://10.0.0.5:8080/a@b"),
        ("vote:3/5", "vote:3/5"),
    ],
)
def test_passwords_of_addresses_become_stars(text: str, shown: str) -> None:
    assert without_password(text) == shown
