"""A window that shows each frame with its answer, where OpenCV was installed with a GUI."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from edge.errors import BackendUnavailable
from edge.frame import Frame, Prediction
from edge.opencv import cv2

_TITLE = "fmnist-edge"
_QUIT_KEYS = frozenset({27, ord("q")})  # Esc, q


def shown(pairs: Iterable[tuple[Frame, Prediction]]) -> Iterator[tuple[Frame, Prediction]]:
    """Pass pairs through and show each in a window; the last one stays until q, Esc or the window's close button.

    Raises BackendUnavailable where this OpenCV or this machine has no windows.
    """
    hint = "pip uninstall opencv-python-headless && pip install opencv-python, on a machine with a desktop"
    try:
        cv2.namedWindow(_TITLE, cv2.WINDOW_NORMAL)
    except cv2.error as error:
        raise BackendUnavailable("this OpenCV cannot open windows: it is the headless build", hint) from error
    try:
        for frame, prediction in pairs:
            cv2.imshow(_TITLE, _annotated(frame, prediction))
            yield frame, prediction
            if _dismissed(wait_ms=1):
                return
        while not _dismissed(wait_ms=100):
            continue
    finally:
        cv2.destroyAllWindows()


def _dismissed(wait_ms: int) -> bool:
    """Let the window work for a while: whether its user wants it gone."""
    pressed = cv2.waitKey(wait_ms) & 0xFF in _QUIT_KEYS
    return pressed or cv2.getWindowProperty(_TITLE, cv2.WND_PROP_VISIBLE) < 1


def _annotated(frame: Frame, prediction: Prediction) -> cv2.typing.MatLike:
    """The frame, at least 320 pixels wide, with the answer written into it."""
    factor = max(1, -(-320 // frame.pixels.shape[1]))
    picture = cv2.resize(frame.pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST)
    best = prediction.best
    text = f"{best.label} {best.score:.0%}" if best else "(nothing)"
    for colour, thickness in (((0, 0, 0), 4), ((255, 255, 255), 1)):
        cv2.putText(picture, text, (8, 26), cv2.FONT_HERSHEY_SIMPLEX, 0.8, colour, thickness, cv2.LINE_AA)
    return picture
