"""What the kernel says of its video nodes, and which of them are cameras."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from edge.sources.cameras import v4l2
from edge.sources.cameras.v4l2 import Mode
from tests.edge.sources.fake_video_nodes import CAPTURE, M2M_MPLANE, META, STREAMING, UVC, FakeDev, FakeNode

LAYOUTS = {
    "VIDIOC_QUERYCAP": (v4l2.QUERYCAP, "v4l2_capability", ("driver", "card", "bus_info", "version", "device_caps")),
    "VIDIOC_ENUM_FMT": (v4l2.ENUM_FMT, "v4l2_fmtdesc", ("index", "type", "description", "pixelformat")),
    "VIDIOC_ENUMINPUT": (v4l2.ENUMINPUT, "v4l2_input", ("index", "name", "type")),
    "VIDIOC_ENUM_FRAMESIZES": (
        v4l2.ENUM_FRAMESIZES,
        "v4l2_frmsizeenum",
        ("pixel_format", "type", "discrete.width", "discrete.height", "stepwise.max_width", "stepwise.max_height"),
    ),
    "VIDIOC_ENUM_FRAMEINTERVALS": (
        v4l2.ENUM_FRAMEINTERVALS,
        "v4l2_frmivalenum",
        ("pixel_format", "width", "height", "type", "discrete.numerator", "stepwise.min.numerator", "stepwise.max"),
    ),
}
OFFSETS = {
    "v4l2_capability": [0, 16, 48, 80, 88],
    "v4l2_fmtdesc": [0, 4, 12, 44],
    "v4l2_input": [0, 4, 36],
    "v4l2_frmsizeenum": [4, 8, 12, 16, 16, 28],
    "v4l2_frmivalenum": [4, 8, 12, 16, 20, 20, 28],
}
"""Where v4l2.py's own layouts put these fields."""


@pytest.mark.subprocess
def test_numbers_and_layouts_are_the_kernels(tmp_path: Path) -> None:
    """A C compiler reads linux/videodev2.h."""
    compiler = shutil.which("cc")
    if compiler is None or not Path("/usr/include/linux/videodev2.h").exists():
        pytest.skip("needs a C compiler and the kernel's headers: apt install gcc linux-libc-dev")
    lines = []
    for name, (_query, structure, fields) in LAYOUTS.items():
        places = "".join(f", offsetof(struct {structure}, {one})" for one in fields)
        form = " %zu" * (len(fields) + 1)
        lines.append(f'printf("%u{form}\\n", (unsigned){name}, sizeof(struct {structure}){places});')
    program = "#include <stddef.h>\n#include <stdio.h>\n#include <linux/videodev2.h>\nint main(void){" + "".join(lines)
    (tmp_path / "layouts.c").write_text(program + "}\n")
    subprocess.run([compiler, "-o", tmp_path / "layouts", tmp_path / "layouts.c"], check=True)
    printed = subprocess.run([tmp_path / "layouts"], check=True, capture_output=True, text=True).stdout
    ours = [[number, layout.size, *OFFSETS[structure]] for (number, layout), structure, _fields in LAYOUTS.values()]
    assert [[int(word) for word in line.split()] for line in printed.splitlines()] == ours


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDev:
    return FakeDev(tmp_path, monkeypatch)


def test_a_webcam_tells_its_name_and_modes(dev: FakeDev) -> None:
    node = v4l2.ask(dev.plug_in(0, FakeNode()))
    assert (node.name, node.driver, node.is_camera) == ("HD Pro Webcam C920", "uvcvideo", True)
    assert node.modes == (
        Mode("MJPG", 640, 480, (30, 15)),
        Mode("MJPG", 1280, 720, (30, 15)),
        Mode("MJPG", 1920, 1080, (30,)),
        Mode("YUYV", 640, 480, (30, 15)),
        Mode("YUYV", 1280, 720, (10, 5)),
        Mode("YUYV", 320, 240, (30, 29.97, 15)),
    )


def test_a_format_in_the_other_byte_order_is_called_so(dev: FakeDev) -> None:
    node = v4l2.ask(dev.plug_in(0, FakeNode(modes={"XR24": {(8, 8): (30,)}, "XR2\xb4": {(8, 8): (30,)}})))
    assert [mode.pixel_format for mode in node.modes] == ["XR24", "XR24-BE"]


def test_asked_briefly_it_is_asked_for_one_mode_only(dev: FakeDev) -> None:
    path = dev.plug_in(0, FakeNode())
    v4l2.ask(path)
    thorough = dev.questions
    node = v4l2.ask(path, briefly=True)
    assert node.is_camera
    assert node.modes == (Mode("MJPG", 640, 480, (30, 15)),)
    assert dev.questions - thorough < thorough / 3


def test_a_camera_of_any_size_tells_the_largest(dev: FakeDev) -> None:
    node = v4l2.ask(dev.plug_in(0, FakeNode(modes={"YUYV": {(1600, 1200): (60, 1)}}, any_size=True)))
    assert node.modes == (Mode("YUYV", 1600, 1200, (60, 1)),)


@pytest.mark.parametrize(
    ("what", "node"),
    [
        ("metadata of a webcam", FakeNode(caps=META | STREAMING)),
        ("a codec", FakeNode("bcm2835-codec-decode", "bcm2835-codec", M2M_MPLANE | STREAMING)),
        ("an ISP, which has no input", FakeNode("bcm2835-isp", "bcm2835-isp", UVC, inputs=0)),
        ("no frame sizes", FakeNode(modes={"YUYV": {}})),
        ("no formats", FakeNode(modes={})),
        ("a Pi 5's raw camera", FakeNode("rp1-cfe", "rp1-cfe", CAPTURE | STREAMING | v4l2.IO_MC)),
        ("a Pi 4's raw camera, older kernel", FakeNode("unicam", "unicam", UVC, modes={"pgAA": {(640, 480): ()}})),
    ],
)
def test_what_is_no_camera(dev: FakeDev, what: str, node: FakeNode) -> None:
    asked = v4l2.ask(dev.plug_in(0, node))
    assert not asked.is_camera, what
    assert asked.needs_libcamera == ("raw camera" in what)


def test_nodes_come_by_number(dev: FakeDev) -> None:
    for number in (10, 2, 0):
        dev.plug_in(number, FakeNode())
    (dev.folder / "videoX").touch()
    assert [path.name for path in v4l2.node_paths()] == ["video0", "video2", "video10"]


def test_a_name_of_any_bytes_is_text(dev: FakeDev) -> None:
    node = FakeNode("Kamera \N{LATIN SMALL LETTER A WITH DIAERESIS}" + "x" * 40)
    assert v4l2.ask(dev.plug_in(0, node)).name.startswith("Kamera ä")


def test_what_is_no_video_device_is_an_oserror(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    for path in (Path("/dev/null"), tmp_path / "plain", tmp_path / "nothing"):
        with pytest.raises(OSError):
            v4l2.ask(path)
