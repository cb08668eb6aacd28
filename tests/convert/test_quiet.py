"""The converter's chatter: off the screen, at hand, and on the screen after a bug."""

from __future__ import annotations

import os
import sys

import pytest

from convert.quiet import captured
from edge.errors import ConversionRefused


def chatter() -> None:
    os.system("echo from a child; echo and its stderr >&2")
    sys.stdout.write("from Python\n")
    sys.stderr.write("and its stderr\n")


def test_nothing_reaches_the_screen_and_the_last_lines_are_at_hand(capfd: pytest.CaptureFixture[str]) -> None:
    with captured() as last_lines:
        chatter()
        said = last_lines()
    sys.stdout.write("after\n")
    out, err = capfd.readouterr()
    assert (out, err) == ("after\n", "")
    assert said.splitlines() == ["from a child", "and its stderr", "from Python", "and its stderr"]


def test_a_capture_within_a_capture(capfd: pytest.CaptureFixture[str]) -> None:
    with captured() as outer:
        with captured() as inner:
            chatter()
            assert "from Python" in inner()
        sys.stdout.write("between\n")
        assert outer() == "between"
    assert capfd.readouterr() == ("", "")


def test_our_own_error_stays_quiet_and_a_bug_does_not(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConversionRefused), captured():
        chatter()
        raise ConversionRefused("refused")
    assert capfd.readouterr() == ("", "")
    with pytest.raises(ZeroDivisionError), captured():
        chatter()
        _ = 1 / 0
    out, err = capfd.readouterr()
    assert out == ""
    assert "from a child" in err and "from Python" in err


def test_a_stream_kept_from_within_goes_on_working(capfd: pytest.CaptureFixture[str]) -> None:
    """TensorFlow's and absl's loggers keep the sys.stderr that they first met."""
    with captured():
        kept = sys.stderr
    kept.write("later\n")
    assert capfd.readouterr().err == "later\n"
