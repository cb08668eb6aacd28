"""`convert edgetpu` with a stand-in for Coral's compiler on PATH, which prints its logs and writes its files.

The logs are those of tests/convert/targets/compiler_logs.py.
"""

from __future__ import annotations

import json
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from convert.cli.app import app
from edge.errors import (
    BackendUnavailable,
    BadOption,
    CompilationFailed,
    FmnistEdgeError,
    ModelDamaged,
    ModelUnsupported,
    OutputFailed,
    TargetUnmet,
)
from edge.inference.model_file import find_model, read_model
from tests.convert.drawn_models import Drawing, compiled_model, three_convolutions
from tests.convert.targets.compiler_logs import (
    ALL,
    ALL_ROWS,
    BEGINNING,
    FAILS,
    INTERNAL_ERROR,
    PARSER_FAILS,
    SOME,
    SUMMARY,
)
from tests.processes import is_running

WRITES = """
out, stem = pathlib.Path(sys.argv[sys.argv.index("-o") + 1]), pathlib.Path(sys.argv[-1]).stem
(out / f"{stem}_edgetpu.tflite").write_bytes((here / "compiled").read_bytes())
"""

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a stand-in on PATH that does what the lines say, then prints the log; gives its folder."""

    def write(log: str = ALL, lines: str = WRITES, ending: str = "") -> Path:
        folder = tmp_path / "bin"
        folder.mkdir()
        program = folder / "edgetpu_compiler"
        program.write_text(
            f"#!{sys.executable}\nimport os, pathlib, signal, subprocess, sys, time\n"
            "here = pathlib.Path(__file__).parent\n"
            "(here / 'arguments').write_text(' '.join(sys.argv[1:]))\n"
            "(here / 'given').write_bytes(pathlib.Path(sys.argv[-1]).read_bytes())\n"
            f"{lines}\nprint((here / 'log').read_text(), end='', flush=True)\n{ending}\n"
        )
        program.chmod(0o755)
        (folder / "log").write_text(log)
        (folder / "compiled").write_bytes(compiled_model())
        monkeypatch.setenv("PATH", str(folder))
        return folder

    return write


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A bundled model's copy in a folder of its own."""
    path = tmp_path / "models" / "mlp.tflite"
    path.parent.mkdir()
    path.write_bytes(find_model("mlp").read_bytes())
    return path


def edgetpu(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["edgetpu", *map(str, arguments)])


def failure(result: Result, kind: type[FmnistEdgeError]) -> str:
    """The message of an error, which must be of this kind and say what to do."""
    assert isinstance(result.exception, kind), result.exception
    return result.exception.message


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.subprocess
def test_the_compiled_model_keeps_labels_image_and_accuracy(install: Install, source: Path) -> None:
    stand_in = install()
    result = edgetpu(source)
    assert result.exception is None, result.exception
    assert "edgetpu: all 6 operations would be mapped" in result.stdout
    assert "compiler 16.0.384591198 mapped 5 of 5 operations" in result.stdout
    assert "Off-chip memory used for streaming uncached model parameters: 0.04 MiB" in result.stdout
    assert names(source.parent) == ["mlp.tflite", "mlp_edgetpu.log", "mlp_edgetpu.tflite"]
    before, after = read_model(str(source)), read_model(str(source.with_name("mlp_edgetpu.tflite")))
    assert after.compiled_for_edgetpu and not before.compiled_for_edgetpu
    assert after.flatbuffer == compiled_model()
    assert (after.name, after.labels, after.image) == (before.name, before.labels, before.image)
    assert before.manifest and after.manifest
    assert after.manifest["accuracy"] == before.manifest["accuracy"]
    assert after.manifest["edgetpu"] == {
        "compiler": "16.0.384591198",
        "compiled_from_sha256": before.manifest["sha256"],
        "mapped": 5,
        "on_cpu": 0,
    }
    with zipfile.ZipFile(source.with_name("mlp_edgetpu.tflite")) as archive:
        assert archive.namelist() == ["labels.txt", "manifest.json"]
    assert source.with_name("mlp_edgetpu.log").read_text() == ALL
    assert (stand_in / "arguments").read_text() == "-s -o . model.tflite"
    assert (stand_in / "given").read_bytes() == before.flatbuffer


@pytest.mark.subprocess
def test_a_foreign_models_labels_travel_on(install: Install, source: Path) -> None:
    install()
    foreign = three_convolutions().flatbuffer()
    source.write_bytes(foreign)
    with zipfile.ZipFile(source, "a") as archive:
        archive.writestr("labels.txt", "cat\ndog\n")
    output = source.with_name("-odd name.tflite")
    assert edgetpu(source, f"--output={output}").exception is None
    model = read_model(str(output))
    assert (model.labels, model.manifest) == (("cat", "dog"), None)
    source.write_bytes(foreign)
    assert edgetpu(source, f"--output={output}").exception is None
    assert output.read_bytes() == compiled_model()
    assert names(source.parent) == ["-odd name.log", "-odd name.tflite", "mlp.tflite"]


@pytest.mark.subprocess
def test_a_bundled_model_is_compiled_into_this_folder(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install()
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    assert edgetpu("mlp").exception is None
    assert names(here) == ["mlp_edgetpu.log", "mlp_edgetpu.tflite"]


@pytest.mark.subprocess
def test_too_little_mapped_leaves_the_log_and_no_model(install: Install, source: Path) -> None:
    install(SOME)
    source.with_name("mlp_edgetpu.tflite").write_bytes(b"older")
    result = edgetpu(source)
    assert "60.0 % of the operations" in failure(result, TargetUnmet)
    assert isinstance(result.exception, TargetUnmet) and result.exception.exit_code == 12
    assert source.with_name("mlp_edgetpu.tflite").read_bytes() == b"older"
    assert source.with_name("mlp_edgetpu.log").read_text() == SOME
    result = edgetpu(source, "--min-mapped", 60)
    assert result.exception is None, result.exception
    assert "on the CPU: LEAKY_RELU x 1: Operation not supported" in result.stdout
    assert read_model(str(source.with_name("mlp_edgetpu.tflite"))).compiled_for_edgetpu


@pytest.mark.subprocess
def test_a_table_that_only_the_log_file_has_is_found(install: Install, source: Path) -> None:
    table = "(out / 'model_edgetpu.log').write_text((here / 'table').read_text())"
    folder = install(BEGINNING + SUMMARY.format(total=5), WRITES + table)
    (folder / "table").write_text(ALL_ROWS)
    result = edgetpu(source)
    assert result.exception is None, result.exception
    assert "SOFTMAX" in source.with_name("mlp_edgetpu.log").read_text()


@pytest.mark.subprocess
@pytest.mark.parametrize(
    ("log", "lines", "ending", "said"),
    [
        (PARSER_FAILS, "", "sys.exit(1)", "ERROR: Didn't find op for builtin opcode 'CONV_2D' version '6'"),
        (INTERNAL_ERROR, "", "sys.exit(1)", "Internal compiler error. Aborting! (exit code 1)"),
        (FAILS, "", "", "Compilation failed!"),
        (BEGINNING, "", "os.kill(os.getpid(), signal.SIGSEGV)", "crash (SIGSEGV)"),
        (ALL, WRITES, "sys.exit(3)", "Compilation succeeded! (exit code 3)"),
        (ALL, "", "", "it wrote no model_edgetpu.tflite"),
        (ALL, "pathlib.Path('model_edgetpu.tflite').write_bytes(b'half')", "", "is no model for the Edge TPU"),
        (ALL, "pathlib.Path('model_edgetpu.tflite').write_bytes(b'edgetpu-custom-op')", "", "is no model for the Edge"),
        (ALL, "os.link('model.tflite', 'model_edgetpu.tflite')", "", "is no model for the Edge TPU"),
        ("", "print(chr(0) + chr(0xd800).encode('utf-8', 'surrogatepass').hex())", "sys.exit(2)", "(exit code 2)"),
    ],
)
def test_a_failing_compiler_leaves_its_log_and_no_model(
    install: Install, source: Path, log: str, lines: str, ending: str, said: str
) -> None:
    install(log, lines, ending)
    result = edgetpu(source)
    assert said in failure(result, CompilationFailed)
    assert isinstance(result.exception, CompilationFailed) and result.exception.exit_code == 10
    assert names(source.parent) == ["mlp.tflite", "mlp_edgetpu.log"]
    assert log in source.with_name("mlp_edgetpu.log").read_text()


@pytest.mark.subprocess
def test_a_hanging_compiler_is_stopped_with_all_that_it_started(install: Install, source: Path) -> None:
    """Coral's program is a script around the real one: stopping the script alone would leave that running."""
    hang = "child = subprocess.Popen(['/bin/sleep', '60'])\n(here / 'pid').write_text(str(child.pid))\n"
    folder = install(BEGINNING, hang, "time.sleep(60)")
    started_s = time.monotonic()
    assert "no answer within 1.5 s" in failure(edgetpu(source, "--timeout", 1.5), CompilationFailed)
    assert time.monotonic() - started_s < 20
    assert names(source.parent) == ["mlp.tflite", "mlp_edgetpu.log"]
    assert source.with_name("mlp_edgetpu.log").read_text() == BEGINNING
    assert not is_running(int((folder / "pid").read_text()))


@pytest.mark.subprocess
def test_a_program_that_does_not_start(install: Install, source: Path) -> None:
    (install() / "edgetpu_compiler").write_bytes(b"\x7fELF of another machine")
    assert "does not start" in failure(edgetpu(source), CompilationFailed)


def test_without_the_compiler_it_says_where_to_get_it(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = edgetpu(source)
    assert failure(result, BackendUnavailable) == "edgetpu_compiler is not on PATH"
    assert isinstance(result.exception, BackendUnavailable) and result.exception.exit_code == 5
    for word in ("x86-64 Linux", "16.0", "coral.ai/docs/edgetpu/compiler"):
        assert word in result.exception.hint
    assert "edgetpu: all 6 operations would be mapped" in result.stdout
    assert names(source.parent) == ["mlp.tflite"]


@pytest.mark.subprocess
def test_what_the_check_expects_is_printed_and_the_compiler_has_the_last_word(install: Install, source: Path) -> None:
    install()
    drawing = Drawing()
    given = drawing.tensor(1, 8, 8, 4)
    drawing.ends(given, drawing.operation("LEAKY_RELU", [given], drawing.tensor(1, 8, 8, 4)))
    source.write_bytes(drawing.flatbuffer())
    result = edgetpu(source)
    assert result.exception is None, result.exception
    assert "not among the Edge TPU's operations" in result.stdout
    assert "mapped 5 of 5" in result.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--min-mapped", "101"], "--min-mapped is 101"),
        (["--min-mapped", "nan"], "--min-mapped is nan"),
        (["--timeout", "0"], "--timeout is 0"),
        (["-o", "model.bin"], "does not end in .tflite"),
        (["-o", "mlp.tflite"], "would overwrite the model itself"),
    ],
)
def test_unusable_options(source: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], said: str) -> None:
    monkeypatch.chdir(source.parent)
    assert said in failure(edgetpu(source, *options), BadOption)
    assert names(source.parent) == ["mlp.tflite"]


def test_a_place_that_cannot_be_written_is_found_out_before_the_work(install: Install, source: Path) -> None:
    folder = install()
    failure(edgetpu(source, "-o", source.parent / "absent" / "x.tflite"), OutputFailed)
    assert not (folder / "arguments").exists()


def test_a_compiled_or_damaged_model_does_not_get_to_the_compiler(install: Install, source: Path) -> None:
    folder = install()
    whole = source.read_bytes()
    source.write_bytes(compiled_model())
    assert "compiled for the Edge TPU already" in failure(edgetpu(source), ModelUnsupported)
    source.write_bytes(whole[:5000] + b"?" + whole[5001:])
    failure(edgetpu(source), ModelDamaged)
    assert not (folder / "arguments").exists()


@pytest.mark.subprocess
def test_the_manifest_is_one_that_json_readers_can_read(install: Install, source: Path) -> None:
    install()
    edgetpu(source)
    with zipfile.ZipFile(source.with_name("mlp_edgetpu.tflite")) as archive:
        assert json.loads(archive.read("manifest.json"))["v"] == 1
