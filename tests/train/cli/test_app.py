"""The command: quick help, two-line errors, nothing but the result on stdout."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def python(*arguments, **environment):
    # Where JAX is installed, TensorFlow's import in this process has set its log level for our children, too.
    inherited = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**inherited, "PYTHONPATH": str(ROOT), "COLUMNS": "120", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("arguments", [["--help"], ["mlp", "--help"], ["compare", "--help"]])
def test_help_loads_no_heavy_module(arguments):
    program = (
        "import sys, train.cli.app\n"
        f"sys.argv = ['fmnist-train', *{arguments!r}]\n"
        "try: train.cli.app.main()\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = {'numpy', 'keras', 'tensorflow', 'matplotlib', 'cv2'} & sys.modules.keys()\n"
        "assert not heavy, heavy"
    )
    result = python("-c", program)
    assert result.returncode == 0, result.stderr
    assert arguments[0].removeprefix("--") in result.stdout or "mlp" in result.stdout


def test_the_subcommand_has_a_name():
    """Typer would take a lone command for the whole program."""
    result = python("-m", "train.cli", "--epochs", "1")
    assert result.returncode == 2
    assert "No such option" in result.stderr


def test_without_the_extra_the_error_names_it():
    program = (
        "import importlib.util, sys, train.cli.app\n"
        "real = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'keras' else real(name, *rest)\n"
        "sys.argv = ['fmnist-train', 'mlp']\ntrain.cli.app.main()"
    )
    result = python("-c", program)
    assert result.returncode == 8
    assert "fmnist-edge[train]" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_trained_model_is_refused_before_anything_is_read(tmp_path):
    pytest.importorskip("keras")
    (tmp_path / "model.keras").write_text("precious")
    result = python("-m", "train.cli", "mlp", "--out", str(tmp_path), "--data-dir", "/nonexistent")
    assert result.returncode == 9
    error, hint = result.stderr.splitlines()
    assert error == f"error: {tmp_path} holds a trained model"
    assert "--resume" in hint
    assert (tmp_path / "model.keras").read_text() == "precious"


@pytest.mark.slow
def test_a_run_says_a_line_an_epoch_on_stderr_and_its_result_on_stdout(tmp_path, data_dir):
    """And no word of TensorFlow's."""
    pytest.importorskip("keras")
    arguments = ["mlp", "--epochs", "2", "--limit", "200", "--validation-images", "20", "--seed", "1"]
    result = python("-m", "train.cli", *arguments, "--out", str(tmp_path / "run"), "--data-dir", str(data_dir))
    assert result.returncode == 0, result.stderr
    lines = result.stderr.splitlines()
    assert [line[:10] for line in lines] == ["epoch  1/2", "epoch  2/2"]
    assert all(word in lines[0] for word in ("loss ", "accuracy ", "val loss ", "val accuracy ", " s"))
    assert result.stdout.startswith(f"{tmp_path / 'run' / 'model.keras'}: ")
    assert len(result.stdout.splitlines()) == 1
    assert (tmp_path / "run" / "tensorboard").is_dir()


@pytest.mark.slow
def test_tensorboard_is_written_unless_told_or_missing(tmp_path, data_dir):
    """Planted: tensorboardX is not installed. Told to write it nevertheless, the command says what to install."""
    pytest.importorskip("keras")
    program = (
        "import importlib.util, sys, train.cli.app\n"
        "real = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'tensorboardX' else real(name, *rest)\n"
        "train.cli.app.main()"
    )
    arguments = ["mlp", "--epochs", "1", "--limit", "200", "--data", str(data_dir), "--out", str(tmp_path / "run")]
    refused = python("-c", program, *arguments, "--tensorboard")
    assert refused.returncode == 8
    assert "fmnist-edge[tensorboard]" in refused.stderr
    for leave_out in (["-c", program, *arguments], ["-m", "train.cli", *arguments, "--no-tensorboard", "--resume"]):
        done = python(*leave_out)
        assert done.returncode == 0, done.stderr
        assert not (tmp_path / "run" / "tensorboard").exists()


def test_a_terminal_sees_a_bar():
    pytest.importorskip("rich")
    from rich.console import Console

    from train.fitting.progress import ProgressDisplay
    from train.fitting.run_folder import EpochResult

    for terminal in (True, False):
        written = io.StringIO()
        with ProgressDisplay(Console(file=written, force_terminal=terminal, width=120)) as screen:
            screen.downloading("file.gz", 2048, 8192)
            screen.epoch_started(1, 13, 3625)
            screen.batches_done(1000, 0.5, 0.8)
            screen._bar.refresh()
            screen.epoch_finished(EpochResult(1, 0.5, 0.8, 0.4, 0.85, 7.0), 13)
        assert ("1000/3625" in written.getvalue()) == terminal
        assert "val accuracy 85.00%" in written.getvalue()


def test_the_backends_chatter_is_kept_aside_but_not_lost_when_it_fails(tmp_path):
    (tmp_path / "keras.py").write_text("import os; os.write(2, b'chatter\\n'); 1 / int(os.environ['DIVISOR'])")
    program = "from train.quiet import load_keras; load_keras(); import sys; print('after', file=sys.stderr)"
    path = f"{tmp_path}:{ROOT}"
    assert python("-c", program, PYTHONPATH=path, DIVISOR="1").stderr == "after\n"
    failed = python("-c", program, PYTHONPATH=path, DIVISOR="0").stderr
    assert "chatter" in failed
    assert "ZeroDivisionError" in failed
