"""The command `convert edgetpu`: parse, compile, print. NumPy and the schema load when the work starts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli import console

if TYPE_CHECKING:
    from convert.targets.edgetpu import CompilerSettings
    from convert.targets.edgetpu_compiler import Log


def edgetpu(
    model: Annotated[str, typer.Argument(help="An int8 .tflite file of any origin, or a bundled model's name.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Where to write; default: MODEL_edgetpu.tflite beside it (a bundled one: here)."
        ),
    ] = None,
    min_mapped: Annotated[
        float,
        typer.Option(help="Percentage of the operations that the Edge TPU has to run; below, exit 12 and no model."),
    ] = 100.0,
    # The compiler itself gives up after 180 s for each piece of the graph that it tries (its --timeout_sec).
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="How long the compiler may take.")] = 600.0,
) -> None:
    """Compile an int8 model for the Edge TPU with Coral's edgetpu_compiler (x86-64 Linux), which must be on PATH.

    Says first what `convert check` expects. The result keeps labels, image spec and accuracy; the compiler's log goes
    beside it, also where it fails.
    """
    console.require_extra("convert", ("flatbuffers",))

    from convert.pipe_console import PipeConsole
    from convert.targets import check_report
    from convert.targets.check import check
    from convert.targets.edgetpu import CompilerSettings, compile_model
    from convert.targets.operators import Target
    from edge.inference.model_file import bundled_models, read_model

    source = read_model(model)
    beside = Path() if model in bundled_models() else source.path.parent
    settings = CompilerSettings(output or beside / f"{source.path.stem}_edgetpu.tflite", min_mapped, timeout)
    screen = PipeConsole(sys.stdout)
    expected = check(source, [Target.EDGETPU])
    if expected.passes(Target.EDGETPU):
        screen.say(check_report.summary(expected, Target.EDGETPU))
    else:
        check_report.show(expected, sys.stdout)
    for line in _summary(compile_model(source, settings), settings):
        screen.say(line)


def _summary(log: Log, settings: CompilerSettings) -> list[str]:
    """What the compiler did, in a few lines."""
    from convert.targets.edgetpu_compiler import MAPPED

    lines = [f"on the CPU: {row.operator} x {row.count}: {row.status}" for row in log.rows if row.status != MAPPED]
    lines += [f"{name}: {size / (1 << 20):.2f} MiB" for name, size in log.memory_bytes.items()]
    lines.append(f"compiler {log.version} mapped {log.mapped} of {log.mapped + log.on_cpu} operations")
    return [*lines, f"wrote {settings.output} and {settings.log_path}"]
