"""The process that opens and measures a new version: `python -m edge.fleet.canary_child FILE RUNNING CANARIES`.

What crashes, crashes here, and the memory is given back. RUNNING and CANARIES may be empty. It prints one JSON object.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import FmnistEdgeError, ModelError

if TYPE_CHECKING:
    from edge.fleet.canaries import Canary
    from edge.inference.classifier import Classifier

NICENESS = 10
"""The frames come first."""

_PR_SET_PDEATHSIG = 1


def measured(candidate: str, running: str, canaries: str) -> dict[str, object]:
    """What was found, by key.

    `model` is the SHA-256 of the new version's flatbuffer; `refused` says why it does not run here. `pictures` is how
    many there were (0 where none fit the model), `right` how many of them the new version got right, `only_new` and
    `only_running` how many only one of both. Without these two there was nothing to compare with.
    Raises FmnistEdgeError where it is not the new version's fault.
    """
    from edge.fleet.canaries import canaries_in, right_answers
    from edge.inference.model_file import read_model

    new = read_model(candidate)
    found: dict[str, object] = {"model": new.sha256, "pictures": 0, "right": 0}
    if new.compiled_for_edgetpu:  # the Coral is the run's, which tries it there
        return found
    try:
        classifier = _opened(candidate)
        _check_numbers(classifier)
    except ModelError as error:
        return {"refused": error.message}
    chosen: list[Canary] | None = canaries_in(Path(canaries), classifier.labels) if canaries else None
    theirs, labels = right_answers(classifier, chosen), classifier.labels
    del classifier  # one model at a time is enough for a Pi
    if theirs is not None:
        found |= {"pictures": len(theirs), "right": int(theirs.sum())}
    try:
        old = _opened(running) if running else None
    except FmnistEdgeError:
        return found  # whatever runs is better
    if old is None:
        return found
    if set(old.labels) != set(labels):
        others = ", ".join(sorted(set(old.labels) ^ set(labels)))[:120]
        return {"refused": f"its labels are not those of the version that runs: {others}"}
    ours = right_answers(old, chosen)
    if theirs is not None and ours is not None:
        found |= {"only_new": int((theirs & ~ours).sum()), "only_running": int((ours & ~theirs).sum())}
    return found


def _opened(path: str) -> Classifier:
    """A classifier as `classify` opens it on the CPU. Raises ModelError or BackendUnavailable."""
    from edge.choices import DEFAULT_VIEWS
    from edge.inference.classifier import open_classifier
    from edge.inference.interpreters import open_interpreter
    from edge.inference.model_file import read_model

    model = read_model(path)
    return open_classifier(model, open_interpreter(model), views=DEFAULT_VIEWS)


def _check_numbers(classifier: Classifier) -> None:
    """Raise ModelDamaged for a model that answers with what is no number."""
    import numpy as np

    from edge.errors import ModelDamaged

    scores = classifier.probabilities(np.zeros((1, *classifier.image.shape), np.uint8))
    if not np.isfinite(scores).all():
        raise ModelDamaged("it answers with what is no number")


def _end_with_parent() -> None:
    """Whoever kills the update means this process, too."""
    import ctypes  # NumPy loads it as well
    import signal

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    _end_with_parent()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # each thread takes memory, and there is nothing for them
    os.nice(NICENESS)
    try:
        sys.stdout.write(json.dumps(measured(*sys.argv[1:4])))
    except FmnistEdgeError as problem:
        sys.exit(problem.message)
