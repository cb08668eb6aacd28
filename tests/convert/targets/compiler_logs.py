"""What Coral's compiler prints, in the form that coral.ai/docs/edgetpu/compiler shows.

The failures are those of google-coral/edgetpu issues 358, 631 and 800, the partly mapped model is as in issue 490.
"""

from __future__ import annotations

BEGINNING = """Edge TPU Compiler version 16.0.384591198
Started a compilation timeout timer of 180 seconds.
"""

SUMMARY = """
Model compiled successfully in 475 ms.

Input model: model.tflite
Input size: 4.08MiB
Output model: ./model_edgetpu.tflite
Output size: 4.43MiB
On-chip memory used for caching model parameters: 4.18MiB
On-chip memory remaining for caching model parameters: 2.80MiB
Off-chip memory used for streaming uncached model parameters: 41.75KiB
Number of Edge TPU subgraphs: 1
Total number of operations: {total}
Operation log: ./model_edgetpu.log
"""

SOME_ON_CPU = """
Model successfully compiled but not all operations are supported by the Edge TPU. A percentage of the model will \
instead run on the CPU, which is slower. If possible, consider updating your model to use only operations supported \
by the Edge TPU. For details, visit g.co/coral/model-reqs.
Number of operations that will run on Edge TPU: 3
Number of operations that will run on CPU: 2
"""

ALL_ROWS = """
Operator                       Count      Status

CONV_2D                        4          Mapped to Edge TPU
SOFTMAX                        1          Mapped to Edge TPU
"""

SOME_ROWS = """
Operator                       Count      Status

CONV_2D                        3          Mapped to Edge TPU
CONV_2D                        1          More than one subgraph is not supported
LEAKY_RELU                     1          Operation not supported
"""

END = """Compilation child process completed within timeout period.
Compilation succeeded!
"""

ALL = BEGINNING + SUMMARY.format(total=5) + ALL_ROWS + END
SOME = BEGINNING + SUMMARY.format(total=5) + SOME_ON_CPU + SOME_ROWS + END

PARSER_FAILS = """Edge TPU Compiler version 16.0.384591198
ERROR: Didn't find op for builtin opcode 'CONV_2D' version '6'. An older version of this builtin might be supported. \
Are you using an old TFLite binary with a newer model?

ERROR: Registration failed.

Invalid model: model.tflite
Model could not be parsed
"""
INTERNAL_ERROR = "Edge TPU Compiler version 15.0.340273435\n\nInternal compiler error. Aborting! \n"
FAILS = BEGINNING + "Compilation child process completed within timeout period.\nCompilation failed! \n"
