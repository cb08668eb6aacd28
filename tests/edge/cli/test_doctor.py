"""`fmnist-edge doctor` as its user meets it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edge.inference.model_file import Model
from tests.conftest import ROOT, Run
from tests.edge.cli.test_app import check_failure
from tests.edge.service.doctor.servers import mosquitto
from tests.edge.service.doctor.test_models import damaged
from tests.edge.sources.certificates import Certificates

pytestmark = pytest.mark.subprocess


def test_a_line_for_each_check(fmnist_edge: Run) -> None:
    done = fmnist_edge("doctor", "--folder", ROOT)
    assert done.stderr == ""
    lines = [line for line in done.stdout.splitlines() if "  mend: " not in line]
    assert {line.split()[0] for line in lines} <= {"ok", "warn", "fail"}
    assert done.returncode == any(line.startswith("fail ") for line in lines)
    assert any(line.startswith("ok   python ") for line in lines)
    assert any(f"disk {ROOT}" in line for line in lines)


def test_json_holds_the_same(fmnist_edge: Run) -> None:
    done = fmnist_edge("doctor", "--format", "json")
    report = json.loads(done.stdout)
    assert report["v"] == 1
    assert {"python", "runtime", "models", "clock"} <= {one["name"] for one in report["checks"]}
    assert {tuple(one) for one in report["checks"]} == {("name", "status", "found", "mend")}
    assert all(bool(one["mend"]) == (one["status"] != "ok") for one in report["checks"])


def test_a_failure_is_exit_1_and_says_what_mends_it(fmnist_edge: Run, model: Model, tmp_path: Path) -> None:
    done = fmnist_edge("doctor", "--model", damaged(model, tmp_path / "mine.tflite"))
    assert done.returncode == 1
    (line,) = [number for number, line in enumerate(done.stdout.splitlines()) if line.startswith("fail model ")]
    assert "mend: download or convert the model again" in done.stdout.splitlines()[line + 1]
    assert done.stderr == ""


def line_of(done: subprocess.CompletedProcess[str], name: str) -> str:
    (line,) = [line for line in done.stdout.splitlines() if f" {name} " in line[:40]]
    return line


def test_it_logs_in_at_the_broker_as_classify_will(
    fmnist_edge: Run, certificates: Certificates, tmp_path: Path
) -> None:
    users, secret = tmp_path / "users", tmp_path / "secret"
    subprocess.run(["mosquitto_passwd", "-b", "-c", users, "shelf", "geheim"], check=True, capture_output=True)
    secret.write_text("geheim\n")
    secret.chmod(0o600)
    tls = f"certfile {certificates.certificate('good')}", f"keyfile {certificates.folder / 'good.key'}"
    with mosquitto(tmp_path, "allow_anonymous false", f"password_file {users}", *tls) as broker:
        trust = ("doctor", "--mqtt-ca-file", certificates.authority, "--mqtt", f"mqtts://shelf@127.0.0.1:{broker.port}")
        by_file = fmnist_edge(*trust, "--mqtt-password-file", secret)
        by_variable = fmnist_edge(*trust, env={"FMNIST_EDGE_MQTT_PASSWORD": "wrong"})
    assert "lets shelf in" in line_of(by_file, "mqtt")
    assert line_of(by_variable, "mqtt").startswith("fail ")
    assert "refuses the user shelf or the password" in by_variable.stdout
    assert by_variable.returncode == 1


def test_the_edge_tpu_library_is_the_one_that_was_named(fmnist_edge: Run, edgetpu_library: Path) -> None:
    assert f"{edgetpu_library} loads" in line_of(fmnist_edge("doctor", "--delegate", edgetpu_library), "coral library")


def test_a_hook_where_nobody_listens(fmnist_edge: Run) -> None:
    done = fmnist_edge("doctor", "--webhook", "http://127.0.0.1:9/SECRET", "--mqtt", "mqtt://127.0.0.1:9")
    assert done.returncode == 1
    assert done.stdout.count("127.0.0.1:9 cannot be reached: nobody listens there") == 2
    assert "SECRET" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "word"),
    [(("--mqtt", "broker"), "mqtt://HOST"), (("--webhook", "http://a:b@c"), "ps"), (("-f", "csv"), "predictions")],
)
def test_wrong_options_are_said_in_two_lines(fmnist_edge: Run, arguments: tuple[str, ...], word: str) -> None:
    check_failure(fmnist_edge("doctor", *arguments), 2, word)


def test_other_commands_do_not_load_it() -> None:
    program = (
        "import sys, edge.cli.app; print([name for name in sys.modules if name.startswith('edge.service.doctor')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
