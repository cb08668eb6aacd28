"""The service, installed and removed again: the steps for a machine as it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from edge.errors import BadOption, InstallationFailed
from edge.service.config_location import SYSTEM_FILE
from edge.service.steps import Machine, Step, remove, write
from edge.service.unit import GROUPS, NAME, Service, unit_text
from edge.service.update_unit import update_unit_text

UNIT = Path(f"/etc/systemd/system/{NAME}.service")
UPDATE_UNIT = UNIT.with_name(f"{NAME}-update.service")
STATE = Path(f"/var/lib/{NAME}")
CACHE = Path(f"/var/cache/{NAME}")
SECRETS = Path(f"/etc/{NAME}")

_OTHERS_MAY_ENTER = 0o001
_FIRST_PERSON = 1000
"""Users from this number on are people (login.defs)."""


def service_for(machine: Machine, program: Path, command: str) -> Service:
    """The service that suits a machine. Raises BadOption or InstallationFailed if it cannot run there."""
    groups = tuple(one for one in GROUPS if machine.has_group(one))
    if machine.is_another:
        return Service(program, command, groups, machine.systemd)
    if not os.access(program, os.X_OK) or not program.is_file():
        raise BadOption(f"{program} is no program that can be started", "--program /path/to/fmnist-edge")
    places = [program, program.resolve()]
    interpreter = _interpreter(program)
    if interpreter is not None:
        places += [interpreter, interpreter.resolve()]
    for place in places:
        for folder in place.parents:
            if not folder.stat().st_mode & _OTHERS_MAY_ENTER:
                raise BadOption(
                    f"{place}: the service's own user may not enter {folder}",
                    "install it where all may read it, such as /opt/fmnist-edge (scripts/install-pi does)",
                )
    return Service(program, command, groups, machine.systemd, any(map(_is_in_a_home, places)))


def install_steps(
    machine: Machine, service: Service, config: str, *, start: bool, sudo_group: int, updates: bool = False
) -> Iterator[Step]:
    """What installs the service, or brings it up to date; a configuration that is there stays as it is.

    `sudo_group` is the group of the person who installs, which may read the configuration; 0 if that is root. With
    `updates` there is a second service, which gets new versions of the model.
    """
    numbers = machine.user(NAME)
    if numbers is None:
        yield Step(
            f"adds the system user {NAME}, in groups {', '.join(service.groups) or 'none'}", _add(machine, service)
        )
    elif numbers[0] >= _FIRST_PERSON:
        raise InstallationFailed(f"there is a user {NAME} who is no system user", f"sudo userdel {NAME}")
    else:
        for group in service.groups:
            if not machine.is_member(NAME, group):
                yield Step(f"adds {NAME} to group {group}", machine.accounts("usermod", "-a", "-G", group, NAME))
    target = machine.path(SYSTEM_FILE)
    if os.path.lexists(target):
        yield Step(f"leaves {target} as it is", lambda: None)
    else:
        yield Step(
            f"writes {target} (mode 0640: {NAME} and {'your group' if sudo_group else 'its group'} may read it)",
            lambda: write(target, config, 0o640, _owner(machine, sudo_group), replaces=False),
        )
    unit = machine.path(UNIT)
    yield Step(f"writes {unit}", lambda: write(unit, unit_text(service), 0o644, replaces=True))
    yield from _second_unit(machine, service) if updates else _removal(machine, machine.path(UPDATE_UNIT))
    if machine.runs_systemd:
        yield Step("has systemd read it", machine.systemctl("daemon-reload"))
    yield Step("has it started at each boot", machine.systemctl("enable", f"{NAME}.service"))
    if start and machine.runs_systemd:
        yield Step("starts it, and waits for its first answer", machine.systemctl("restart", f"{NAME}.service"))
    if updates:
        yield Step("has updates started at each boot", machine.systemctl("enable", UPDATE_UNIT.name))
    if updates and start and machine.runs_systemd:
        yield Step("starts them", machine.systemctl("restart", UPDATE_UNIT.name))


def uninstall_steps(machine: Machine, *, keep_state: bool) -> Iterator[Step]:
    """What removes the service: all of it, or all but the configuration, the state and the user who owns them."""
    for unit in (UPDATE_UNIT, UNIT):
        yield from _removal(machine, machine.path(unit))
    if machine.runs_systemd:
        yield Step("has systemd forget it", machine.systemctl("daemon-reload"))
    kept = [machine.path(one) for one in (SYSTEM_FILE, SECRETS, STATE)]
    for path in (*kept, machine.path(CACHE)):
        if os.path.lexists(path):
            if keep_state and path in kept:
                yield Step(f"keeps {path}", lambda: None)
            else:
                yield Step(f"removes {path}", partial(remove, path))
    numbers = machine.user(NAME)
    if numbers is None or numbers[0] >= _FIRST_PERSON:
        return
    if keep_state:
        yield Step(f"keeps the user {NAME}, who owns them", lambda: None)
    else:
        yield Step(f"removes the user {NAME}", partial(_remove_user, machine))


def _second_unit(machine: Machine, service: Service) -> Iterator[Step]:
    unit = machine.path(UPDATE_UNIT)
    yield Step(f"writes {unit}", lambda: write(unit, update_unit_text(service), 0o644, replaces=True))


def _removal(machine: Machine, unit: Path) -> Iterator[Step]:
    """What removes one unit, if it is there, and the changes that somebody made to it."""
    if os.path.lexists(unit):
        if machine.runs_systemd:
            yield Step(f"stops {unit.stem}", machine.systemctl("stop", unit.name))
        yield Step(f"has {unit.stem} started no more", machine.systemctl("disable", unit.name))
    for path in (unit, unit.with_name(f"{unit.name}.d")):
        if os.path.lexists(path):
            yield Step(f"removes {path}", partial(remove, path))


def has_input(values: Mapping[str, Mapping[str, object]], command: str) -> bool:
    """Whether a configuration names something to classify for a command."""
    table = values.get(command, {})
    return bool(table.get("sources")) or table.get("camera") is not None


def refuse_useless(config: Path, values: Mapping[str, Mapping[str, object]], command: str) -> None:
    """Raise BadOption if a configuration names nothing to classify: the service would end at once."""
    if not has_input(values, command):
        raise BadOption(
            f"{config}: nothing to classify for the service, which runs `{command}`",
            f"write camera = 0 under [{command}]",
        )


def _add(machine: Machine, service: Service) -> Callable[[], None]:
    groups = ["--groups", ",".join(service.groups)] if service.groups else []
    home = ["--home-dir", str(STATE), "--no-create-home", "--shell", "/usr/sbin/nologin"]
    return machine.accounts("useradd", "--system", "--user-group", *home, *groups, NAME)


def _remove_user(machine: Machine) -> None:
    """The group goes with the user only if login.defs says so."""
    machine.accounts("userdel", NAME)()
    if machine.has_group(NAME):
        machine.accounts("groupdel", NAME)()


def _owner(machine: Machine, sudo_group: int) -> tuple[int, int]:
    """The service's user, so that the file is right with mode 0600, too."""
    numbers = machine.user(NAME)
    if numbers is None:
        raise InstallationFailed(f"the user {NAME} was not added")
    return numbers[0], sudo_group or numbers[1]


def _interpreter(program: Path) -> Path | None:
    """The program that a script's first line names."""
    with program.open("rb") as file:
        first = file.readline(512)
    words = first[2:].split() if first.startswith(b"#!/") else []
    return Path(os.fsdecode(words[0])) if words else None


def _is_in_a_home(path: Path) -> bool:
    return path.parts[1:2] in {("home",), ("root",)} or path.parts[1:3] == ("run", "user")
