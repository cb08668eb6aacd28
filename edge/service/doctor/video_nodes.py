"""USB cameras and others that Video4Linux knows: which nodes capture, whether this user may, who has them open."""

from __future__ import annotations

import os
from pathlib import Path

from edge.service.doctor.finding import Finding, fail, ok, warn, worst
from edge.service.doctor.permission import denial
from edge.sources.cameras.v4l2 import ask

NO_CAMERAS = ("bcm2835-codec", "bcm2835-isp", "pispbe", "rpi-hevc", "rpivid", "rp1-cfe", "unicam")
"""How nodes of a Pi are called that are no cameras for OpenCV: codecs, image processors, raw sensors.

So they are told apart without being opened, which this user may not be allowed to."""


def video_nodes(root: Path, has_pi_camera: bool = False) -> Finding:
    """The nodes that capture, by name; a denied one is a failure, one in use a warning.

    None at all is a warning, unless there is a Pi's own camera.
    """
    nodes = sorted((root / "dev").glob("video[0-9]*"), key=lambda node: (len(node.name), node.name))
    findings: list[Finding] = []
    refused: dict[tuple[str, str], list[str]] = {}
    for node in nodes:
        name = _name(node, root)
        title = f"{node} ({name})" if name else str(node)
        if name.startswith(NO_CAMERAS):
            continue
        denied = denial(node, root, "video")
        if denied:
            refused.setdefault(denied, []).append(title)
        elif _is_camera(node):
            findings.append(_camera(node, title, root))
    findings += [fail(f"{', '.join(titles)}: {reason}", mend) for (reason, mend), titles in refused.items()]
    return worst(findings) if findings else _none(len(nodes), has_pi_camera)


def _none(others: int, has_pi_camera: bool) -> Finding:
    """There is no camera, but perhaps other nodes."""
    those = f" (nodes for other things: {others})" if others else ""
    if has_pi_camera:
        return ok(f"no USB camera{those}")
    return warn(
        f"no /dev/video* that captures{those}: only files, streams and a Pi's own camera can be classified",
        "plug a USB camera in, then: ls -l /dev/video*",
    )


def _camera(node: Path, title: str, root: Path) -> Finding:
    """How a camera is that this user may open."""
    users = _users(node, root)
    if users:
        names = ", ".join(f"{program} (process {number})" for number, program in users.items())
        return warn(f"{title} is in use by {names}", f"sudo kill {' '.join(map(str, users))}, or stop its service")
    return ok(title)


def _name(node: Path, root: Path) -> str:
    try:
        return (root / "sys/class/video4linux" / node.name / "name").read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _is_camera(node: Path) -> bool:
    """Whether the driver says so; a node that cannot be asked is believed to."""
    try:
        return ask(node).is_camera
    except OSError:
        return True


def _users(node: Path, root: Path) -> dict[int, str]:
    """Process number -> program of those that have the node open; other users' are seen by root alone."""
    found = {}
    for process in (root / "proc").glob("[0-9]*"):
        try:
            if any(link.readlink() == node for link in (process / "fd").iterdir()):
                found[int(process.name)] = (process / "comm").read_text("utf-8", "replace").strip()
        except OSError:  # another user's, or gone meanwhile
            continue
    found.pop(os.getpid(), None)
    return found
