"""`convert keygen` and `convert sign`: keys that stay secret, and one file that every runtime still reads."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from convert.cli.app import app
from edge.errors import BadOption, ModelDamaged, ModelUntrusted, OutputFailed, SecretRefused
from edge.inference.model_file import bundled_models, read_model
from edge.inference.runtimes import litert
from edge.inference.signature import parts_of
from edge.inference.trusted_keys import TrustedKeys
from tests.conftest import ROOT


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A private key, whose public one lies beside it."""
    path = tmp_path / "keys" / "shop.key"
    path.parent.mkdir()
    assert run("keygen", path).exception is None
    return path


def copy_of(name: str, path: Path) -> Path:
    path.write_bytes(bundled_models()[name].read_bytes())
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_pair_of_keys_one_of_them_for_its_owner_alone(key: Path) -> None:
    assert (mode(key), mode(key.with_suffix(".pub"))) == (0o600, 0o644)
    assert sorted(path.name for path in key.parent.iterdir()) == ["shop.key", "shop.pub"]
    assert b"BEGIN PRIVATE KEY" in key.read_bytes()
    known = subprocess.run(
        ["openssl", "pkey", "-in", key, "-pubout"], capture_output=True, check=True
    ).stdout  # anybody's tool reads it
    assert known == key.with_suffix(".pub").read_bytes()


@pytest.mark.parametrize("there", ["shop.key", "shop.pub"])
def test_no_key_is_written_over(key: Path, there: str) -> None:
    contents = {path: path.read_bytes() for path in key.parent.iterdir()}
    other = {"shop.key": "shop.pub", "shop.pub": "shop.key"}[there]
    (key.parent / other).unlink()
    refused = run("keygen", key)
    assert isinstance(refused.exception, OutputFailed)
    assert [path.name for path in key.parent.iterdir()] == [there]
    assert (key.parent / there).read_bytes() == contents[key.parent / there]


def test_no_key_is_written_over_where_there_are_no_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_arguments: object) -> None:
        raise PermissionError(1, "Operation not permitted")  # as FAT has it

    monkeypatch.setattr(os, "link", no_links)
    path = tmp_path / "shop.key"
    assert run("keygen", path).exception is None
    content = path.read_bytes()
    assert mode(path) == 0o600
    assert isinstance(run("keygen", path).exception, OutputFailed)
    assert path.read_bytes() == content
    assert len(list(tmp_path.iterdir())) == 2


def test_a_signed_model_is_one_file_that_is_trusted_and_runs_elsewhere(tmp_path: Path, key: Path) -> None:
    path = copy_of("tiny", tmp_path / "mine.tflite")
    before = path.read_bytes()
    result = run("sign", path, "--key", key, "--expires", "2999-12-31")
    assert result.exception is None, result.exception
    assert "until 2999-12-31T23:59:59Z" in result.stdout
    model = read_model(str(path), TrustedKeys(key.parent))
    assert model.signature is not None
    assert model.signature.expires == "2999-12-31T23:59:59Z"
    assert (model.manifest, model.labels) == (read_model("tiny").manifest, read_model("tiny").labels)
    assert parts_of(path.read_bytes(), path).members == parts_of(before, path).members
    interpreter = litert().interpreter_class(model_content=path.read_bytes())
    interpreter.allocate_tensors()
    interpreter.set_tensor(
        interpreter.get_input_details()[0]["index"], np.zeros(interpreter.get_input_details()[0]["shape"], np.int8)
    )
    interpreter.invoke()
    assert [one.name for one in tmp_path.iterdir() if one.suffix == ".tmp"] == []


def test_signing_anew_replaces_the_signature(tmp_path: Path, key: Path) -> None:
    path = copy_of("tiny", tmp_path / "mine.tflite")
    run("sign", path, "--key", key, "--expires", "2999-12-31")
    once = path.read_bytes()
    run("sign", path, "--key", key)
    model = read_model(str(path), TrustedKeys(key.parent))
    assert model.signature is not None
    assert model.signature.expires is None
    assert len(path.read_bytes()) < len(once)
    assert parts_of(once, path).members == parts_of(path.read_bytes(), path).members


def test_a_bundled_model_is_signed_into_a_file_here(tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("sign", "tiny", "--key", key).exception is None
    assert read_model("tiny.tflite" if (tmp_path / "tiny.tflite").is_file() else "", TrustedKeys(key.parent))
    with pytest.raises(ModelUntrusted):
        read_model("tiny", TrustedKeys(key.parent))


def test_a_file_without_zip_is_signed_too(tmp_path: Path, key: Path) -> None:
    path = tmp_path / "plain.tflite"
    path.write_bytes(read_model("tiny").flatbuffer.replace(b"FMNIST_EDGE_MANIFEST", b"x" * 20))
    assert run("sign", path, "--key", key).exception is None
    model = read_model(str(path), TrustedKeys(key.parent))
    assert (model.manifest, model.labels) == (None, ())


def test_a_passphrase_comes_from_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "passphrase"
    secret.write_text("correct horse\n")
    secret.chmod(0o600)
    key = tmp_path / "shop.key"
    assert run("keygen", key, "--passphrase-file", secret).exception is None
    assert b"ENCRYPTED" in key.read_bytes()
    path = copy_of("tiny", tmp_path / "mine.tflite")
    refused = run("sign", path, "--key", key)
    assert isinstance(refused.exception, BadOption)
    assert "has a passphrase" in refused.exception.message
    assert run("sign", path, "--key", key, "--passphrase-file", secret).exception is None
    monkeypatch.setenv("FMNIST_EDGE_KEY_PASSPHRASE", "wrong donkey")
    wrong = run("sign", path, "--key", key)
    assert isinstance(wrong.exception, BadOption)
    assert "donkey" not in f"{wrong.exception.message} {wrong.exception.hint} {wrong.output}"
    monkeypatch.setenv("FMNIST_EDGE_KEY_PASSPHRASE", "correct horse")
    assert run("sign", path, "--key", key).exception is None
    secret.chmod(0o644)
    assert isinstance(run("keygen", tmp_path / "b.key", "--passphrase-file", secret).exception, SecretRefused)
    assert not (tmp_path / "b.key").exists()


def test_what_cannot_be_signed_or_signed_with(tmp_path: Path, key: Path) -> None:
    path = copy_of("tiny", tmp_path / "mine.tflite")
    content = path.read_bytes()
    key.chmod(0o640)
    assert isinstance(run("sign", path, "--key", key).exception, SecretRefused)
    key.chmod(0o600)
    for wrong in (tmp_path / "none.key", path, key.with_suffix(".pub")):
        wrong.exists() and wrong.chmod(0o600)
        assert isinstance(run("sign", path, "--key", wrong).exception, BadOption)
    for expires in ("yesterday", "2020-01-01", "2027-13-01", "2999-01-01T00:00"):
        assert isinstance(run("sign", path, "--key", key, "--expires", expires).exception, BadOption)
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(content[:9000] + b"\1\1" + content[9002:])
    assert isinstance(run("sign", damaged, "--key", key).exception, ModelDamaged)
    assert path.read_bytes() == content
    assert isinstance(run("keygen", tmp_path / "shop.pub").exception, BadOption)


@pytest.mark.subprocess
def test_help_loads_no_cryptography() -> None:
    program = (
        "import sys\nfrom convert.cli.app import app\n"
        "for command in (['--help'], ['sign', '--help'], ['keygen', '--help']):\n"
        "    try: app(command)\n"
        "    except SystemExit: pass\n"
        "import json; print()\n"
        "roots = {name.split('.')[0] for name in sys.modules}\n"
        "print(json.dumps(sorted(roots & {'cryptography', 'securesystemslib'})))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == []
