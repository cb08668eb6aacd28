"""Run a .tflite file on pictures in a runtime of this Python. It is run as a program, in environments without convert.

python runtime_child.py RUNTIME MODEL INPUTS.npy OUTPUTS.npy

RUNTIME is ai-edge-litert, tensorflow, tflite-runtime or mediapipe. INPUTS are raw, (N, *input shape without the batch).
OUTPUTS are raw, too, of MediaPipe the scores, float32 (N, classes). The last line on stdout is JSON: the runtime with
its version, and the labels that it gives (MediaPipe alone). Exits with 3 where the runtime is not installed, and says
why on stderr. Needs NumPy and the runtime, nothing of this project.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

ABSENT = 3

try:
    import numpy as np
except ImportError as error:
    sys.stderr.write(f"it has no NumPy: {error}\n")
    sys.exit(ABSENT)

MODULES = {
    "ai-edge-litert": "ai_edge_litert.interpreter",
    "tensorflow": "tensorflow",
    "tflite-runtime": "tflite_runtime.interpreter",
    "mediapipe": "mediapipe",
}


def run_interpreter(module: Any, model: str, inputs: Any) -> tuple[Any, list[str]]:
    """Outputs of an Interpreter, one picture at a time; no labels."""
    interpreter = module.Interpreter(model_content=Path(model).read_bytes(), num_threads=1)
    interpreter.allocate_tensors()
    given, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    outputs = np.empty((len(inputs), *result["shape"][1:]), result["dtype"])
    for number in range(len(inputs)):
        interpreter.set_tensor(given["index"], inputs[number : number + 1])
        interpreter.invoke()
        outputs[number] = interpreter.get_tensor(result["index"])[0]
    return outputs, []


def run_mediapipe(module: Any, model: str, inputs: Any) -> tuple[Any, list[str]]:
    """Scores of the ImageClassifier of MediaPipe Tasks in the order of its labels, and these."""
    tasks = import_module("mediapipe.tasks.python")
    options = tasks.vision.ImageClassifierOptions(base_options=tasks.BaseOptions(model_asset_path=model))
    scores, labels = [], {}
    with tasks.vision.ImageClassifier.create_from_options(options) as classifier:
        for picture in inputs:
            image = module.Image(image_format=module.ImageFormat.SRGB, data=np.ascontiguousarray(picture))
            found = {one.index: one for one in classifier.classify(image).classifications[0].categories}
            labels.update({number: str(one.category_name or "") for number, one in found.items()})
            scores.append([found[number].score for number in sorted(found)])
    return np.array(scores, np.float32), [labels[number] for number in sorted(labels)]


def main(runtime: str, model: str, given: str, result: str) -> int:
    """Run, and write what came out."""
    if runtime == "tflite-runtime" and int(np.__version__.split(".")[0]) >= 2:
        # Its extension is built against numpy 1, and aborts deep inside the import otherwise.
        sys.stderr.write(f"tflite-runtime needs numpy below 2, there is {np.__version__}\n")
        return ABSENT
    try:
        module = import_module(MODULES[runtime])
    except ImportError as error:
        sys.stderr.write(f"{runtime} does not import: {error}\n")
        return ABSENT
    if runtime == "mediapipe":
        outputs, labels = run_mediapipe(module, model, np.load(given))
    else:
        outputs, labels = run_interpreter(getattr(module, "lite", module), model, np.load(given))
    np.save(result, outputs)
    sys.stdout.write(json.dumps({"runtime": f"{runtime} {version(runtime)}", "labels": labels}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
