"""One network in one runtime, on demand: run by scripts/bench/peers with the Python of the runtime's own environment.

child.py RUNTIME MODEL PICTURES.npy    PICTURES are uint8 (N, 28, 28)

Prints a line of JSON when it is ready: the runtime's version; the seconds of processor time from the start of Python
to the first answer, and the most megabytes up to then; the answers to all pictures. Then it waits for numbers on stdin,
each in a line of its own. For a number N it runs the first N pictures and prints the seconds of processor time that
took, all threads together. It needs NumPy and the runtime, nothing of this project, except for fmnist-edge itself.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

Answer = Callable[[Any], int]


def tflite(module: str, model: str) -> tuple[Answer, Callable[[Any], Any]]:
    """The bare loop: set_tensor, invoke, get_tensor, with one thread, and the bytes already in the input's type."""
    interpreter = import_module(module).Interpreter(model_path=model, num_threads=1)
    interpreter.allocate_tensors()
    (given,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    put, invoke, get = interpreter.set_tensor, interpreter.invoke, interpreter.get_tensor
    into, out_of = given["index"], result["index"]
    scale, zero_point = given["quantization"]

    def prepared(picture: Any) -> Any:
        real = picture.reshape(given["shape"]).astype(np.float32)
        if given["dtype"] == np.float32:
            return real
        limits = np.iinfo(given["dtype"])
        return np.clip(np.rint(real / scale) + zero_point, limits.min, limits.max).astype(given["dtype"])

    def answer(tensor: Any) -> int:
        put(into, tensor)
        invoke()
        return int(get(out_of).argmax())

    return answer, prepared


def onnxruntime(model: str) -> tuple[Answer, Callable[[Any], Any]]:
    """A session on the CPU with one thread and all optimisations of the graph, which is the default."""
    runtime: Any = import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    run, name = session.run, given.name
    return lambda tensor: int(run(None, {name: tensor})[0].argmax()), _floats(given.shape)


def opencv(model: str) -> tuple[Answer, Callable[[Any], Any]]:
    """OpenCV's DNN module with one thread."""
    cv2: Any = import_module("cv2")
    cv2.setNumThreads(1)
    network = cv2.dnn.readNet(model)
    put, forward = network.setInput, network.forward

    def answer(tensor: Any) -> int:
        put(tensor)
        return int(forward().argmax())

    return answer, _floats((1, 28, 28))


def mediapipe(model: str) -> tuple[Answer, Callable[[Any], Any]]:
    """The ImageClassifier of MediaPipe Tasks, for pictures in memory; it takes RGB alone."""
    module, tasks = import_module("mediapipe"), import_module("mediapipe.tasks.python")
    options = tasks.vision.ImageClassifierOptions(base_options=tasks.BaseOptions(model_asset_path=model), max_results=1)
    classifier = tasks.vision.ImageClassifier.create_from_options(options)

    def answer(picture: Any) -> int:
        image = module.Image(image_format=module.ImageFormat.SRGB, data=picture)
        return int(classifier.classify(image).classifications[0].categories[0].index)

    return answer, lambda picture: np.repeat(picture[:, :, np.newaxis], 3, axis=2)


def fmnist_edge(model: str) -> tuple[Answer, Callable[[Any], Any]]:
    """What `fmnist-edge classify` does with a picture of the network's own size, from the bytes to the decision."""
    from edge.frame import Frame
    from edge.inference.classifier import open_classifier
    from edge.inference.interpreters import open_interpreter
    from edge.inference.model_file import read_model

    read = read_model(model)
    classifier = open_classifier(read, open_interpreter(read))
    labels = {label: number for number, label in enumerate(read.labels)}

    def answer(frame: Any) -> int:
        return labels[classifier(frame).best.label]

    return answer, lambda picture: Frame(np.repeat(picture[:, :, np.newaxis], 3, axis=2), "bench", 0, 0.0, 0.0)


def peak_kib() -> int:
    """The most memory so far. getrusage would count that of the process that started this one, too."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0])


def _floats(shape: Any) -> Callable[[Any], Any]:
    return lambda picture: np.ascontiguousarray(picture.reshape(shape).astype(np.float32))


RUNTIMES: dict[str, tuple[str, Callable[[str], tuple[Answer, Callable[[Any], Any]]]]] = {
    "ai-edge-litert": ("ai-edge-litert", lambda model: tflite("ai_edge_litert.interpreter", model)),
    "tflite-runtime": ("tflite-runtime", lambda model: tflite("tflite_runtime.interpreter", model)),
    "tensorflow": ("tensorflow-cpu", lambda model: tflite("tensorflow.lite.python.interpreter", model)),
    "onnxruntime": ("onnxruntime", onnxruntime),
    "opencv": ("opencv-python-headless", opencv),
    "mediapipe": ("mediapipe", mediapipe),
    "fmnist-edge": ("fmnist-edge", fmnist_edge),
}


def main(runtime: str, model: str, pictures_file: str) -> None:
    package, opened = RUNTIMES[runtime]
    pictures = np.load(pictures_file, mmap_mode="r")
    answer, prepared = opened(model)
    answer(prepared(pictures[0]))
    ready = {
        "version": version(package),
        "start_s": time.process_time(),
        "peak_mb": peak_kib() * 1024 / 1e6,
    }
    print(json.dumps(ready | {"answers": [answer(prepared(picture)) for picture in pictures]}), flush=True)
    chosen: list[Any] = []
    for line in sys.stdin:
        if len(chosen) != int(line):
            chosen = [prepared(picture) for picture in pictures[: int(line)]]
        began = time.process_time()
        for one in chosen:
            answer(one)
        print(time.process_time() - began, flush=True)


main(*sys.argv[1:])
