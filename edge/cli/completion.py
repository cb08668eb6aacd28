"""What the shell may offer for an option's value, where Click does not know it."""

from __future__ import annotations

from pathlib import Path

_BUNDLED = Path(__file__).parents[1] / "models"


def model_names(incomplete: str) -> list[str]:
    """Names of bundled models, and .tflite files; where there are none, the shell completes names of files itself."""
    names = [path.stem for path in sorted(_BUNDLED.glob("*.tflite"))]
    folder = incomplete[: incomplete.rfind("/") + 1]
    files = [f"{folder}{path.name}" for path in sorted(Path(folder or ".").glob("*.tflite"))]
    return [name for name in (*names, *files) if name.startswith(incomplete)]
