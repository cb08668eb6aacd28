"""A result that is not measured, for what is made of results."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from edge.bench.correctness import Correctness, Verdict
from edge.bench.folder import FolderRate
from edge.bench.pictures import Pictures
from edge.bench.result import Measured, ModelIdentity, NotMeasured, Result, Software
from edge.bench.speed import Speed
from edge.bench.spread import Percentiles, Repeated
from edge.bench.start import NotStarted, Start
from edge.board.conditions import Conditions
from edge.board.description import Board
from edge.choices import Backend
from edge.errors import Cause

CALM = Conditions(48.3, 1500, 0.1, (), (), on_battery=False)
PI_4 = Board(
    "Raspberry Pi 4 Model B Rev 1.4",
    "Cortex-A72",
    (),
    "aarch64",
    64,
    4,
    4,
    None,
    3977,
    "ondemand",
    1800,
    "6.6.31+rpt-rpi-v8",
    "Debian GNU/Linux 12 (bookworm)",
)
ANSWERS = Correctness(300, 283, 0.9433, 0.9111, 0.9643, 0.9408, 0, 1, Verdict.AS_ON_X86)


def speed(pictures: Pictures, total_ms: float, threads: int = 1) -> Speed:
    each = Percentiles(total_ms / 4, total_ms / 3, total_ms / 2)
    stages = dict.fromkeys(("read", "preprocess", "invoke"), each)
    whole = Percentiles(total_ms, total_ms * 1.2, total_ms * 1.5)
    rate, cpu = Repeated(1000 / total_ms, 0.1), Repeated(total_ms * 0.9, 0.1)
    return Speed(
        pictures, threads, 60, 5, {**stages, "total": whole}, Repeated(total_ms, total_ms / 160), rate, cpu, 0.99
    )


def measured(total_ms: float = 80.0, backend: Backend = Backend.LITERT) -> Measured:
    return Measured(
        "camera",
        backend,
        "ai-edge-litert 2.3.0",
        6,
        (
            speed(Pictures.PHOTO, total_ms),
            speed(Pictures.PICTURE, total_ms / 10),
            speed(Pictures.PHOTO, total_ms / 2, threads=4),
        ),
        ANSWERS,
        {
            Pictures.PHOTO: Start(3, Repeated(1310.0, 12.0), Repeated(1250.0, 8.0), 84.2),
            Pictures.PICTURE: NotStarted("this machine lets no program start another"),
        },
        (FolderRate(1, 20, 2, Repeated(12.0, 0.1)), FolderRate(4, 20, 2, Repeated(36.0, 0.1))),
    )


def result(total_ms: float = 80.0) -> Result:
    return Result(
        time=datetime(2026, 11, 30, 8, 15, tzinfo=UTC),
        board=PI_4,
        software=Software("0.1.0", "3.11.2", "2.4.6", "5.0.0"),
        before=CALM,
        after=replace(CALM, temperature_c=61.0),
        models=(ModelIdentity("camera", "a" * 64, 697_000, bundled=True),),
        measured=(measured(total_ms),),
        not_measured=(NotMeasured("camera", Backend.TFLITE_RUNTIME, Cause.NOT_INSTALLED),),
        warnings=(),
        interrupted=False,
    )
