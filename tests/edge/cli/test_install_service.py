"""The service installed into the root of a small system and removed again, by the real useradd and systemctl."""

from __future__ import annotations

import importlib.util
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.errors import BadOption
from edge.service.installation import service_for
from edge.service.steps import Machine
from tests.conftest import Run
from tests.edge.cli.test_app import check_failure

pytestmark = pytest.mark.subprocess

PROGRAM = "/opt/fmnist-edge/current/bin/fmnist-edge"
UNIT = "etc/systemd/system/fmnist-edge.service"
CONFIG = "etc/fmnist-edge.toml"


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """As much of a system as useradd and systemctl need."""
    for folder in ("etc/systemd/system", "usr/lib/systemd/system", "var/lib", "var/cache"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "usr/lib/systemd/libsystemd-shared-252.so").touch()
    (tmp_path / "usr/lib/systemd/system/multi-user.target").write_text("[Unit]\nDescription=All\n")
    (tmp_path / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\npi:x:1000:1000::/home/pi:/bin/sh\n")
    (tmp_path / "etc/group").write_text("root:x:0:\nvideo:x:44:pi\nplugdev:x:46:pi\npi:x:1000:\n")
    (tmp_path / "etc/shadow").write_text("root:*:20000:0:99999:7:::\npi:*:20000:0:99999:7:::\n")
    (tmp_path / "etc/gshadow").write_text("root:*::\nvideo:*::pi\nplugdev:*::pi\npi:!::\n")
    (tmp_path / "etc/login.defs").write_text("SYS_UID_MAX 999\nSYS_GID_MAX 999\n")
    return tmp_path


@pytest.fixture
def as_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("adding a user needs root, also to another system's files")
    for tool in ("useradd", "systemctl"):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool}: apt-get install systemd passwd")


def entries(system: Path) -> dict[str, bytes | str | None]:
    """All files and folders, with their contents; without the copies that useradd keeps of what it changes."""
    found: dict[str, bytes | str | None] = {}
    for path in system.rglob("*"):
        if path.name.endswith("-") or path.name == ".pwd.lock":
            continue
        name = str(path.relative_to(system))
        if path.is_symlink():
            found[name] = str(path.readlink())
        else:
            found[name] = path.read_bytes() if path.is_file() else None
    return found


def install(fmnist_edge: Run, system: Path, *more: str, env: dict[str, str] | None = None) -> str:
    done = fmnist_edge(
        "install-service", "--command", "classify", "--root", system, "--program", PROGRAM, *more, env=env
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.mark.usefixtures("as_root")
def test_installed_and_removed_leaves_nothing(fmnist_edge: Run, system: Path) -> None:
    before = entries(system)
    said = install(fmnist_edge, system)
    assert "adds the system user fmnist-edge, in groups video, plugdev\n" in said
    assert f"ExecStart={PROGRAM} classify --config" in (system / UNIT).read_text()
    assert (system / "etc/systemd/system/multi-user.target.wants/fmnist-edge.service").is_symlink()
    groups = dict(line.split(":x:") for line in (system / "etc/group").read_text().splitlines())
    assert (groups["video"], groups["plugdev"]) == ("44:pi,fmnist-edge", "46:pi,fmnist-edge")
    user = next(line for line in (system / "etc/passwd").read_text().splitlines() if line.startswith("fmnist-edge:"))
    _, _, number, group, _, home, shell = user.split(":")
    assert (int(number) < 1000, home, shell) == (True, "/var/lib/fmnist-edge", "/usr/sbin/nologin")
    config = (system / CONFIG).stat()
    assert (config.st_uid, config.st_gid, stat.S_IMODE(config.st_mode)) == (int(number), int(group), 0o640)

    for folder in ("var/lib/fmnist-edge/review", "var/cache/fmnist-edge", f"{UNIT}.d"):
        (system / folder).mkdir(parents=True)
        (system / folder / "a.jpg").touch()
    done = fmnist_edge("uninstall-service", "--root", system)
    assert done.returncode == 0, done.stderr
    assert "removes the user fmnist-edge" in done.stdout
    after = entries(system)
    after.pop("etc/systemd/system/multi-user.target.wants", None)  # systemd's own folder, empty
    assert after == before
    assert fmnist_edge("uninstall-service", "--root", system).stdout == "nothing is installed\n"


@pytest.mark.usefixtures("as_root")
def test_a_second_time_is_an_update_that_keeps_the_configuration(fmnist_edge: Run, system: Path) -> None:
    install(fmnist_edge, system)
    (system / CONFIG).write_text("[classify]\ncamera = 1\n")
    (system / UNIT).write_text("[Unit]\n")
    with (system / "etc/group").open("a") as groups:
        groups.write("gpio:x:997:\n")  # a package that came later
    said = install(fmnist_edge, system)
    assert "adds fmnist-edge to group gpio" in said
    assert f"leaves {system / CONFIG} as it is" in said
    assert (system / CONFIG).read_text() == "[classify]\ncamera = 1\n"
    assert "ExecStart=" in (system / UNIT).read_text()
    assert "gpio:x:997:fmnist-edge" in (system / "etc/group").read_text()


@pytest.mark.usefixtures("as_root")
def test_updates_have_a_unit_of_their_own_while_the_configuration_asks_for_them(fmnist_edge: Run, system: Path) -> None:
    before = entries(system)
    update = UNIT.replace(".service", "-update.service")
    install(fmnist_edge, system)
    assert not (system / update).exists()
    of_run = "[classify]\ncamera = 0\n"
    (system / CONFIG).write_text(of_run + '[update]\nrepository = "https://example.com/models"\n')
    assert f"writes {system / update}\n" in install(fmnist_edge, system)
    assert f"ExecStart={PROGRAM} update --watch --config" in (system / update).read_text()
    wanted = system / "etc/systemd/system/multi-user.target.wants/fmnist-edge-update.service"
    assert wanted.is_symlink()
    (system / CONFIG).write_text(of_run)
    assert f"removes {system / update}\n" in install(fmnist_edge, system)
    assert not wanted.is_symlink()
    (system / CONFIG).write_text(of_run + '[update]\nrepository = "https://example.com/models"\n')
    install(fmnist_edge, system)
    assert fmnist_edge("uninstall-service", "--root", system).returncode == 0
    after = entries(system)
    after.pop("etc/systemd/system/multi-user.target.wants", None)
    assert after == before


@pytest.mark.usefixtures("as_root")
def test_the_state_is_kept_with_its_owner_if_asked(fmnist_edge: Run, system: Path) -> None:
    install(fmnist_edge, system)
    (system / "var/lib/fmnist-edge").mkdir()
    (system / "var/cache/fmnist-edge").mkdir()
    done = fmnist_edge("uninstall-service", "--root", system, "--keep-state")
    assert done.returncode == 0, done.stderr
    assert (system / CONFIG).exists()
    assert (system / "var/lib/fmnist-edge").exists()
    assert not (system / "var/cache/fmnist-edge").exists()
    assert not (system / UNIT).exists()
    assert "fmnist-edge:x:" in (system / "etc/passwd").read_text()


@pytest.mark.usefixtures("as_root")
def test_whoever_calls_sudo_may_read_the_configuration(fmnist_edge: Run, system: Path) -> None:
    install(fmnist_edge, system, env={"SUDO_GID": "1000"})
    assert (system / CONFIG).stat().st_gid == 1000


def test_a_dry_run_shows_both_files_and_changes_nothing(fmnist_edge: Run, system: Path) -> None:
    before = entries(system)
    said = install(fmnist_edge, system, "--dry-run")
    assert entries(system) == before
    assert "would: adds the system user" in said
    for text in (
        f"# {system / UNIT}\n",
        "[Service]\nType=",
        f"# {system / CONFIG}\n",
        "\n[classify]\n",
        "\ncamera = 0\n",
    ):
        assert text.replace("[Service]\n", "") in said
    assert fmnist_edge("uninstall-service", "--root", system, "--dry-run").returncode == 0


def test_a_configuration_that_names_no_camera_is_said_before_anything_is_done(fmnist_edge: Run, system: Path) -> None:
    (system / CONFIG).write_text("[evaluate]\nlimit = 3\n")
    before = entries(system)
    asked = ("install-service", "--root", system, "--program", PROGRAM, "--command", "classify")
    check_failure(fmnist_edge(*asked, "--dry-run"), 2, "write camera = 0 under [classify]")
    if os.geteuid() != 0:
        check_failure(fmnist_edge(*asked), 6, "sudo")
    (system / CONFIG).write_text("[classify]\ncamera = 0\nmin-scor = 1\n")
    check_failure(fmnist_edge(*asked, "--dry-run"), 2, "min-scor")
    (system / CONFIG).write_text("[evaluate]\nlimit = 3\n")
    assert entries(system) == before


def test_it_runs_what_there_is_a_camera_for(fmnist_edge: Run, system: Path) -> None:
    def runs() -> str:
        done = fmnist_edge("install-service", "--dry-run", "--root", system, "--program", PROGRAM)
        assert done.returncode == 0, done.stderr
        return next(line.split()[1] for line in done.stdout.splitlines() if line.startswith("ExecStart="))

    has_extra = importlib.util.find_spec("starlette") is not None and importlib.util.find_spec("uvicorn") is not None
    assert runs() == ("serve" if has_extra else "classify")
    (system / CONFIG).write_text("[classify]\ncamera = 0\n")
    assert runs() == "classify"


def test_what_cannot_run_is_refused(fmnist_edge: Run, system: Path) -> None:
    dry = ("install-service", "--dry-run", "--root", system, "--program")
    check_failure(fmnist_edge(*dry, "/opt/my shop/fmnist-edge"), 2, "/opt/fmnist-edge")
    check_failure(fmnist_edge(*dry, PROGRAM, "--command", "explain"), 2, "classify")
    (system / "usr/lib/systemd/libsystemd-shared-252.so").unlink()
    check_failure(fmnist_edge(*dry, PROGRAM), 13, "no systemd")


@pytest.mark.usefixtures("as_root")
def test_a_person_of_that_name_is_no_system_user(fmnist_edge: Run, system: Path) -> None:
    with (system / "etc/passwd").open("a") as users:
        users.write("fmnist-edge:x:1001:1001::/home/x:/bin/sh\n")
    before = entries(system)
    check_failure(fmnist_edge("install-service", "--root", system, "--program", PROGRAM), 13, "no system user")
    assert entries(system) == before
    assert fmnist_edge("uninstall-service", "--root", system).stdout == "nothing is installed\n"


def test_a_failing_command_is_an_error_that_quotes_it(fmnist_edge: Run, system: Path) -> None:
    if os.geteuid() != 0:
        check_failure(fmnist_edge("install-service", "--root", system, "--program", PROGRAM), 6, "sudo")
        return
    (system / "etc/passwd").write_text("root:x:0\n")
    (system / "etc/group").unlink()
    (system / "etc/group").mkdir()
    done = fmnist_edge("install-service", "--root", system, "--program", PROGRAM)
    assert (done.returncode, "error: useradd " in done.stderr) == (13, True)
    assert not (system / UNIT).exists()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that all may enter; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


def test_a_program_that_the_services_user_cannot_reach_is_refused(open_folder: Path) -> None:
    here = Machine()
    program = open_folder / "venv" / "fmnist-edge"
    program.parent.mkdir(0o755)
    program.write_text("#!/bin/sh\n")
    with pytest.raises(BadOption, match="no program"):
        service_for(here, program, "classify")
    program.chmod(0o755)
    if not Path("/usr/lib/systemd").is_dir():
        pytest.skip("no systemd here")
    assert service_for(here, program, "classify").in_a_home is False
    program.parent.chmod(0o750)
    with pytest.raises(BadOption, match="may not enter"):
        service_for(here, program, "classify")
    program.parent.chmod(0o755)
    (open_folder / "closed").mkdir(0o700)
    python = open_folder / "closed" / "python"
    python.symlink_to("/bin/sh")
    program.write_text(f"#!{python}\n")
    with pytest.raises(BadOption, match=r"may not enter .*closed"):
        service_for(here, program, "classify")


def test_the_program_is_named_as_it_was_found(open_folder: Path) -> None:
    """Through the link, which an update turns to another folder."""
    (open_folder / "1").mkdir()
    (open_folder / "1" / "fmnist-edge").write_text("#!/bin/sh\n")
    (open_folder / "1" / "fmnist-edge").chmod(0o755)
    (open_folder / "current").symlink_to("1")
    if not Path("/usr/lib/systemd").is_dir():
        pytest.skip("no systemd here")
    program = open_folder / "current" / "fmnist-edge"
    assert service_for(Machine(), program, "classify").program == program


def test_systemd_is_told_by_its_library(system: Path) -> None:
    assert Machine(system).systemd == 252
    (system / "usr/lib/systemd/libsystemd-shared-252.so").unlink()
    (system / "usr/lib/aarch64-linux-gnu/systemd").mkdir(parents=True)
    (system / "usr/lib/aarch64-linux-gnu/systemd/libsystemd-shared-257.so").touch()
    assert Machine(system).systemd == 257


def test_nothing_is_left_of_a_file_that_cannot_be_written(system: Path) -> None:
    from edge.service.steps import write

    write(system / CONFIG, "a", 0o640, replaces=False)
    with pytest.raises(FileExistsError):
        write(system / CONFIG, "b", 0o640, replaces=False)
    assert (system / CONFIG).read_text() == "a"
    assert [path.name for path in (system / "etc").iterdir() if path.name.startswith(".")] == []
