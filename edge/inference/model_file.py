"""One .tflite file with everything in it: the flatbuffer, and a zip appended to it with labels and a manifest.

The appended zip is that of standard TFLite Metadata (ai.google.dev/edge/litert/models/metadata), which every
TFLite runtime skips. Beside `labels.txt` it holds `manifest.json`: image spec, labels, accuracy, provenance
and the SHA-256 of the flatbuffer, which is checked before any interpreter sees a byte of it, because
interpreters crash on damaged files.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.choices import DEFAULT_MODEL
from edge.documents import parse_json, read_limited
from edge.errors import ModelDamaged, ModelNotFound, ModelUnsupported
from edge.spec import SURE, ImageSpec, ScoreCalibration

if TYPE_CHECKING:
    from edge.inference.signature import Signature
    from edge.inference.trusted_keys import TrustedKeys

MANIFEST_NAME = "manifest.json"
LABELS_NAME = "labels.txt"
MANIFEST_VERSION = 2
"""The newest that is read. Of version 1 are models of isolated garments in grey: older versions run them, too."""

MARKER = b"FMNIST_EDGE_MANIFEST"
"""Name of a metadata entry inside the flatbuffer: a file that has it and no manifest has lost its end."""

_SMALL_BYTES = 1 << 20

LARGEST_BYTES = 1 << 31
"""A flatbuffer's offsets reach no farther."""

_BUNDLED = Path(__file__).parents[1] / "models"
_DAMAGED_HINT = "download or convert the model again; the copy on this disk is not the one that was checked"


@dataclass(frozen=True, slots=True)
class Model:
    """A model file that has been read and checked.

    `manifest` is None for a plain .tflite; `labels` is then empty unless the file carries a labels.txt, and
    `image` None: the runtime derives both from the tensors (edge.inference.classifier).
    """

    name: str
    path: Path
    flatbuffer: bytes
    labels: tuple[str, ...]
    image: ImageSpec | None
    gives_logits: bool
    manifest: Mapping[str, Any] | None
    score_calibration: ScoreCalibration = SURE
    trust: TrustedKeys | None = None
    """What it was checked by, and whatever is loaded in its place is to be."""
    signature: Signature | None = None
    """The signature that was checked."""

    @property
    def sha256(self) -> str:
        """SHA-256 of the flatbuffer, in hexadecimal digits; the manifest's, which was checked, where there is one."""
        if self.manifest is not None:
            return str(self.manifest["sha256"])
        return sha256(self.flatbuffer)

    @property
    def compiled_for_edgetpu(self) -> bool:
        """Whether the Edge TPU compiler has been over it, so that no CPU can run it alone."""
        return b"edgetpu-custom-op" in self.flatbuffer


def sha256(content: bytes) -> str:
    """SHA-256 in hexadecimal digits.

    hashlib loads OpenSSL, which takes 3.5 MB and the time in which Python's own module reads a small model. The
    standard library's random looks for that module first, too; its name changed in Python 3.12.
    """
    for lean in ("_sha2", "_sha256") if len(content) <= _SMALL_BYTES else ():
        try:
            return str(import_module(lean).sha256(content).hexdigest())
        except ImportError:
            continue
    from hashlib import sha256 as of_openssl

    return of_openssl(content).hexdigest()


def bundled_models() -> dict[str, Path]:
    """Name -> path of the models that ship with the package, by name."""
    return {path.stem: path for path in sorted(_BUNDLED.glob("*.tflite"))}


def find_model(name_or_path: str) -> Path:
    """Path of a bundled model by name, of a file, or of the version that runs of a folder. Raises ModelNotFound."""
    bundled = bundled_models()
    if name_or_path in bundled:
        return bundled[name_or_path]
    path = Path(name_or_path)
    try:
        if path.is_file():
            return path
        if path.is_dir():
            from edge.inference.model_versions import version_in_use

            return version_in_use(path)
    except OSError as error:
        raise ModelNotFound(f"{name_or_path[:80]}: {error.strerror}", "check the path and its permissions") from error
    raise ModelNotFound(
        f"no bundled model, no file and no folder is called {name_or_path}",
        f"bundled models: {', '.join(bundled)} (fmnist-edge models)",
    )


def read_model(name_or_path: str = DEFAULT_MODEL, trust: TrustedKeys | None = None) -> Model:
    """Read and check a model by name or path; with `trust` its signature is checked first.

    Raises ModelNotFound, ModelDamaged, ModelUnsupported or ModelUntrusted.
    """
    path = find_model(name_or_path)
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise ModelDamaged(f"{path} is larger than any TFLite model", "is it a model at all?")
        content = path.read_bytes()
    except OSError as error:
        raise ModelNotFound(f"{path}: {error.strerror}", "check the file's permissions") from error
    if trust is None:
        return parse_model(content, path)
    signature = trust.check(content, path, path in bundled_models().values())
    return replace(parse_model(content, path), trust=trust, signature=signature)


def parse_model(content: bytes, path: Path) -> Model:
    """Check a model file's content; `path` serves its messages and the name of a plain model."""
    if content[4:8] != b"TFL3":
        raise ModelDamaged(f"{path} is not a TFLite model", "expected a .tflite file, as `convert quantize` writes")
    flatbuffer, attached = _split(content, path)
    if MANIFEST_NAME not in attached:
        if MARKER in flatbuffer:
            raise ModelDamaged(f"{path} has lost its manifest: truncated or damaged", _DAMAGED_HINT)
        labels = attached.get(LABELS_NAME, b"").decode("utf-8", "replace")
        return Model(path.stem, path, flatbuffer, _lines(labels), None, gives_logits=False, manifest=None)
    manifest = _parse_manifest(attached[MANIFEST_NAME], path)
    if sha256(flatbuffer) != manifest.get("sha256"):
        raise ModelDamaged(f"{path} is damaged: its content does not match its SHA-256", _DAMAGED_HINT)
    try:
        image = ImageSpec.from_json(manifest["image"])
        return Model(
            name=str(manifest["name"]),
            path=path,
            flatbuffer=flatbuffer,
            labels=check_labels(manifest["labels"], str(path)),
            image=image,
            gives_logits=manifest["scores"] == "logits",
            manifest=manifest,
            score_calibration=ScoreCalibration.from_json(manifest),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ModelDamaged(f"{path}: its manifest is not valid: {error!r}", _DAMAGED_HINT) from error


def check_labels(labels: Sequence[object], origin: str) -> tuple[str, ...]:
    """Labels as strings, at least two, none empty or twice. Raises ModelUnsupported."""
    names = tuple(str(label).strip() for label in labels)
    if any("\ud800" <= letter <= "\udfff" for name in names for letter in name):
        raise ModelUnsupported(f"{origin}: half a character in a label", "labels are text, in UTF-8")
    if len(names) > 1 and all(names) and len(set(names)) != len(names):
        twice = sorted(name for name, times in Counter(names).items() if times > 1)
        raise ModelUnsupported(
            f"{origin}: labels must be distinct, {', '.join(twice)[:80]} stands there more than once",
            "tell them apart, as by a number",
        )
    if len(names) < 2 or not all(names):
        raise ModelUnsupported(
            f"{origin}: expected two or more distinct labels, got {len(names)}: {', '.join(names)[:80]}",
            "one label a line, in the order of the model's outputs",
        )
    return names


def read_labels(path: Path) -> tuple[str, ...]:
    """Labels of a text file, one a line. Raises ModelNotFound or ModelUnsupported."""
    try:
        text = read_limited(path).decode("utf-8-sig")
    except OSError as error:
        raise ModelNotFound(f"{path}: {error.strerror}", "one label a line") from error
    except ValueError as error:
        raise ModelUnsupported(f"{path} is not a list of labels: {error}", "one label a line, in UTF-8") from error
    return check_labels(_lines(text), str(path))


def _lines(text: str) -> tuple[str, ...]:
    """Labels, one a line, without the numbers that Teachable Machine puts before them: "0 Sandal", "1 Bag"."""
    lines = tuple(line.strip() for line in text.splitlines() if line.strip())
    pieces = [line.split(maxsplit=1) for line in lines]
    if lines and all(len(one) == 2 and one[0] == str(number) for number, one in enumerate(pieces)):
        return tuple(name for _, name in pieces)
    return lines


def _split(content: bytes, path: Path) -> tuple[bytes, dict[str, bytes]]:
    """The flatbuffer, and the files of the zip behind it (none where there is no zip)."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return content, {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if not entries:
                return content, {}
            start = min(entry.header_offset for entry in entries)
            wanted = [entry for entry in entries if entry.filename in {MANIFEST_NAME, LABELS_NAME}]
            if any(entry.file_size > 1 << 20 for entry in wanted):
                raise ModelDamaged(f"{path}: its metadata are implausibly large", _DAMAGED_HINT)
            attached = {entry.filename: archive.read(entry) for entry in wanted}
            if MANIFEST_NAME not in attached:
                sizes = {entry.filename: entry.file_size for entry in entries}
                name = _named_labels(content[:start], sizes)
                if name is not None:
                    attached[LABELS_NAME] = archive.read(name)
            return content[:start], attached
    except (
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        RuntimeError,
        ValueError,
        EOFError,
        OSError,
    ) as error:
        raise ModelDamaged(f"{path} is damaged: {error}", _DAMAGED_HINT) from error


def _named_labels(flatbuffer: bytes, sizes: Mapping[str, int]) -> str | None:
    """The file in the zip that the metadata of another's model call its labels; None where there is none to be read."""
    from edge.inference.tflite_metadata import described

    try:
        names = described(flatbuffer).labels_files
    except ValueError:
        return None  # told by whoever opens the model
    return next((name for name in names if 0 < sizes.get(name, 0) <= _SMALL_BYTES), None)


def _parse_manifest(text: bytes, path: Path) -> dict[str, Any]:
    try:
        manifest = parse_json(text, nan=True)
    except ValueError as error:
        raise ModelDamaged(f"{path}: its manifest is not JSON: {error}", _DAMAGED_HINT) from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get("v"), int):
        raise ModelDamaged(f"{path}: its manifest states no version", _DAMAGED_HINT)
    if manifest["v"] > MANIFEST_VERSION:
        raise ModelUnsupported(
            f"{path} was made for a newer fmnist-edge (manifest version {manifest['v']})",
            "pip install --upgrade fmnist-edge",
        )
    return manifest
