"""Pins follow the present answer; on gpiozero's mock pins, whose interface is that of the real ones."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.errors import BadOption, MissingExtra, OutputFailed
from edge.events.event import CameraBack, CameraLost, Stopped
from edge.events.listeners.gpio import Gpio, PinRule, parse_pins
from edge.events.listeners.listener import ListenerFailed
from edge.frame import Decision
from edge.sources.live import Loss
from tests.conftest import ROOT, Run
from tests.edge.events.happenings import EACH_KIND, HEARTBEAT, event, prediction

gpiozero = pytest.importorskip("gpiozero")

LABELS = ("T-shirt/top", "Sandal", "Sneaker", "Ankle boot")
RULES = ["Sneaker=17", "Sandal=GPIO27", "unknown=22", "no_garment=23", "camera_lost=24"]


@pytest.fixture(autouse=True)
def pins(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The mock machine's pins."""
    from gpiozero.pins.mock import MockFactory

    factory = MockFactory()
    monkeypatch.setattr(gpiozero.Device, "pin_factory", factory)
    yield factory
    factory.reset()


def lit(pins: Any) -> list[int]:
    return [number for number in (17, 22, 23, 24, 27) if pins.pin(f"GPIO{number}").state]


def opened(*texts: str) -> Gpio:
    listener = Gpio(parse_pins(texts or RULES, LABELS))
    listener.open()
    return listener


def test_the_pin_of_the_present_answer_is_on_and_no_other(pins: Any) -> None:
    listener = opened()
    assert lit(pins) == []
    lost = CameraLost(Loss.STALLED, "no frame", "")
    for what, on in (
        (prediction("Sneaker"), [17]),
        (prediction("Sneaker"), [17]),
        (prediction("Sandal"), [27]),
        (HEARTBEAT, [27]),
        (prediction("Ankle boot"), []),
        (prediction("Sneaker", Decision.UNKNOWN), [22]),
        (prediction("", Decision.NO_GARMENT), [23]),
        (lost, [24]),
        (HEARTBEAT, [24]),
        (CameraBack(3.0, 1), []),
        (prediction("Sneaker"), [17]),
        (Stopped("SIGTERM", 9), []),
    ):
        listener.handle(event(what))
        assert lit(pins) == on
    listener.handle(event(prediction("Sneaker")))
    listener.close()
    assert lit(pins) == []
    opened().close()  # all are free again


def test_one_pin_for_two_answers_and_two_pins_for_one(pins: Any) -> None:
    listener = opened("Sneaker=17", "Sandal=17", "Sneaker=22")
    changes = pins.pin("GPIO17")
    listener.handle(event(prediction("Sneaker")))
    assert lit(pins) == [17, 22]
    changes.clear_states()
    listener.handle(event(prediction("Sandal")))
    assert lit(pins) == [17]
    assert not [one for one in changes.states if not one.state], "a pin that stays on must not flicker"
    listener.close()


def test_off_comes_before_on(pins: Any) -> None:
    listener = opened("Sneaker=17", "Sandal=27")
    order: list[tuple[str, str]] = []
    for name, output in listener._outputs.items():
        off, on = output.off, output.on
        output.off = lambda name=name, off=off: (order.append((name, "off")), off())
        output.on = lambda name=name, on=on: (order.append((name, "on")), on())
    listener.handle(event(prediction("Sandal")))
    order.clear()
    listener.handle(event(prediction("Sneaker")))
    assert order == [("27", "off"), ("17", "on")]
    listener.close()


def test_pins_that_fail_are_tried_again_with_the_next_event(pins: Any) -> None:
    listener = opened("Sneaker=17")
    output = listener._outputs["17"]
    on = output.on

    def fails() -> None:
        raise OSError("Remote I/O error")

    output.on = fails
    for _ in range(2):
        with pytest.raises(ListenerFailed, match="Remote I/O error"):
            listener.handle(event(prediction("Sneaker")))
    output.on = on
    listener.handle(event(prediction("Sneaker")))
    assert lit(pins) == [17]
    listener.close()


def test_every_kind_of_event_is_taken(pins: Any) -> None:
    listener = opened()
    for one in EACH_KIND:
        listener.handle(one)
    assert lit(pins) == []
    listener.close()


def test_rules() -> None:
    assert parse_pins(["T-shirt/top=17", "sneaker = GPIO22", "NO_GARMENT=BOARD11"], LABELS) == [
        PinRule("T-shirt/top", "17"),
        PinRule("Sneaker", "GPIO22"),
        PinRule("no_garment", "BOARD11"),
    ]
    assert parse_pins(["a=b=4"], ("a=b",)) == [PinRule("a=b", "4")]
    assert parse_pins(["HAT=4", "hat=5"], ("HAT", "hat")) == [PinRule("HAT", "4"), PinRule("hat", "5")]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("Sneeker=17", "no label Sneeker", "did you mean Sneaker?"),
        ("camera-lost=17", "no label camera-lost", "did you mean camera_lost?"),
        ("Hat=17", "no label Hat", "one of T-shirt/top, Sandal, Sneaker, Ankle boot, unknown, no_garment, camera_lost"),
        ("Sneaker", "not understood", "--gpio Sneaker=17"),
        ("Sneaker=", "not understood", "--gpio Sneaker=17"),
        ("=17", "not understood", "--gpio Sneaker=17"),
        ("", "not understood", "--gpio Sneaker=17"),
    ],
)
def test_bad_rules_are_errors(text: str, message: str, hint: str) -> None:
    with pytest.raises(BadOption, match=message) as caught:
        parse_pins([text], LABELS)
    assert hint in caught.value.hint


@pytest.mark.parametrize("pin", ["99", "x", "GPIO-1", "17.5", "3V3", "GND"])
def test_no_such_pin_is_an_error_that_leaves_no_pin_taken(pins: Any, pin: str) -> None:
    listener = Gpio(parse_pins(["Sandal=27", f"Sneaker={pin}"], LABELS))
    with pytest.raises(BadOption, match=f"pin {pin}"):
        listener.open()
    opened("Sandal=27").close()


def test_one_pin_under_two_names_is_an_error() -> None:
    with pytest.raises(BadOption, match="named twice"):
        opened("Sneaker=17", "Sandal=BOARD11")


def test_a_pin_that_another_program_has_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """As lgpio fails: with an error class of its own."""

    class LgpioError(Exception):
        pass

    def busy(*_: object, **__: object) -> None:
        raise LgpioError("'GPIO busy'")

    monkeypatch.setattr(gpiozero, "DigitalOutputDevice", busy)
    with pytest.raises(OutputFailed, match="pin 17 cannot be used: 'GPIO busy'") as caught:
        opened("Sneaker=17")
    assert "gpioinfo" in caught.value.hint


def test_without_gpiozero_the_hint_is_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gpiozero", None)
    with pytest.raises(MissingExtra) as caught:
        opened("Sneaker=17")
    assert caught.value.hint == "pip install 'fmnist-edge[gpio]'"


@pytest.mark.subprocess
@pytest.mark.parametrize("library", ["lgpio", "no-such-library", None])
def test_a_machine_without_a_pin_library_is_told_what_to_install(
    fmnist_edge: Run, monkeypatch: pytest.MonkeyPatch, library: str | None
) -> None:
    monkeypatch.delenv("GPIOZERO_PIN_FACTORY", raising=False)
    env = {} if library is None else {"GPIOZERO_PIN_FACTORY": library}
    done = fmnist_edge("classify", "fake:", "--gpio", "Sneaker=17", env=env)
    assert done.returncode == 8
    assert len(done.stderr.splitlines()) == 2
    assert "sudo apt install python3-lgpio" in done.stderr
    assert "--system-site-packages" in done.stderr


@pytest.mark.subprocess
def test_a_misspelt_label_ends_the_command_before_the_first_frame(fmnist_edge: Run) -> None:
    done = fmnist_edge("classify", "fake:", "--gpio", "Sneakr=17")
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean Sneaker?" in done.stderr


@pytest.mark.subprocess
def test_a_rule_in_a_configuration_is_checked_as_one_on_the_command_line(fmnist_edge: Run, tmp_path: Path) -> None:
    config = tmp_path / "shop.toml"
    config.write_text('[classify]\ngpio = ["Sneaker=17", "Sandal"]\n')
    done = fmnist_edge("config", "check", config)
    assert done.returncode == 2
    assert "classify.gpio: --gpio Sandal is not understood" in done.stderr


REPORTS = """
import atexit, sys, gpiozero
from gpiozero.pins.mock import MockPin
def told(self, value, inner=MockPin._set_state):
    inner(self, value)
    print(self.info.name, int(value), file=sys.stderr, flush=True)
MockPin._set_state = told
MockPin.state = property(MockPin._get_state, told)
sys.argv = ["fmnist-edge", *sys.argv[1:]]
from edge.cli.entry import main
main()
"""


@pytest.mark.subprocess
def test_the_command_lights_a_pin_and_switches_it_off_at_sigterm() -> None:
    arguments = ["classify", "fake:", "-f", "json", "--gpio", "T-shirt/top=17", "--gpio", "camera_lost=22"]
    with subprocess.Popen(
        [sys.executable, "-c", REPORTS, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={"GPIOZERO_PIN_FACTORY": "mock", "PYTHONPATH": str(ROOT)},
    ) as process:
        try:
            assert process.stderr is not None
            said: list[str] = []
            deadline = time.monotonic() + 60
            while "GPIO17 1\n" not in said:
                said.append(process.stderr.readline())
                assert time.monotonic() < deadline
            process.send_signal(signal.SIGTERM)
            said += process.stderr.readlines()
            assert process.wait(timeout=30) == 0
        finally:
            process.kill()
    assert [line for line in said if "GPIO17" in line][-1] == "GPIO17 0\n"
    assert "GPIO22 1\n" not in said
