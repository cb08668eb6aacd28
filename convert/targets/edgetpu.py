"""A model compiled for the Edge TPU, with the labels, the image spec and the accuracy of the one that it came from."""

from __future__ import annotations

import hashlib
import io
import math
import zipfile
from dataclasses import dataclass
from pathlib import Path

from convert.output_files import check_writable, write_all
from convert.targets.edgetpu_compiler import Log, Run, find_compiler, run_compiler
from convert.tflite import manifest
from edge.errors import BadOption, CompilationFailed, ModelUnsupported, TargetUnmet
from edge.inference.model_file import LABELS_NAME, Model


@dataclass(frozen=True, slots=True)
class CompilerSettings:
    """Options of `convert edgetpu`: `min_mapped` in percent of the operations.

    Raises BadOption.
    """

    output: Path
    min_mapped: float
    timeout_s: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.min_mapped) and 0 <= self.min_mapped <= 100):
            raise BadOption(f"--min-mapped is {self.min_mapped:g}, expected a percentage, 0 to 100")
        if not (math.isfinite(self.timeout_s) and self.timeout_s > 0):
            raise BadOption(f"--timeout is {self.timeout_s:g}, expected seconds, more than 0")
        if self.output.suffix != ".tflite":
            raise BadOption(f"--output {self.output} does not end in .tflite")

    @property
    def log_path(self) -> Path:
        """Where the compiler's log goes: beside the model, as the compiler itself would name it."""
        return self.output.with_suffix(".log")


def compile_model(model: Model, settings: CompilerSettings) -> Log:
    """Compile a model, and write it and the compiler's log; the log alone if too little is mapped.

    Raises BadOption, ModelUnsupported, BackendUnavailable without a compiler, CompilationFailed, TargetUnmet or
    OutputFailed.
    """
    if model.compiled_for_edgetpu:
        raise ModelUnsupported(f"{model.path} is compiled for the Edge TPU already", "compile the model it came from")
    if settings.output.resolve() == model.path.resolve():
        raise BadOption(f"--output {settings.output} would overwrite the model itself")
    program = find_compiler()
    check_writable(settings.output, settings.log_path)
    run = run_compiler(program, model.flatbuffer, settings.timeout_s)
    text = run.log.text.encode()
    if run.flatbuffer is None:
        write_all({settings.log_path: text})
        raise CompilationFailed(
            f"{program.name} failed on {model.path}: {run.failure}", f"all that it said is in {settings.log_path}"
        )
    if run.log.share < settings.min_mapped:
        write_all({settings.log_path: text})
        raise TargetUnmet(
            f"{run.log.share:.1f} % of the operations of {model.path} would run on the Edge TPU, "
            f"expected {settings.min_mapped:g} %; no model written",
            f"{settings.log_path} says which, `convert check` why; --min-mapped allows for less",
        )
    write_all({settings.output: _with_manifest(model, run), settings.log_path: text})
    return run.log


def _with_manifest(model: Model, run: Run) -> bytes:
    """The compiled flatbuffer with what the plain one carried; the accuracy stays that of the plain one."""
    assert run.flatbuffer is not None
    if model.manifest is not None:
        facts = dict(model.manifest) | {
            "sha256": hashlib.sha256(run.flatbuffer).hexdigest(),
            "edgetpu": {
                "compiler": run.log.version,
                "compiled_from_sha256": model.manifest["sha256"],
                "mapped": run.log.mapped,
                "on_cpu": run.log.on_cpu,
            },
        }
        return manifest.attach(run.flatbuffer, facts)
    if not model.labels:
        return run.flatbuffer
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(LABELS_NAME), "\n".join(model.labels) + "\n")
    return run.flatbuffer + zipped.getvalue()
