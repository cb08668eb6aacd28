"""A listener for the pins of a Raspberry Pi: a lamp, a relay or a buzzer for each answer."""

from __future__ import annotations

import contextlib
import difflib
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge.errors import BadOption, MissingExtra, OutputFailed
from edge.events.event import CameraBack, CameraLost, Event, Stopped
from edge.events.listeners.listener import ListenerFailed
from edge.frame import Decision, Prediction

if TYPE_CHECKING:
    from collections.abc import Iterable

CAMERA_LOST = "camera_lost"
STATES = (Decision.UNKNOWN.value, Decision.NO_GARMENT.value, CAMERA_LOST)
"""What a pin may stand for beside a label."""

UNCERTAIN = ""
"""The present answer after pins could not be switched: the next event tries again."""


@dataclass(frozen=True, slots=True)
class PinRule:
    """The pin that is on while `answer` holds: a label, or one of STATES. Pins are named as gpiozero names them."""

    answer: str
    pin: str


def parse_pins(texts: Iterable[str], labels: tuple[str, ...]) -> list[PinRule]:
    """The rules of `Sneaker=17`, `no_garment=GPIO22` and the like. Raises BadOption."""
    known = {**{name.casefold(): name for name in (*STATES, *labels)}, **{name: name for name in (*STATES, *labels)}}
    rules = []
    for text in texts:
        answer, pin = split_rule(text)
        name = known.get(answer) or known.get(answer.casefold())
        if name is None:
            near = difflib.get_close_matches(answer.casefold(), known, n=1)
            hint = f"did you mean {known[near[0]]}?" if near else f"one of {', '.join((*labels, *STATES))}"
            raise BadOption(f"--gpio {text}: the model has no label {answer}", hint)
        rules.append(PinRule(name, pin))
    return rules


def split_rule(text: str) -> tuple[str, str]:
    """The two sides of `Sneaker=17`; a label may hold a =. Raises BadOption."""
    answer, _, pin = (part.strip() for part in text.rpartition("="))
    if not (answer and pin):
        raise BadOption(f"--gpio {text} is not understood", "--gpio Sneaker=17")
    return answer, pin


class Gpio:
    """Pins that are on while their answer is the present one; a pin of several answers is on with each of them.

    While the camera is lost there is no present answer. At the end all pins are off.
    """

    name = "gpio"

    def __init__(self, rules: list[PinRule]) -> None:
        self._rules = rules
        self._outputs: dict[str, Any] = {}
        self._lit: str | None = None

    def open(self) -> None:
        """Take the pins and switch them off. Raises MissingExtra, BadOption or OutputFailed."""
        try:
            for rule in self._rules:
                if rule.pin not in self._outputs:
                    self._outputs[rule.pin] = _open_pin(rule.pin)
        except BaseException:
            self._release()
            raise

    def handle(self, event: Event) -> None:
        """Switch pins on and off, if the event changes the present answer. Raises ListenerFailed."""
        what = event.what
        if isinstance(what, Prediction):
            garment = what.best.label if what.decision is Decision.GARMENT and what.best else None
            self._show(garment or what.decision.value)
        elif isinstance(what, CameraLost):
            self._show(CAMERA_LOST)
        elif isinstance(what, CameraBack | Stopped):
            self._show(None)

    def close(self) -> None:
        """Switch all pins off and give them back."""
        self._release()

    def _show(self, answer: str | None) -> None:
        if answer == self._lit:
            return
        on = {rule.pin for rule in self._rules if rule.answer == answer}
        try:
            # First off, then on: a relay for each of two directions never has both.
            for pin, output in self._outputs.items():
                if pin not in on:
                    output.off()
            for pin in on:
                self._outputs[pin].on()
        except Exception as error:  # each pin library has errors of its own
            self._lit = UNCERTAIN
            raise ListenerFailed(f"the pins cannot be switched: {error}") from error
        self._lit = answer

    def _release(self) -> None:
        for output in self._outputs.values():
            with contextlib.suppress(Exception):  # it failed before, and was said
                output.off()
                output.close()
        self._outputs = {}


def _open_pin(name: str) -> Any:
    """An output of gpiozero, switched off."""
    try:
        from gpiozero import DigitalOutputDevice
        from gpiozero.exc import GPIOPinInUse, PinError
    except ImportError as error:
        raise MissingExtra(
            "--gpio needs gpiozero, which this installation leaves out", "pip install 'fmnist-edge[gpio]'"
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # gpiozero's, for each pin library that is not there
            return DigitalOutputDevice(int(name) if name.isdecimal() else name, initial_value=False)
    except ImportError as error:  # BadPinFactory is one
        raise MissingExtra(
            f"--gpio: no library reaches the pins of this machine: {error}",
            "sudo apt install python3-lgpio, in an environment made with python3 -m venv --system-site-packages",
        ) from error
    except GPIOPinInUse as error:
        raise BadOption(
            f"--gpio: pin {name} is named twice, in two ways", "one name for a pin: 17, GPIO17 or BOARD11"
        ) from error
    except PinError as error:
        raise BadOption(f"--gpio: pin {name}: {error}", "a GPIO number such as 17; pinout shows them") from error
    except Exception as error:  # lgpio and RPi.GPIO have errors of their own
        raise OutputFailed(
            f"--gpio: pin {name} cannot be used: {error}",
            "gpioinfo shows who has it; the user must be in the group gpio: sudo usermod -aG gpio $USER",
        ) from error
