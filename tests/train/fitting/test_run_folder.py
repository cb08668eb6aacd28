"""Files appear whole or not at all; one process a folder."""

import subprocess
import sys
from pathlib import Path

import pytest

from edge.errors import OutputFailed, TrainingFailed
from train.fitting.run_folder import open_run, replacing


def test_a_file_is_replaced_in_one_step(tmp_path):
    path = tmp_path / "metrics.json"
    path.write_text("old")
    with replacing(path) as partial:
        partial.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_a_failure_leaves_the_old_file(tmp_path, error):
    path = tmp_path / "metrics.json"
    path.write_text("old")
    with pytest.raises(error), replacing(path) as partial:
        partial.write_text("ne")
        raise error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_device_is_an_output_that_failed(tmp_path):
    path = tmp_path / "metrics.json"
    path.write_text("old")
    (tmp_path / "metrics.partial.json").symlink_to("/dev/full")
    with pytest.raises(OutputFailed, match="No space left on device") as caught, replacing(path) as partial:
        partial.write_text("new")
    assert "make room" in caught.value.hint
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_named(tmp_path, settings):
    (tmp_path / "taken").write_text("")
    for out in (tmp_path / "taken", tmp_path / "taken" / "run"):
        with pytest.raises(OutputFailed, match="taken"), open_run(out, settings, resume=False):
            pass


def test_two_processes_do_not_train_in_one_folder(tmp_path, settings):
    holder = (
        "import sys; from pathlib import Path; from train.recipes.mlp import DEFAULTS\n"
        "from train.fitting.run_folder import open_run\n"
        f"with open_run(Path({str(tmp_path)!r}), DEFAULTS, resume=True): print('held', flush=True); sys.stdin.read()"
    )
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", holder], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        with (
            pytest.raises(TrainingFailed, match="another process is training in"),
            open_run(tmp_path, settings, resume=True),
        ):
            pass
        process.kill()
        process.wait()
        with open_run(tmp_path, settings, resume=True):  # the kernel freed it
            pass
