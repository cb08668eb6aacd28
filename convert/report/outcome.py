"""The outcome of a conversion: tables for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TextIO

from rich.table import Table

from convert.inputs.source import Source
from convert.pipe_console import PipeConsole
from convert.quantize.search import Found
from convert.report.most_changed import MOST_IN_JSON, most_changed, of_how_many
from convert.targets.runtimes import TargetRun
from convert.targets.target_check import Variant
from convert.tflite import manifest
from convert.verify.layer_errors import LayerError
from convert.verify.parity import ConvertedModel
from edge.inference.accuracy import Evaluation
from edge.printable import printable_json

REPORT_VERSION = 1


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Outcome(ConvertedModel):
    """A finished conversion.

    `runs` are the targets' own runtimes with the model, `variant` is there if MediaPipe is a target.
    """

    source: Source
    found: Found
    layers: Sequence[LayerError]
    notes: Sequence[str]
    seconds: Mapping[str, float]
    runs: Sequence[TargetRun] = ()
    variant: Variant | None = None


def to_json(outcome: Outcome) -> bytes:
    """Everything known about a conversion, as UTF-8 JSON; without folders, so that it can be published."""
    assert outcome.model.manifest is not None
    settings, source, parity = outcome.settings, outcome.source, outcome.parity
    document = {
        "v": REPORT_VERSION,
        "verdict": "passed" if outcome.within_budget else "over budget",
        "scheme": settings.scheme.value,
        "max_drop": settings.max_drop,
        "command": settings.command,
        "notes": list(outcome.notes),
        "keras": {
            "file": settings.source_name,
            "format": source.format.value,
            "sha256": source.sha256,
            "bytes": source.size_bytes,
            "kernel_weights": source.kernel_weights,
            "training": dict(source.record.fields) if source.record else None,
        },
        "int8": {
            "file": settings.model_path.name,
            "written": outcome.within_budget,
            "bytes": len(outcome.content),
            "runtime": parity.runtime,
        },
        "targets": {run.target: run.facts for run in outcome.runs},
        "mediapipe": _variant(outcome),
        "counts": asdict(parity.paired),
        "search": {
            "scored_images": outcome.found.scored,
            "trials": [
                {
                    "rule": trial.candidate.name,
                    "images": trial.candidate.pictures,
                    "scored_images": trial.paired.images,
                    "drop": trial.paired.drop,
                    "agreement": trial.paired.agreement,
                    "chosen": trial is outcome.found.chosen,
                }
                for trial in outcome.found.trials
            ],
        },
        "layers": [asdict(layer) for layer in outcome.layers],
        "float_run": _run(parity.float_run),
        "int8_run": _run(parity.int8_run),
        "manifest": dict(outcome.model.manifest),
        "versions": manifest.versions(),
        "seconds": dict(outcome.seconds),
    }
    return (printable_json(json.dumps(document, indent=1, ensure_ascii=False)) + "\n").encode()


def show(outcome: Outcome, stream: TextIO) -> None:
    """Print the tables and the notes."""
    console = PipeConsole(stream)
    console.print(_summary(outcome))
    console.print(_classes(outcome))
    if len(outcome.found.trials) > 1:
        console.print(_trials(outcome.found))
    for note in outcome.notes:
        console.say(f"note: {note}")
    for line in target_lines(outcome):
        console.say(line)
    console.say(verdict(outcome))


def target_lines(outcome: Outcome) -> list[str]:
    """A sentence for each target's run, and one for MediaPipe's variant."""
    lines = [str(run) for run in outcome.runs]
    if outcome.variant is not None:
        paired = outcome.variant.paired
        lines.append(
            f"{outcome.settings.variant_path.name}: the same network for RGB in bytes; of {paired.images:,} test "
            f"images, {paired.images - paired.same_answer:,} get another answer than from int8"
        )
    return lines


def verdict(outcome: Outcome, written: object = None) -> str:
    """One sentence: passed or not, by how much, and what was written (the model's path, if not told otherwise)."""
    drop, budget = outcome.parity.paired.drop, outcome.settings.max_drop
    scheme = outcome.settings.scheme
    change = f"{scheme} loses {drop:.2f} points" if drop >= 0 else f"{scheme} gains {-drop:.2f} points"
    if outcome.within_budget:
        return f"passed: {change}, {budget:g} are allowed; wrote {written or outcome.settings.model_path}"
    return f"over budget: {change}, {budget:g} are allowed; no model written"


def _variant(outcome: Outcome) -> dict[str, Any] | None:
    if outcome.variant is None:
        return None
    assert outcome.variant.model.manifest is not None
    paired = outcome.variant.paired
    return {
        "file": outcome.settings.variant_path.name,
        "bytes": len(outcome.variant.content),
        "sha256": outcome.variant.model.manifest["sha256"],
        "accuracy": outcome.variant.run.accuracy,
        "other_answers": paired.images - paired.same_answer,
        "drop": paired.drop,
    }


def _run(run: Evaluation) -> dict[str, Any]:
    return {
        "accuracy": run.accuracy,
        "per_class": run.per_class,
        # row = truth, column = prediction
        "confusion": run.confusion.tolist() if len(run.labels) <= MOST_IN_JSON else None,
    }


def _summary(outcome: Outcome) -> Table:
    paired = outcome.parity.paired
    table = Table(title=f"{outcome.model.name} on {paired.images:,} test images")
    table.add_column("")
    for heading in ("float", outcome.settings.scheme, "change"):
        table.add_column(heading, justify="right")
    table.add_row(
        "accuracy", f"{paired.float_accuracy:.2%}", f"{paired.int8_accuracy:.2%}", f"{0 - paired.drop:+.2f} points"
    )
    sizes = outcome.source.size_bytes, len(outcome.content)
    table.add_row("file", f"{sizes[0]:,} bytes", f"{sizes[1]:,} bytes", f"x {sizes[1] / sizes[0]:.2f}")
    table.add_row("same answer", "", f"{paired.agreement:.2%}", "")
    table.add_row("right in one only", f"{paired.only_float}", f"{paired.only_int8}", "")
    return table


def _classes(outcome: Outcome) -> Table:
    float_run, int8_run = outcome.parity.float_run, outcome.parity.int8_run
    table = Table(title=f"recognised of each class{of_how_many(float_run)}")
    table.add_column("class")
    for heading in ("float", outcome.settings.scheme, "change"):
        table.add_column(heading, justify="right")
    before, after = float_run.per_class, int8_run.per_class
    shown = {float_run.labels[number] for number in most_changed(float_run, int8_run)}
    for label in (one for one in before if one in shown):
        change = 100 * (after[label] - before[label])
        table.add_row(label, f"{before[label]:.1%}", f"{after[label]:.1%}", f"{change:+.1f} points")
    return table


def _trials(found: Found) -> Table:
    table = Table(title=f"calibrations, on {found.scored:,} held-out images")
    table.add_column("rule")
    for heading in ("images", "compared on", "change", "same answer"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for trial in found.trials:
        table.add_row(
            trial.candidate.name,
            str(trial.candidate.pictures),
            f"{trial.paired.images:,}",
            f"{0 - trial.paired.drop:+.2f} points",
            f"{trial.paired.agreement:.2%}",
            "chosen" if trial is found.chosen else "",
        )
    return table
