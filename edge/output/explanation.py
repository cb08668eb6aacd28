"""Why a picture is classified as it is, in words and as a sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.isolation.garment import LEAST_DISTINCT
from edge.isolation.network_input import see
from edge.output.occlusion import occlusion_map
from edge.output.view_folder import write_picture
from edge.output.view_sheet import draw_sheet
from edge.spec import Framing

if TYPE_CHECKING:
    from pathlib import Path

    from edge.frame import Frame
    from edge.inference.classifier import Classifier


_PARTS = {
    Framing.STRETCH: "whole frame, whatever becomes of its aspect",
    Framing.LETTERBOX: "whole frame with borders",
    Framing.CROP: "middle of the frame",
}


def explain_picture(frame: Frame, classifier: Classifier, sheet: Path) -> list[str]:
    """Write the sheet, and say the same in a few lines. Raises OutputFailed."""
    seen = see(frame.pixels, classifier.image, classifier.views)
    prediction = classifier(frame)
    best = prediction.best
    heat = None if best is None else occlusion_map(classifier, seen.pictures[0], best.label)
    write_picture(draw_sheet(frame, seen, prediction, heat), sheet)
    lines = [f"{frame.source}: {prediction.decision.replace('_', ' ')}"]
    lines += [f"  {one.label:<12} {one.score:6.1%}" for one in prediction.ranked[:3]]
    if 0 < prediction.views < len(seen.pictures):
        lines.append(f"  after {prediction.views} of {len(seen.pictures)} views it was sure")
    if seen.garment is not None:
        garment = seen.garment
        cover = garment.masks[0].mean() if garment.masks else 0.0
        lines.append(f"  the garment covers {cover:.0%} of the frame and {garment.edge_share:.0%} of its edge")
        lines.append(
            f"  its colours differ from the ground's by {garment.distinctness:.2f} ({LEAST_DISTINCT} is enough)"
        )
        if garment.torso is not None:
            lines.append("  a person wears it: the model saw the whole, and the garment without head, arms and legs")
    if not classifier.image.framing.isolates:
        size = f"{classifier.image.height}x{classifier.image.width}"
        lines.append(f"  the model saw the {_PARTS[classifier.image.framing]}, in {size}; no garment is sought for it")
    if prediction.hint:
        lines.append(f"  {prediction.hint}")
    return [*lines, f"{sheet}"]
