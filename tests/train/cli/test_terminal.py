"""`fmnist-train compare` on a file whose names try to command the terminal: they are shown, not obeyed."""

import pytest
from typer.testing import CliRunner

pytest.importorskip("keras")

from tests.edge.hostile import check_printable, hostile_model
from train.cli.app import app
from train.fitting.progress import ProgressDisplay


def test_compare(tmp_path):
    result = CliRunner().invoke(app, ["compare", str(hostile_model(tmp_path))])
    assert result.exit_code == 0, result.output
    check_printable(result.stdout)


def test_notes(capsys):
    from tests.edge.hostile import NAME

    with ProgressDisplay() as display:
        display.note(f"the features in {NAME} are not kept")
    check_printable(capsys.readouterr().err)
