"""The shortest program that classifies one picture with LiteRT: eight_lines.py PICTURE MODEL."""

import sys

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter

pixels = cv2.imread(sys.argv[1], cv2.IMREAD_GRAYSCALE).astype(np.int16) - 128
interpreter = Interpreter(model_path=sys.argv[2], num_threads=1)
interpreter.allocate_tensors()
interpreter.set_tensor(interpreter.get_input_details()[0]["index"], pixels.astype(np.int8)[np.newaxis])
interpreter.invoke()
print(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).argmax())
