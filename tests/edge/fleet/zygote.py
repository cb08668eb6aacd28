"""Starts devices at no cost: the program is loaded once, and each device is a fork of it, a process of its own.

python zygote.py: a line of JSON {"arguments", "folder", "log"} comes in, the number of a process goes out.
"""

from __future__ import annotations

import json
import os
import signal
import sys


def main() -> None:
    """Fork a device for each line, until there are no more."""
    import edge.cli.app
    import edge.cli.update
    import edge.fleet.repository
    import edge.fleet.updating
    import edge.fleet.watching
    from edge.cli import console

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if not child:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.chdir(asked["folder"])
            log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(log, 1)
            os.dup2(log, 2)
            sys.argv = ["fmnist-edge", *asked["arguments"]]
            console.run_and_leave(edge.cli.app.app)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


main()
