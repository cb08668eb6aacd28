"""The systemd unit that gets new versions of the model, beside the service that classifies."""

from __future__ import annotations

from edge.service.config_location import SYSTEM_FILE
from edge.service.unit import NAME, Service, sandbox

_TEMPLATE = """\
# Written by `fmnist-edge install-service`, which replaces it. Changes of yours: systemctl edit {name}-update
[Unit]
Description=Garment classification: new versions of the model
After=network.target

[Service]
ExecStart={program} update --watch --config {config}
Restart=on-failure
RestartSec=60
# A mistake in the configuration (2) or a missing package (8) does not go away by itself.
RestartPreventExitStatus=2 8
User={name}
Group={name}
UMask=0077
StateDirectory={name}
StateDirectoryMode=0750
WorkingDirectory=%S/{name}
LimitCORE=0

# The frames come first, and a model that takes all memory when it is tried is no model for this machine.
Nice=5
MemoryMax=50%

{sandbox}
PrivateDevices=yes
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
"""


def update_unit_text(service: Service) -> str:
    """The unit file."""
    return _TEMPLATE.format(name=NAME, program=service.program, config=SYSTEM_FILE, sandbox=sandbox(service))
