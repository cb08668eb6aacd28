"""The token of the page: made whole or not at all, for its owner alone."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from edge.errors import OutputFailed, SecretRefused
from edge.service.token_file import make_token, read_token


def test_a_token_is_for_its_owner_alone_and_no_two_are_alike(tmp_path: Path) -> None:
    file = tmp_path / "state" / "token"
    first = make_token(file)
    assert read_token(file) == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert make_token(file) != first
    assert [path.name for path in file.parent.iterdir()] == ["token"]


def test_a_link_is_replaced_and_what_it_points_to_stays(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("not ours")
    (tmp_path / "token").symlink_to(tmp_path / "other")
    make_token(tmp_path / "token")
    assert (tmp_path / "other").read_text() == "not ours"


def test_where_none_can_be_kept_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputFailed, match="no token can be kept") as failed:
        make_token(tmp_path / "file" / "token")
    assert "--token-file" in failed.value.hint
    (tmp_path / "token").mkdir()
    with pytest.raises(OutputFailed):
        make_token(tmp_path / "token")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "token"]


@pytest.mark.parametrize("text", ["short", "with a space in the middle", "schlüssel-schlüssel", "tab\ttab\ttab\ttab\t"])
def test_a_token_that_a_header_cannot_carry_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "token"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(SecretRefused, match="a token has 16 letters"):
        read_token(file)
