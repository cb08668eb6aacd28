"""The systemd unit of the service, as text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from edge.errors import BadOption
from edge.service.config_location import SYSTEM_FILE

NAME = "fmnist-edge"
"""Of the unit, of its user, and of its folders under /var/lib and /var/cache."""

GROUPS = ("video", "plugdev", "gpio")
"""The groups that own cameras, Corals and pins, where a system has them."""

WATCHDOG_S = 120
"""Without a sign of life for so long the service is started anew. The usual heartbeat is half of it."""

BACKS_OFF_SINCE = 254
"""The version of systemd that knows RestartSteps=."""

_BACK_OFF = """\
# Tried again after 2 s, then less and less often, up to every 2 minutes.
RestartSec=2
RestartSteps=8
RestartMaxDelaySec=120"""

_NO_BACK_OFF = """\
# This systemd cannot wait longer each time (that takes version 254).
RestartSec=15"""

_SANDBOX = """\
ProtectSystem=strict
ProtectHome={home}
PrivateTmp=yes
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
# The runtimes read /proc/cpuinfo and /sys/devices/system/cpu: no ProcSubset=pid.
ProtectProc=invisible
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
LockPersonality=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service"""

_TEMPLATE = """\
# Written by `fmnist-edge install-service`, which replaces it. Changes of yours: systemctl edit {name}
[Unit]
Description=Garment classification
After=network.target
# It is never given up: a camera may be plugged in next week.
StartLimitIntervalSec=0

[Service]
# Ready with the first answer, or with a camera that is reported as lost; alive as long as either comes.
Type=notify
NotifyAccess=main
ExecStart={start}
# The configuration is read again, by the same process; a spoilt one is refused and the old one stays.
ExecReload=kill -HUP $MAINPID
TimeoutStartSec=120
TimeoutStopSec=20
WatchdogSec={watchdog}
Restart=on-failure
# A picture that is sent to the page may take all memory: its own process ends then, and no other.
OOMPolicy=continue
# A mistake in the configuration (2) or a missing package (8) does not go away by itself.
RestartPreventExitStatus=2 8
{back_off}
# If it hangs, the journal shows where.
Environment=PYTHONFAULTHANDLER=1 XDG_CACHE_HOME=%C/{name}
LimitCORE=0

# Its groups are the user's: {groups}.
User={name}
Group={name}
UMask=0077
StateDirectory={name}
StateDirectoryMode=0750
CacheDirectory={name}
CacheDirectoryMode=0750
WorkingDirectory=%S/{name}
# A password's file, which stays root's. In {config}: mqtt-password-file = "mqtt-password"
#LoadCredential=mqtt-password:/etc/{name}/mqtt-password
#LoadCredential=webhook-secret:/etc/{name}/webhook-secret

# It writes to its own folders, and to no other.
{sandbox}
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM

# Cameras on USB and on the Pi's cable, Corals on USB and on PCIe, the Pi's pins.
DevicePolicy=closed
DeviceAllow=char-video4linux rw
DeviceAllow=char-media rw
DeviceAllow=char-dma_heap rw
DeviceAllow=char-usb_device rw
DeviceAllow=char-apex rw
DeviceAllow=char-gpiochip rw

[Install]
WantedBy=multi-user.target
"""


@dataclass(frozen=True, slots=True)
class Service:
    """What the service runs, as whom, on which systemd.

    `program` is the installed fmnist-edge, `command` its command that runs for ever, `groups` those of GROUPS that the
    system has. `in_a_home`: the program lies in somebody's home, which the service must see then.
    """

    program: Path
    command: str
    groups: tuple[str, ...]
    systemd: int
    in_a_home: bool = False

    def __post_init__(self) -> None:
        if not self.program.is_absolute() or not re.fullmatch(r"[\w./+@:,=-]+", str(self.program), re.ASCII):
            raise BadOption(
                f"{self.program}: systemd is given an absolute path of letters, digits and ./+@:,=-",
                "install it into a folder with a plain name, such as /opt/fmnist-edge",
            )


def sandbox(service: Service) -> str:
    """What both units may not do: the lines that each of them has."""
    return _SANDBOX.format(home="read-only" if service.in_a_home else "yes")


def unit_text(service: Service) -> str:
    """The unit file."""
    return _TEMPLATE.format(
        name=NAME,
        start=f"{service.program} {service.command} --config {SYSTEM_FILE}",
        groups=", ".join(service.groups) or "none of cameras",
        config=SYSTEM_FILE,
        watchdog=WATCHDOG_S,
        sandbox=sandbox(service),
        back_off=_BACK_OFF if service.systemd >= BACKS_OFF_SINCE else _NO_BACK_OFF,
    )
