"""One conversion, step by step: from a float model to an int8 file whose accuracy is measured."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TextIO

from convert import output_files
from convert.inputs import probing, readers
from convert.inputs.framing import frame
from convert.inputs.input_spec import InputSpec, infer_input_spec
from convert.inputs.model_inputs import Inputs, model_inputs
from convert.inputs.source import Source
from convert.inputs.tensorflow_converter import InternalsMissing
from convert.progress import Advance, Stages
from convert.quantize import calibration
from convert.quantize.converter import Calibrate, Calibrated, calibrate, calibrate_flatbuffer, convert_plainly
from convert.quantize.representative import Representative, read_representative
from convert.quantize.search import Found, candidates, search
from convert.quiet import captured
from convert.report.html import to_html
from convert.report.outcome import Outcome, to_json
from convert.report.provenance import provenance
from convert.settings import Scheme, Search, Settings
from convert.targets.operators import Target, parse_targets
from convert.targets.runtimes import parse_pythons
from convert.targets.target_check import run_in_targets
from convert.tflite import manifest, metadata
from convert.verify import guards, parity
from convert.verify.layer_errors import PICTURES, layer_errors
from edge.datasets import dataset
from edge.datasets.dataset import Dataset
from edge.errors import AccuracyBudgetExceeded, BadOption, ConversionRefused, TargetUnmet
from edge.inference.accuracy import Evaluation, evaluate
from edge.inference.classifier import Classifier
from edge.inference.interpreters import Interpreter
from edge.inference.model_file import Model, parse_model
from edge.isolation.network_input import fit_pictures
from edge.spec import SURE, ImageSpec

_ACCURACY_TOLERANCE = 0.002
"""A float accuracy this far from the recorded one means another model, other data or other preprocessing."""

_FEW_IMAGES = 1_000
"""With fewer test images, a single one changes the accuracy by more than 0.1 points."""


def convert(settings: Settings, stream: TextIO) -> Outcome:
    """Convert a model, measure it, and write it with its report. Over budget, write the report alone.

    Progress goes to `stream`. Raises TargetUnmet, FloatModelUnreadable, ConversionRefused, BadOption, OutputFailed,
    ModelError or DatasetError.
    """
    targets = parse_targets(settings.target_list)
    if settings.scheme is Scheme.DYNAMIC and Target.TFLITE_RUNTIME in targets:
        raise TargetUnmet(
            "tflite-runtime loads dynamic-range models but may give wrong answers, without an error",
            "--scheme int8 for it, or --target litert",
        )
    if settings.scheme is not Scheme.INT8 and Target.MEDIAPIPE in targets:
        raise BadOption(f"--target mediapipe is made of int8 models, --scheme is {settings.scheme}", "--scheme int8")
    pythons = parse_pythons(settings.pythons)
    readers.inspect(settings.source_path)
    extra = [settings.variant_path] if Target.MEDIAPIPE in targets else []
    output_files.check_writable(settings.model_path, *extra, settings.report_path, settings.page_path)
    with captured(), Stages(stream) as stages:
        outcome = _run(settings, stages)
        runs, variant = run_in_targets(outcome, targets, pythons, stages)
        outcome = replace(outcome, runs=runs, variant=variant, seconds=dict(stages.seconds))
    files = {settings.report_path: to_json(outcome), settings.page_path: to_html(outcome)}
    if outcome.within_budget:
        files[settings.model_path] = outcome.content
    if outcome.variant is not None:
        files[settings.variant_path] = outcome.variant.content
    output_files.write_all(files)
    return outcome


def enforce_budget(outcome: Outcome) -> None:
    """Raise AccuracyBudgetExceeded unless the outcome is within its budget."""
    if outcome.within_budget:
        return
    settings = outcome.settings
    older = f" (the older {settings.model_path} stays as it was)" if settings.model_path.exists() else ""
    lost = f"{settings.scheme} loses {outcome.parity.paired.drop:.2f} points of accuracy"
    raise AccuracyBudgetExceeded(
        f"{lost}, {settings.max_drop:g} are allowed: no model written{older}; the report is {settings.report_path}",
        _ways_out(settings),
    )


def _engine(source: Source, scheme: Scheme) -> Calibrate:
    """The function that quantises: `calibrate` for int8, `convert_plainly` for the others. Raises ConversionRefused."""
    if scheme is Scheme.INT8 and source.flatbuffer is not None:
        return partial(calibrate_flatbuffer, source.flatbuffer)
    if source.export is None or source.takes_bytes:
        what = "a SavedModel that takes bytes" if source.takes_bytes else "a .tflite"
        raise ConversionRefused(
            f"--scheme {scheme} cannot be made of {what}, only int8",
            "give the Keras file or a SavedModel that takes float32 pixels, or leave --scheme away",
        )
    if scheme is Scheme.INT8:
        return partial(calibrate, source.export)
    return partial(convert_plainly, source.export, scheme=scheme)


def _ways_out(settings: Settings) -> str:
    if settings.scheme is not Scheme.INT8:
        return "allow more with --max-drop"
    if settings.search is Search.FIRST or settings.calibration is not None or settings.calibration_images is not None:
        return "try all calibrations with --search best, or allow more with --max-drop"
    return "train longer or without large weights, or allow more with --max-drop"


def _run(settings: Settings, stages: Stages) -> Outcome:
    with stages.stage("load"):
        labels = dataset.find_labels(settings.data)
        source = readers.load(settings.source_path, labels)
        engine = _engine(source, settings.scheme)
        image, framed = frame(settings.picture, source, labels)
        training, test = (
            dataset.load(split, settings.data, progress=stages.download, reading=stages.reading, image=image)
            for split in ("train", "test")
        )
        interpreter = source.interpreter
        reading = infer_input_spec(settings, source, interpreter, training, image)
        own = _read_own(settings, reading.image, stages)
        pictures, scored = calibration.choose(
            training, reading.held_out, settings.calibration_images, settings.seed, own.images if own else None
        )
    with stages.stage("calibrate", 2 * len(pictures)) as advance:
        inputs = model_inputs(pictures, reading.image, source.input_shape)
        calibrated, notes = _calibrate(engine, source, inputs, reading.image, advance)
    with stages.stage("search", len(candidates(settings, calibrated.rules, len(pictures)))) as advance:
        found = _search(settings, source, interpreter, reading, calibrated, len(pictures), scored, advance)
        scores_one = interpreter.output.shape[-1] < len(labels)
        described = metadata.describe(settings.model_name, reading.image, scores_one=scores_one)
        flatbuffer = metadata.embed(found.chosen.flatbuffer, described)
    score_calibration = source.record.score_calibration if source.record else SURE
    facts = manifest.identity(settings, flatbuffer, labels, reading.image, reading.gives_logits, score_calibration)
    # The measured model is read from the bytes that go to disk. Only the accuracy is added to the manifest afterwards.
    model = parse_model(manifest.attach(flatbuffer, facts), settings.model_path)
    with stages.stage("evaluate float", len(test)) as advance:
        float_run = parity.run_float(interpreter, model, test, advance)
    probing.check_knows_something(source.path, float_run)
    with stages.stage(f"evaluate {settings.scheme}", len(test)) as advance:
        int8_run, runtime = parity.run_int8(model, test, advance)
    compared = parity.AccuracyParity.of(float_run, int8_run, runtime)
    facts["accuracy"] = manifest.accuracy(compared.paired, int8_run, parity.name_data(test))
    photos = source.record.fields.get("photos") if source.record else None
    facts["held_out"] = manifest.held_out(
        int8_run, score_calibration, facts["accuracy"]["data"], photos if isinstance(photos, dict) else {}
    )
    facts["provenance"] = provenance(settings, source, reading.held_out, found, own)
    content = manifest.attach(flatbuffer, facts)
    model = parse_model(content, settings.model_path)
    assert model.flatbuffer == flatbuffer
    notes = (
        *framed,
        *reading.notes,
        *notes,
        *_told_of_size(training, test, reading.image),
        *_told_of(own, test, reading.image),
        *_warnings(source, compared),
    )
    inputs = model_inputs(scored.first(PICTURES).images, reading.image, source.input_shape)
    layers = layer_errors(calibrated.graph, found.chosen.flatbuffer, inputs) if calibrated.graph else ()
    return Outcome(
        settings=settings,
        model=model,
        content=content,
        flatbuffer=found.chosen.flatbuffer,
        test=test,
        parity=compared,
        source=source,
        found=found,
        layers=layers,
        notes=notes,
        seconds=stages.seconds,
    )


def _read_own(settings: Settings, image: ImageSpec, stages: Stages) -> Representative | None:
    if settings.representative is None:
        return None
    return read_representative(settings.representative, image, stages.reading)


def _told_of_size(training: Dataset, test: Dataset, image: ImageSpec) -> list[str]:
    """A note on pictures that are smaller than the model's."""
    smaller, total = training.enlarged + test.enlarged, len(training) + len(test)
    if not smaller:
        return []
    return [f"{smaller:,} of {total:,} pictures are smaller than {image.height}x{image.width}: they are enlarged"]


def _told_of(own: Representative | None, test: Dataset, image: ImageSpec) -> list[str]:
    """Notes on the user's own calibration pictures, and whether some of them are test pictures, too."""
    if own is None:
        return []
    told = [f"calibrated on your own pictures: {len(own.images):,} different ones, SHA-256 {own.sha256}"]
    mine = {picture.tobytes() for picture in own.images}
    shared = len(mine.intersection(fit_pictures(picture[None], image).tobytes() for picture in test.images))
    if shared:
        told.append(f"{shared:,} of them are test pictures, too: the accuracy is measured on pictures that calibrated")
    return told


def _calibrate(
    engine: Calibrate, source: Source, inputs: Inputs, image: ImageSpec, advance: Advance
) -> tuple[Calibrated, tuple[str, ...]]:
    """The calibrated model. Where TensorFlow's internals are missing, the public converter's, with a note."""
    try:
        return engine(inputs, image, advance), ()
    except InternalsMissing as error:
        if source.export is None or source.takes_bytes:
            raise ConversionRefused(
                f"{source.path}: this TensorFlow cannot quantise it: {error}",
                "use TensorFlow 2.21, or give the Keras file",
            ) from error
        note = f"only min-max calibration: {error}; TensorFlow 2.21 offers the other rules"
        return convert_plainly(source.export, inputs, image, advance), (note,)


def _search(
    settings: Settings,
    source: Source,
    interpreter: Interpreter,
    reading: InputSpec,
    calibrated: Calibrated,
    pictures: int,
    scored: Dataset,
    advance: Advance,
) -> Found:
    large = 4 * source.kernel_weights > calibration.LARGE_BYTES
    labels = scored.label_names

    def score(flatbuffer: bytes, count: int) -> Evaluation:
        guards.check(flatbuffer, source.kernel_weights, settings.scheme)
        identity = manifest.identity(settings, flatbuffer, labels, reading.image, reading.gives_logits)
        model = Model(
            settings.model_name,
            settings.model_path,
            flatbuffer,
            labels,
            reading.image,
            gives_logits=reading.gives_logits,
            manifest=identity,
        )
        return parity.run_int8(model, scored.first(count), lambda done: None)[0]

    classifier = Classifier(interpreter, labels, reading.image, reading.gives_logits)
    float_run = evaluate(classifier, scored.images, scored.labels)
    first_look = calibration.FIRST_LOOK_IMAGES if large else None
    return search(settings, calibrated, pictures, float_run, score, advance, first_look)


def _warnings(source: Source, compared: parity.AccuracyParity) -> list[str]:
    """Warnings about the figures: other data than in training, or few pictures."""
    warnings = []
    told = source.record.test_accuracy if source.record else None
    measured, images = compared.paired.float_accuracy, compared.paired.images
    # One picture more or less, which another processor may well see otherwise, is no reason to doubt a small test set.
    if told is not None and abs(told - measured) >= max(_ACCURACY_TOLERANCE, 1.5 / images):
        warnings.append(
            f"training recorded a test accuracy of {told:.2%}, here the float model reaches {measured:.2%}: "
            "other data, another Keras version or another pixel range"
        )
    if images < _FEW_IMAGES:
        warnings.append(f"with {images:,} test images, one of them is {100 / images:.2g} points of accuracy")
    return warnings
