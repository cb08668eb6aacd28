"""Names that try to command a terminal or a table, and the files that bear them."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from pathlib import Path

from edge.inference.model_file import LABELS_NAME, MANIFEST_NAME, read_model
from edge.sources.grammar import parse_sources

NAME = "\x1b[31m\x1b]8;;http:evil\x07[red]:boot:\x9b2J\u202e\u200b\r\x08"
SHOWN = r"\x1b[31m\x1b]8;;http:evil\x07[red]:boot:\x9b2J\u202e\u200b\r\x08"


def hostile_model(folder: Path) -> Path:
    """`tiny`, with NAME in its name, its first label and its provenance."""
    model = read_model("tiny")
    assert model.manifest is not None
    manifest = json.loads(json.dumps(model.manifest))
    labels = [f"A{NAME}", *model.labels[1:]]
    manifest |= {"name": f"tiny{NAME}", "labels": labels}
    manifest["provenance"] |= {"recipe": f"edge{NAME}", "command": f"train {NAME}"}
    manifest["accuracy"]["data"] = f"data{NAME}"
    file = io.BytesIO(model.flatbuffer)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(LABELS_NAME, "\n".join(labels))
        archive.writestr(MANIFEST_NAME, json.dumps(manifest))
    path = folder / f"model{NAME}.tflite"
    path.write_bytes(file.getvalue())
    return path


def hostile_data(folder: Path, name: str = NAME) -> Path:
    """Two test pictures, the label of one with the letters and digits of `name`: others a folder may not have."""
    data = folder / f"data{name}"
    first = "A" + "".join(filter(str.isalnum, name)) if name else "Coat"
    for label, sample in ((first, "t-shirt-top"), ("Trouser", "trouser")):
        (data / "test" / label).mkdir(parents=True)
        (source,) = (one.where for one in parse_sources(["samples:"]) if one.where.endswith(f"{sample}.png"))
        shutil.copy(source, data / "test" / label)
    return data


def check_printable(text: str) -> None:
    """No character of NAME that a terminal obeys is in the text, and NAME is there to be seen."""
    for character in "\x1b\x07\x9b\u202e\u200b\r\x08":
        assert character not in text, repr(text)
    assert SHOWN in text.replace("\n", ""), text
