"""Load Keras without its backend's log lines."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import suppress


def load_keras() -> None:
    """Import Keras and its backend, keeping what they print on stderr off the screen unless they fail.

    TensorFlow's C++ part logs before it reads TF_CPP_MIN_LOG_LEVEL (2.21: "oneDNN custom operations are on"),
    so file descriptor 2 itself is led aside while it loads.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow (2.21) leaves oneDNN off where a processor lacks AVX512-VNNI; a step takes up to twice as long there.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    sys.stderr.flush()
    screen = os.dup(2)
    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), 2)
        try:
            import keras  # noqa: F401

            # On any backend, keras.utils.set_random_seed loads TensorFlow where it is installed: let it chatter here.
            with suppress(ImportError):
                import tensorflow

                # tf.data's tuning thread wakes after 10 ms, 20 ms, 40 ms up to a minute, and the end of each fit() or
                # predict() waits for it (2.21): up to twice the time. Without tuning there is no thread.
                tensorflow.data.experimental.enable_debug_mode()
        except BaseException:
            aside.seek(0)
            os.write(screen, aside.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(screen, 2)
            os.close(screen)
