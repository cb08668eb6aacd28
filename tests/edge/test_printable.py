"""What a terminal would obey is shown instead; what people write stays as it is."""

from __future__ import annotations

import json
import unicodedata

import pytest

from edge.printable import printable, printable_json, printable_lines

SEEN = {
    "\x1b[31mred": r"\x1b[31mred",
    "\x1b]8;;http://evil.example\x07boot": r"\x1b]8;;http://evil.example\x07boot",
    "\x9b2J": r"\x9b2J",
    "\u202egnp.exe": r"\u202egnp.exe",
    "a\u200bb\ufeff": r"a\u200bb\ufeff",
    "line\nerror: forged": r"line\nerror: forged",
    "right\rwrong\b\x7f": r"right\rwrong\x08\x7f",
    "\u2028\u2029\u0085": r"\u2028\u2029\x85",
    "caf\udce9.png": r"caf\xe9.png",
    "\ud800": r"\ud800",
    "\U000e0041": r"\U000e0041",
}
UNTOUCHED = [
    "T-shirt/top",
    "Stiefelette, größer",
    "ботинок",
    "アンクルブーツ",
    "👢",
    "5.03\u202fPM.png",
    "a\xa0b",
    r"C:\x1b",
    "e\u0301",
]


@pytest.mark.parametrize("text", SEEN)
def test_what_a_terminal_would_obey_is_visible(text: str) -> None:
    assert printable(text) == SEEN[text]


@pytest.mark.parametrize("text", UNTOUCHED)
def test_letters_of_all_scripts_stay(text: str) -> None:
    assert printable(text) == printable_lines(text) == text
    assert printable_json(json.dumps(text, ensure_ascii=False)) == json.dumps(text, ensure_ascii=False)


def test_no_character_that_a_terminal_obeys_comes_through() -> None:
    for number in range(0x110000):
        character = chr(number)
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
            assert printable(character).isascii(), hex(number)
            assert printable(character).isprintable(), hex(number)


def test_lines_stay_lines() -> None:
    assert printable_lines("one\n\ttwo\x1b") == "one\n        two\\x1b"


@pytest.mark.parametrize("text", [*SEEN, *UNTOUCHED])
def test_json_reads_back_the_same(text: str) -> None:
    document = {"label": text, text: [1, None]}
    for indent in (None, 1):
        shown = printable_json(json.dumps(document, ensure_ascii=False, indent=indent))
        assert json.loads(shown) == document
        assert all(character == "\n" or printable(character) == character for character in shown)
