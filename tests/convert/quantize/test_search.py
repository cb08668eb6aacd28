"""The search: what is tried in which order, when it stops, what it takes, and what the report says of it."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from convert.quantize.search import Candidate, Trial, best, candidates, search
from convert.settings import Rule, Search, Settings
from edge.inference.accuracy import Evaluation, PairedAccuracy
from edge.inference.model_file import read_model

if TYPE_CHECKING:
    from tests.convert.conftest import Converted, Quantize, Trainer

LABELS = ("a", "b")
TRUTH = np.zeros(1000, np.int64)
ALL = Settings(Path("model.keras"), search=Search.BEST)


def answers(wrong: int) -> Evaluation:
    """A thousand answers, the first `wrong` of them wrong."""
    return Evaluation((np.arange(1000) < wrong).astype(np.int64), TRUTH, LABELS)


class Known:
    """A model whose losses are known beforehand: (rule, pictures) -> wrong answers, 300 if not named."""

    rules = tuple(Rule)

    def __init__(self, losses: dict[tuple[Rule, int], int]) -> None:
        self.losses = losses
        self.scored = 0

    def quantise(self, rule: Rule, pictures: int) -> bytes:
        return str(self.losses.get((rule, pictures), 300)).encode()

    def score(self, flatbuffer: bytes, count: int) -> Evaluation:
        self.scored += count
        return answers(int(flatbuffer)).first(count)


def test_all_rules_are_tried_and_then_fewer_pictures() -> None:
    found = candidates(ALL, tuple(Rule), 200)
    assert found[0] == Candidate(Rule.MIN_MAX, 200)
    assert [one.pictures for one in found] == [200] * 6 + [50] * 6 + [10] * 6
    assert len(candidates(ALL, tuple(Rule), 20)) == 12
    pinned = Settings(Path("model.keras"), calibration=Rule.MSE)
    assert candidates(pinned, tuple(Rule), 200) == [Candidate(Rule.MSE, 200)]
    counted = Settings(Path("model.keras"), calibration_images=100)
    assert {one.pictures for one in candidates(counted, tuple(Rule), 100)} == {100}


def test_first_stops_at_the_first_within_the_budget() -> None:
    model = Known({(Rule.MIN_MAX, 200): 20, (Rule.MEAN, 200): 4, (Rule.MSE, 200): 0})
    settings = Settings(Path("model.keras"), max_drop=0.5)
    found = search(settings, model, 200, answers(0), model.score, lambda done: None)
    assert found.chosen.candidate == Candidate(Rule.MEAN, 200)
    assert len(found.trials) == 2


def test_first_takes_the_best_where_none_is_within_the_budget() -> None:
    model = Known({(Rule.MSE, 50): 100})
    settings = Settings(Path("model.keras"), max_drop=0.5)
    found = search(settings, model, 200, answers(0), model.score, lambda done: None)
    assert found.chosen.candidate == Candidate(Rule.MSE, 50)
    assert len(found.trials) == 18


def test_best_tries_all_and_scores_equal_files_once() -> None:
    model = Known({(Rule.MIN_MAX, 200): 20, (Rule.PERCENTILE_99_9, 10): 2})
    seen: list[int] = []
    found = search(ALL, model, 200, answers(0), model.score, seen.append)
    assert found.chosen.candidate == Candidate(Rule.PERCENTILE_99_9, 10)
    assert seen == list(range(1, 19))
    assert model.scored == 3000
    assert found.scored == 1000


class Late(Known):
    """The answers that count come late: of any file the first hundred are right."""

    def score(self, flatbuffer: bytes, count: int) -> Evaluation:
        self.scored += count
        predicted = (np.arange(1000) >= 1000 - int(flatbuffer)).astype(np.int64)
        return Evaluation(predicted, TRUTH, LABELS).first(count)


def test_a_first_look_rules_out_and_does_not_choose() -> None:
    """What a glance at 100 pictures cannot tell apart, all 1,000 do; what it can is not looked at again."""
    hopeless = {(rule, 200): 990 for rule in Rule}
    model = Late(hopeless | {(Rule.MSE, 50): 8, (Rule.MEAN, 50): 30, (Rule.MIN_MAX, 50): 700})
    found = search(ALL, model, 200, answers(0), model.score, lambda done: None, first_look=100)
    assert found.chosen.candidate == Candidate(Rule.MSE, 50)
    assert found.chosen.paired.drop == pytest.approx(0.8)
    assert [trial.paired.images for trial in found.trials[:6]] == [100] * 6
    # Five different files at a glance, four of them (300 stands for all that are not named) thoroughly.
    assert model.scored == 5 * 100 + 4 * 1000
    assert found.scored == 1000


def test_no_more_than_six_are_looked_at_twice() -> None:
    losses = {(rule, pictures): 2 + number for number, (pictures, rule) in enumerate(product((200, 50, 10), Rule))}
    model = Late(losses)
    search(ALL, model, 200, answers(0), model.score, lambda done: None, first_look=500)
    assert model.scored == 18 * 500 + 6 * 1000


def test_first_with_a_first_look_holds_the_budget_on_all() -> None:
    model = Late({(Rule.MIN_MAX, 200): 20, (Rule.MEAN, 200): 4})
    settings = Settings(Path("model.keras"), max_drop=0.5)
    found = search(settings, model, 200, answers(0), model.score, lambda done: None, first_look=100)
    assert found.chosen.candidate == Candidate(Rule.MEAN, 200)
    assert [trial.paired.images for trial in found.trials] == [1000, 1000]


def trial(rule: Rule, only_float: int, only_int8: int, same: int) -> Trial:
    both = 900 - only_float
    return Trial(Candidate(rule, 200), b"", PairedAccuracy(both, only_float, only_int8, 100 - only_int8, same))


def test_within_chance_agreement_decides() -> None:
    """0.3 points between them, each with a standard error of 0.3 to 0.4: the more faithful one is taken."""
    lucky, faithful = trial(Rule.MSE, 3, 6, 970), trial(Rule.MEAN, 5, 5, 985)
    assert best([lucky, faithful]) is faithful
    worse = trial(Rule.MIN_MAX, 30, 5, 999)
    assert best([lucky, worse]) is lucky


@pytest.fixture(scope="module")
def searched(converted: Converted, quantize: Quantize, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("search") / "best.tflite"
    result = quantize(converted.keras, "-o", output, "--max-drop", 2, "--search", "best")
    assert result.exception is None, result.exception
    assert "calibrations, on 1,800 held-out images" in result.stdout
    return output


def test_the_report_and_the_manifest_name_the_choice(searched: Path) -> None:
    report = json.loads(searched.with_name("best.report.json").read_text("utf-8"))
    trials = report["search"]["trials"]
    assert report["search"]["scored_images"] == 1800
    assert len(trials) == 18
    (chosen,) = [one for one in trials if one["chosen"]]
    calibration = read_model(str(searched)).manifest["provenance"]["calibration"]  # type: ignore[index]
    assert (calibration["rule"], calibration["images"]) == (chosen["rule"], chosen["images"])
    assert "--search best" in report["command"]


def test_a_pinned_rule_is_used(converted: Converted, quantize: Quantize, tmp_path: Path) -> None:
    output = tmp_path / "mse.tflite"
    result = quantize(converted.keras, "-o", output, "--max-drop", 2, "--calibration", "mse")
    assert result.exception is None, result.exception
    calibration = read_model(str(output)).manifest["provenance"]["calibration"]  # type: ignore[index]
    assert (calibration["rule"], calibration["images"]) == ("mse", 200)
    assert "--calibration mse" in read_model(str(output)).manifest["provenance"]["convert_command"]  # type: ignore[index]


@pytest.mark.slow
def test_outliers_that_ruin_min_max_are_searched_around(train: Trainer, quantize: Quantize, tmp_path: Path) -> None:
    """A channel leaps to hundreds where a picture is white, and nothing listens to it: min-max gives it all steps.

    Random features and least squares, not training, which ends elsewhere on every processor.
    """
    import keras

    layers = keras.layers
    head = [keras.Input((28, 28)), layers.Rescaling(1 / 255), layers.Reshape((28, 28, 1))]
    features = keras.Sequential([*head, layers.Conv2D(17, 5, strides=3, activation="relu"), layers.Flatten()])
    kernel = np.random.default_rng(5).normal(0, 0.3, (5, 5, 1, 17))
    bias = np.zeros(17)
    kernel[..., 0] = 0
    features.set_weights([kernel, bias])
    seen = features.predict(train.images, verbose=0).astype(np.float64)
    wanted = np.eye(10)[train.labels] - 0.1
    heard = np.linalg.solve(seen.T @ seen + 100 * np.eye(seen.shape[1]), seen.T @ wanted)
    heard[::17] = 0  # channel 0 of each place
    kernel[..., 0], bias[0] = 20_000 / 25, -20_000 * 0.9
    features.set_weights([kernel, bias])
    last = layers.Dense(10, "softmax")
    network = keras.Sequential([features, last])
    network.build((None, 28, 28))
    last.set_weights([10 * heard, np.zeros(10)])
    path = tmp_path / "leaping.keras"
    network.save(path)
    common = (path, "--pixels", "255", "--max-drop")
    plain = quantize(*common, 100, "--calibration", "min-max", "-o", tmp_path / "plain.tflite")
    searched = quantize(*common, 0.3, "--search", "best", "-o", tmp_path / "searched.tflite")
    assert plain.exception is None and searched.exception is None, (plain.exception, searched.exception)
    lost, kept = (
        json.loads((tmp_path / f"{name}.report.json").read_text("utf-8"))["manifest"]["accuracy"]["drop"]
        for name in ("plain", "searched")
    )
    assert lost > 1
    assert kept <= 0.3
