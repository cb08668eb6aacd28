"""Check a converted model for its targets: by tables and in their runtimes. MediaPipe's variant is made here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.progress import Stages
from convert.targets.check import check
from convert.targets.operators import Target
from convert.targets.runtimes import IMAGES, TargetRun, is_reachable, run_targets
from convert.tflite import manifest, metadata
from convert.tflite.mediapipe_variant import LUMA, is_grey_variant, open_grey, with_rgb_ends
from convert.verify.parity import ConvertedModel, name_data
from edge.choices import Backend
from edge.errors import AccuracyBudgetExceeded, BadOption, TargetUnmet
from edge.inference.accuracy import Evaluation, PairedAccuracy, compare, evaluate
from edge.inference.classifier import open_classifier
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import Model, parse_model
from edge.spec import Colour


@dataclass(frozen=True, slots=True, eq=False)
class Variant:
    """The file for MediaPipe that goes with an int8 model, and how its answers pair with that model's.

    Both on the same test pictures; in `paired` the int8 model stands where the float one does elsewhere.
    """

    model: Model
    content: bytes
    run: Evaluation
    paired: PairedAccuracy


def run_in_targets(
    converted: ConvertedModel, targets: Sequence[Target], pythons: Mapping[Target, Path], stages: Stages
) -> tuple[Sequence[TargetRun], Variant | None]:
    """What the targets make of a converted model; one over its budget is not run, and has no variant.

    Raises TargetUnmet, before anything is written, for a model that a target cannot run in full or answers otherwise
    with; AccuracyBudgetExceeded for a variant that loses more than is allowed; BackendUnavailable.
    """
    check_targets(converted.model, [target for target in targets if target is not Target.MEDIAPIPE])
    variant = None
    if Target.MEDIAPIPE in targets and converted.within_budget:
        variant = _make_variant(converted, stages)
        check_targets(variant.model, [Target.MEDIAPIPE])
    runs = [_run(converted, variant, target, pythons, stages) for target in targets]
    for run in runs:
        if run.complaint:
            raise TargetUnmet(str(run), "name only what the model is meant for with --target")
    return runs, variant


def check_targets(model: Model, targets: Sequence[Target]) -> None:
    """Raise TargetUnmet for a model that a target cannot run in full, by the table of what it knows."""
    found = check(model, targets)
    for target in targets:
        if not found.passes(target):
            finding = next(one for one in found.findings if one.complaints[target])
            raise TargetUnmet(
                f"{target} cannot run {finding.operation.name}, operation {finding.operation.number} of the model: "
                f"{finding.complaints[target]}",
                "name only what the model is meant for with --target; `convert check` shows all operations",
            )


def _run(
    converted: ConvertedModel, variant: Variant | None, target: Target, pythons: Mapping[Target, Path], stages: Stages
) -> TargetRun:
    """The run in one target. LiteRT has run all test pictures already."""
    test, model, content = converted.test, converted.model, converted.content
    if target is Target.LITERT and target not in pythons:
        return TargetRun(target, converted.parity.runtime, images=len(test))
    if not converted.within_budget:
        return TargetRun(target, absent="the model loses more than it may")
    pictures = test.images[:IMAGES]
    if variant is not None and target is Target.MEDIAPIPE:
        model, content = variant.model, variant.content
        pictures = _in_order_of(model, converted, pictures)
    if not is_reachable(target, pythons):
        return run_targets(model, content, [target], pictures[:1], pythons)[0]
    with stages.stage(f"run {target}", len(pictures)):
        return run_targets(model, content, [target], pictures, pythons)[0]


def _in_order_of(variant: Model, converted: ConvertedModel, pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pictures as the variant takes them: red first where the network itself takes blue first."""
    before, after = converted.model.image, variant.image
    assert before is not None and after is not None
    return pictures if before.colour is after.colour else pictures[..., ::-1]


def _make_variant(converted: ConvertedModel, stages: Stages) -> Variant:
    """The variant for MediaPipe, read from the bytes that go to disk, on all test pictures beside the int8 model."""
    plain, settings, test = converted.model, converted.settings, converted.test
    assert plain.image is not None and plain.manifest is not None
    drawn = with_rgb_ends(converted.flatbuffer, plain.image, plain.gives_logits)
    flatbuffer = metadata.embed(drawn, metadata.describe(plain.name, plain.image, is_rgb=True))
    facts = dict(plain.manifest) | {
        "scores": "probabilities",
        "sha256": hashlib.sha256(flatbuffer).hexdigest(),
        "mediapipe": {"made_from_sha256": plain.manifest["sha256"]},
    }
    if plain.image.colour is Colour.GREY:
        facts["mediapipe"]["luma_128ths"] = list(LUMA)
    else:
        facts["image"] = replace(plain.image, colour=Colour.RGB).as_json()
    model = parse_model(manifest.attach(flatbuffer, facts), settings.variant_path)
    interpreter = open_interpreter(model, Backend.LITERT)
    if interpreter.output.shape[-1] < len(model.labels):
        raise BadOption(
            "--target mediapipe: the model gives one score for two labels, MediaPipe wants one for each",
            "leave mediapipe away, or train with two outputs",
        )
    opening = open_grey if is_grey_variant(model, interpreter.input) else open_classifier
    with stages.stage("evaluate mediapipe", len(test)) as advance:
        pictures = _in_order_of(model, converted, test.images)
        run = evaluate(opening(model, interpreter), pictures, test.labels.astype(np.int64), advance)
    beside_float, paired = compare(converted.parity.float_run, run), compare(converted.parity.int8_run, run)
    if max(beside_float.drop, paired.drop) > settings.max_drop:
        raise AccuracyBudgetExceeded(
            f"the variant for MediaPipe loses {beside_float.drop:.2f} points beside float and {paired.drop:.2f} beside "
            f"int8, {settings.max_drop:g} are allowed: nothing written",
            "leave mediapipe out of --target, or allow more with --max-drop",
        )
    facts["accuracy"] = manifest.accuracy(beside_float, run, name_data(test))
    content = manifest.attach(flatbuffer, facts)
    return Variant(parse_model(content, settings.variant_path), content, run, paired)
