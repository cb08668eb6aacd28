"""Only what a trusted key has signed is loaded, and every part of the file is covered."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from edge.errors import BadOption, ModelDamaged, ModelError, ModelUntrusted
from edge.inference.fallback import find_cpu_twin
from edge.inference.model_file import LABELS_NAME, MANIFEST_NAME, bundled_models, read_model
from edge.inference.signature import SIGNATURE_NAME, SignedParts, parts_of
from edge.inference.trusted_keys import TrustedKeys
from tests.conftest import ROOT, Run
from tests.edge.deployment.model_parts import zipped
from tests.edge.inference.signed_models import new_signer, signed, trusting, write_public_key

pytest.importorskip("securesystemslib")
pytest.importorskip("cryptography")

TINY = bundled_models()["tiny"].read_bytes()


@pytest.fixture(scope="module")
def signer() -> Any:
    return new_signer()


@pytest.fixture
def trust(tmp_path: Path, signer: Any) -> TrustedKeys:
    return TrustedKeys(trusting(tmp_path / "keys", signer))


def put(content: bytes, path: Path) -> str:
    path.write_bytes(content)
    return str(path)


def rebuilt(parts: SignedParts, **changes: bytes | None) -> bytes:
    """A model file of such parts; `flatbuffer` and the members by their names without dots are replaced."""
    signature = {} if parts.signature is None else {SIGNATURE_NAME: parts.signature}
    members: dict[str, bytes | None] = {**parts.members, **signature}
    members |= {name.replace("_", "."): content for name, content in changes.items() if name != "flatbuffer"}
    flatbuffer = changes.get("flatbuffer") or parts.flatbuffer
    return flatbuffer + zipped({name: content for name, content in members.items() if content is not None})


def test_a_signed_model_is_read_with_keys_and_without(tmp_path: Path, signer: Any, trust: TrustedKeys) -> None:
    path = put(signed(signer), tmp_path / "signed.tflite")
    model = read_model(path, trust)
    assert model.signature is not None
    assert (model.signature.key_id, model.signature.expires) == (signer.public_key.keyid, None)
    plain = read_model(path)
    assert (plain.sha256, plain.labels) == (read_model("tiny").sha256, read_model("tiny").labels)
    assert plain.signature is None


def test_of_several_keys_any_will_do_and_one_that_is_taken_away_no_longer(tmp_path: Path, signer: Any) -> None:
    other = new_signer()
    trust = TrustedKeys(trusting(tmp_path / "keys", other, signer))
    paths = [put(signed(one), tmp_path / f"{number}.tflite") for number, one in enumerate((signer, other))]
    for path in paths:
        read_model(path, trust)
    (tmp_path / "keys" / "1.pub").unlink()
    read_model(paths[1], trust)
    with pytest.raises(ModelUntrusted, match="a key that is not trusted here") as foreign:
        read_model(paths[0], trust)
    assert foreign.value.exit_code == 4
    assert signer.public_key.keyid[:16] in foreign.value.message


def labels_swapped(parts: SignedParts) -> dict[str, bytes]:
    return {"labels_txt": b"\n".join(reversed(parts.members[LABELS_NAME].splitlines()))}


def manifest_changed(parts: SignedParts) -> dict[str, bytes]:
    manifest = json.loads(parts.members[MANIFEST_NAME])
    manifest["doubt"] = {"temperature": 1.0, "reject_below": 0.0}
    return {"manifest_json": json.dumps(manifest).encode()}


def flatbuffer_changed(parts: SignedParts) -> dict[str, bytes]:
    import hashlib

    content = bytearray(parts.flatbuffer)
    content[20000] ^= 1
    manifest = json.loads(parts.members[MANIFEST_NAME]) | {"sha256": hashlib.sha256(content).hexdigest()}
    return {"flatbuffer": bytes(content), "manifest_json": json.dumps(manifest).encode()}


def signature_field(name: str, value: object) -> Callable[[SignedParts], dict[str, bytes]]:
    def change(parts: SignedParts) -> dict[str, bytes]:
        assert parts.signature is not None
        return {"signature_json": json.dumps(json.loads(parts.signature) | {name: value}).encode()}

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (labels_swapped, "was altered"),
        (manifest_changed, "was altered"),
        (flatbuffer_changed, "was altered"),
        (lambda _parts: {"extra_txt": b"one file more"}, "was altered"),
        (lambda _parts: {"labels_txt": None}, "was altered"),
        (signature_field("expires", "2090-01-01T00:00:00Z"), "was altered"),
        (signature_field("signed_at", "2020-01-01T00:00:00Z"), "was altered"),
        (signature_field("value", "0" * 128), "was altered"),
        (signature_field("key_id", "0" * 64), "not trusted"),
        (signature_field("value", "x"), "not valid"),
        (signature_field("value", None), "not valid"),
        (signature_field("expires", "tomorrow"), "not valid"),
        (signature_field("expires", 5), "not valid"),
        (signature_field("scheme", "none"), "not valid"),
        (signature_field("v", 2), "newer fmnist-edge"),
        (signature_field("v", None), "not valid"),
        (lambda _parts: {"signature_json": b"[" * 100_000}, "not valid"),
        (lambda _parts: {"signature_json": b"[]"}, "not valid"),
        (lambda _parts: {"signature_json": None}, "is not signed"),
    ],
)
def test_each_part_is_covered(
    tmp_path: Path, signer: Any, trust: TrustedKeys, change: Callable[[SignedParts], Any], words: str
) -> None:
    parts = parts_of(signed(signer, expires_in=timedelta(days=30)), Path("x"))
    path = put(rebuilt(parts, **change(parts)), tmp_path / "altered.tflite")
    with pytest.raises(ModelUntrusted, match=words) as refused:
        read_model(path, trust)
    assert refused.value.hint


def test_the_signature_of_another_file_does_not_fit(tmp_path: Path, signer: Any, trust: TrustedKeys) -> None:
    of_small = parts_of(signed(signer, bundled_models()["small"].read_bytes()), Path("x")).signature
    parts = parts_of(signed(signer), Path("x"))
    with pytest.raises(ModelUntrusted, match="was altered"):
        read_model(put(rebuilt(parts, signature_json=of_small), tmp_path / "swapped.tflite"), trust)


def test_any_altered_byte_is_refused(tmp_path: Path, signer: Any, trust: TrustedKeys) -> None:
    """Of the zip's own fields some say nothing (dates, modes): then the parts are those that were signed."""
    content = signed(signer)
    whole = parts_of(content, Path("x"))
    end = len(whole.flatbuffer)
    chance = random.Random(8)
    places = [chance.randrange(end) for _ in range(60)] + [chance.randrange(end, len(content)) for _ in range(240)]
    for place in places:
        altered = bytearray(content)
        altered[place] ^= 1 << chance.randrange(8)
        try:
            read_model(put(bytes(altered), tmp_path / "altered.tflite"), trust)
        except ModelError:
            continue
        assert place >= end
        assert parts_of(bytes(altered), Path("x")) == whole


def test_a_second_zip_or_a_name_twice_is_refused(tmp_path: Path, signer: Any, trust: TrustedKeys) -> None:
    content = signed(signer)
    labels = {LABELS_NAME: b"Evil\nLabels\n"}
    with pytest.raises(ModelUntrusted, match="is not signed"):
        read_model(put(content + zipped(labels), tmp_path / "appended.tflite"), trust)
    import io
    import zipfile

    file = io.BytesIO(content)
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(file, "a") as archive:
        archive.writestr(LABELS_NAME, labels[LABELS_NAME])
    with pytest.raises(ModelDamaged, match="two of one name"):
        read_model(put(file.getvalue(), tmp_path / "twice.tflite"), trust)


def test_a_signature_that_has_expired_is_refused_and_one_that_will_is_not(
    tmp_path: Path, signer: Any, trust: TrustedKeys
) -> None:
    year_ago = datetime.now(UTC) - timedelta(days=365)
    late = put(signed(signer, expires_in=timedelta(days=364), signed_at=year_ago), tmp_path / "late.tflite")
    with pytest.raises(ModelUntrusted, match="expired on"):
        read_model(late, trust)
    good = put(signed(signer, expires_in=timedelta(days=366), signed_at=year_ago), tmp_path / "good.tflite")
    assert read_model(good, trust).signature


def test_a_clock_that_is_not_set_is_told(tmp_path: Path, signer: Any, trust: TrustedKeys) -> None:
    """For this clock the file was signed in a year: it is the clock of a Pi that has just been switched on."""
    later = datetime.now(UTC) + timedelta(days=365)
    path = put(signed(signer, expires_in=timedelta(days=9), signed_at=later), tmp_path / "ahead.tflite")
    with pytest.warns(UserWarning, match="nobody knows whether the signature has expired"):
        assert read_model(path, trust).signature
    read_model(put(signed(signer, signed_at=later), tmp_path / "lasting.tflite"), trust)


def test_bundled_models_are_trusted_only_when_asked(tmp_path: Path, signer: Any, trust: TrustedKeys) -> None:
    with pytest.raises(ModelUntrusted, match="is not signed") as refused:
        read_model("tiny", trust)
    assert "--trust-bundled" in refused.value.hint
    lenient = TrustedKeys(trust.folder, trust_bundled=True)
    assert read_model("tiny", lenient).name == "tiny"
    with pytest.raises(ModelUntrusted):
        read_model(put(TINY, tmp_path / "tiny.tflite"), lenient)


def test_the_twin_for_the_cpu_must_be_signed_too(tmp_path: Path, signer: Any, trust: TrustedKeys) -> None:
    path = put(signed(signer), tmp_path / "mine.tflite")
    model = read_model(path, trust)
    unsigned = Path(put(TINY, tmp_path / "twin.tflite"))
    with pytest.raises(ModelUntrusted):
        find_cpu_twin(model, unsigned)
    assert find_cpu_twin(model, Path(path)).signature


def test_a_folder_that_vouches_for_nothing_is_an_error(tmp_path: Path, signer: Any) -> None:
    keys = tmp_path / "keys"
    path = put(signed(signer), tmp_path / "signed.tflite")

    def said(word: str) -> None:
        with pytest.raises(BadOption, match=word):
            read_model(path, TrustedKeys(keys))

    said("No such file")
    keys.mkdir()
    (keys / "README").write_text("*.pub")
    said("no .pub file")
    (keys / "shop.pub").write_text("ssh-ed25519 AAAA")
    said("no public key in PEM")
    (keys / "shop.pub").write_bytes(signer.private_bytes)
    said("is a private key")
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    of_other_kind = generate_private_key(SECP256R1()).public_key()
    (keys / "shop.pub").write_bytes(of_other_kind.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    said("no Ed25519 key")
    write_public_key(signer, keys / "shop.pub")
    read_model(path, TrustedKeys(keys))


@pytest.mark.subprocess
@pytest.mark.parametrize("command", ["classify", "explain", "info", "evaluate", "doctor", "serve", "use-model"])
def test_every_command_refuses_an_unsigned_model(fmnist_edge: Run, tmp_path: Path, signer: Any, command: str) -> None:
    keys = trusting(tmp_path / "keys", signer)
    folder = tmp_path / "models"
    folder.mkdir()
    shutil.copy(bundled_models()["tiny"], folder / "v1.tflite")
    boot = str(ROOT / "edge" / "samples" / "ankle-boot.png")
    arguments = {
        "classify": [boot, "--model", folder],
        "serve": ["fake:3", "--port", "0", "--model", folder],
        "explain": [boot, "--model", folder, "-o", tmp_path / "x.png"],
        "info": [folder],
        "evaluate": ["--model", folder],
        "doctor": ["--model", folder],
        "use-model": [folder, "v1"],
    }[command]
    done = fmnist_edge(command, *arguments, "--trusted-keys", keys)
    assert "is not signed" in done.stderr + done.stdout
    assert done.returncode == (1 if command == "doctor" else 4)
    if command in {"classify", "info"}:
        put(signed(signer), folder / "v2.tflite")
        assert fmnist_edge(command, *arguments, "--trusted-keys", keys).returncode == 0


@pytest.mark.subprocess
def test_a_plain_start_loads_no_cryptography() -> None:
    program = (
        "import sys; sys.argv = ['fmnist-edge', 'classify', sys.argv[1], '--model', 'tiny']\n"
        "from edge.cli.app import app\n"
        "try: app()\n"
        "except SystemExit: pass\n"
        "print([name for name in sys.modules if name.split('.')[0] in {'cryptography', 'securesystemslib'}], "
        "'edge.inference.signature' in sys.modules)"
    )
    boot = str(ROOT / "edge" / "samples" / "ankle-boot.png")
    done = subprocess.run([sys.executable, "-c", program, boot], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[] False"
