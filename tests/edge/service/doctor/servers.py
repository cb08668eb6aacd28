"""Servers on 127.0.0.1: a real broker, and some that are none."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from edge.service.doctor.addresses import Address
from tests.ports import free_port

MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def mosquitto(folder: Path, *lines: str) -> Iterator[Address]:
    """A real broker, once it takes connections."""
    assert MOSQUITTO, "a broker is needed: apt-get install mosquitto"
    port = free_port()
    owner = "user root" if os.geteuid() == 0 else ""
    (folder / "mosquitto.conf").write_text("\n".join([f"listener {port} 127.0.0.1", owner, *lines, ""]))
    command = [MOSQUITTO, "-c", str(folder / "mosquitto.conf")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as broker:
        try:
            deadline = time.monotonic() + 30
            while True:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert time.monotonic() < deadline
                assert broker.poll() is None
                time.sleep(0.02)
            yield Address("127.0.0.1", port, tls=False)
        finally:
            broker.terminate()


@contextmanager
def listener(answer: bytes | None) -> Iterator[Address]:
    """A server that gives every connection `answer` and closes it; with None it is silent."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with ExitStack() as kept:
                while True:
                    try:
                        connection = kept.enter_context(server.accept()[0])
                    except OSError:
                        return
                    if answer is not None:
                        with suppress(OSError):  # the caller may have hung up
                            connection.recv(1000)
                            connection.sendall(answer)
                            connection.shutdown(socket.SHUT_RDWR)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield Address("127.0.0.1", server.getsockname()[1], tls=False)
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
