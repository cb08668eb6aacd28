"""The process that an Edge TPU runs in: a program of its own, which edge.inference.edgetpu starts and talks to.

It imports nothing of ours, so that its path is enough to start it. Over a socket it takes the model, then one picture
after the other, and answers each message with a letter, a length and as many bytes.
"""

from __future__ import annotations

import fcntl
import importlib
import json
import os
import signal
import socket
import struct
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

HEADER = struct.Struct("<cQ")
"""A letter and how many bytes follow."""

DATA, TENSORS = b"D", b"T"
NO_LIBRARY, NO_MODEL, NO_ANSWER = b"L", b"M", b"A"
"""What failed: loading the library, loading the model, a picture."""

_LONGEST_CALL_S = 60
"""After so long in one call the kernel ends the process: it cannot outlive a killed command for ever."""

_LONGEST_LOG = 1 << 16


def main() -> None:
    """Open the library and the model, then answer pictures until the other end closes the socket."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)  # for the command, which may want its last frame answered
    descriptor, module, library = sys.argv[1:]
    fcntl.fcntl(2, fcntl.F_SETFL, os.O_APPEND)  # what _shorten_log cuts off stays off
    serve(socket.socket(fileno=int(descriptor)), importlib.import_module(module), library)


def serve(channel: socket.socket, runtime: Any, library: str) -> None:
    """Answer what comes over the socket; a message that says what failed is the last."""
    stage = NO_LIBRARY
    try:
        flatbuffer = receive(channel)
        delegate = _limited(lambda: runtime.load_delegate(library))
        stage = NO_MODEL
        interpreter = _limited(
            lambda: runtime.Interpreter(model_content=flatbuffer, experimental_delegates=[delegate], num_threads=1)
        )
        _limited(interpreter.allocate_tensors)
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
        # The first call carries the weights to the device, and shows what else is wrong.
        _limited(interpreter.invoke)
        send(channel, TENSORS, json.dumps([[_facts(one) for one in side] for side in (inputs, outputs)]).encode())
        stage = NO_ANSWER
        while picture := receive(channel):
            shaped = np.frombuffer(picture, inputs[0]["dtype"]).reshape(inputs[0]["shape"])
            interpreter.set_tensor(inputs[0]["index"], shaped)
            _limited(interpreter.invoke)
            send(channel, DATA, interpreter.get_tensor(outputs[0]["index"]).tobytes())
            _shorten_log()
    except ConnectionError:
        return  # the command is gone
    except (OSError, ValueError, RuntimeError) as error:
        send(channel, stage, str(error).encode())


def _limited(call: Callable[[], Any]) -> Any:
    """What a call into the library gives; SIGALRM ends the process if it never does."""
    signal.alarm(_LONGEST_CALL_S)
    try:
        return call()
    finally:
        signal.alarm(0)


def _facts(tensor: dict[str, Any]) -> dict[str, Any]:
    scale, zero_point = tensor["quantization"]
    return {
        "shape": [int(size) for size in tensor["shape"]],
        "dtype": np.dtype(tensor["dtype"]).name,
        "scale": float(scale),
        "zero_point": int(zero_point),
    }


def _shorten_log() -> None:
    """A library that complains at every picture must not fill the memory: stderr is a file there."""
    if os.fstat(2).st_size > _LONGEST_LOG:
        os.ftruncate(2, 0)


def send(channel: socket.socket, letter: bytes, content: bytes) -> None:
    """Send one message. Raises ConnectionError."""
    channel.sendall(HEADER.pack(letter, len(content)) + content)


def receive(channel: socket.socket) -> bytes:
    """The content of the next message; empty at the end."""
    header = _exactly(channel, HEADER.size)
    return _exactly(channel, HEADER.unpack(header)[1]) if header else b""


def _exactly(channel: socket.socket, size: int) -> bytes:
    content = bytearray()
    while len(content) < size:
        piece = channel.recv(size - len(content))
        if not piece:
            return b""
        content += piece
    return bytes(content)


if __name__ == "__main__":
    main()
