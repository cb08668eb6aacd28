"""Which Raspberry Pis are emulated: a processor, a Python and a runtime."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from _pytest.mark import ParameterSet


@dataclass(frozen=True)
class Combination:
    """What scripts/arm-setup is told by variables, and the models' outputs must not depend on."""

    processor: str
    python: str
    runtime: str

    def __str__(self) -> str:
        return f"{self.processor} {self.python} {self.runtime}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables of scripts/arm-setup, scripts/arm-machine and of the emulated Python."""
        return {
            "FMNIST_EDGE_ARM_PROCESSOR": self.processor,
            "FMNIST_EDGE_ARM_PYTHON": self.python,
            "FMNIST_EDGE_ARM_RUNTIME": self.runtime,
        }


PARTS = {"cortex-a53": "0xd03", "cortex-a72": "0xd08", "cortex-a76": "0xd0b"}
"""The processors of the Zero 2 W and Pi 3, of the Pi 4, of the Pi 5; as /proc/cpuinfo calls them."""

EVERY_RUN = Combination("cortex-a72", "3.11", "litert")
"""What each run of CI tries. The others are nightly."""

COMBINATIONS = tuple(
    Combination(processor, python, runtime)
    for python, runtime in (("3.11", "litert"), ("3.13", "litert"), ("3.11", "tflite-runtime"))
    for processor in PARTS
)
"""tflite-runtime has no wheel for Python 3.13."""

OF_EACH_PROCESSOR = tuple(one for one in COMBINATIONS if (one.python, one.runtime) == ("3.11", "litert"))
"""LiteRT chooses its kernels by the processor."""

OWN_TESTS = (EVERY_RUN, Combination("cortex-a76", "3.13", "litert"))
"""Where the runtime's own tests run."""


WITH_CAMERA = (Combination("cortex-a53", "3.11", "litert"), Combination("cortex-a76", "3.13", "litert"))
"""The whole computers: each run of CI tries the first, which has as much memory as the Zero 2 W that it stands for."""


def parameters(combinations: Iterable[Combination], in_every_run: Combination = EVERY_RUN) -> list[ParameterSet]:
    """For pytest: all but that one are nightly."""
    return [
        pytest.param(one, id=str(one).replace(" ", "-"), marks=() if one == in_every_run else pytest.mark.nightly)
        for one in combinations
    ]
