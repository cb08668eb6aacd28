"""fmnist-edge serve as a process of its own, and clients that behave badly."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.conftest import ROOT


class Serving:
    """A server that runs; what it says is kept in files, so that it never waits for a reader."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process = process
        self._folder = folder
        self.address = ""

    @property
    def said(self) -> str:
        return (self._folder / "stderr").read_text()

    @property
    def lines(self) -> list[dict[str, Any]]:
        text = (self._folder / "stdout").read_text()
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    @property
    def port(self) -> int:
        return int(self.address.rstrip("/").rpartition(":")[2])

    @property
    def memory_mb(self) -> float:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    @property
    def files(self) -> int:
        """How many files it has open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    @property
    def worker(self) -> int:
        """The process that classifies pictures which are sent."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        (child,) = {int(pid) for task in tasks for pid in task.read_text().split()}
        return child

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + 60
        while not (found := re.search(r"^page: (\S+)$", self.said, re.MULTILINE)):
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)
        self.address = found[1]
        while not self.lines:
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)

    def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        context: ssl.SSLContext | None = None,
    ) -> tuple[int, dict[str, str], bytes]:
        """Send a request on a connection of its own, and read the whole response."""
        with self.connect(context) as connection:
            lines = {"Host": "localhost", "Content-Length": str(len(body)), "Connection": "close"} | (headers or {})
            head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
            connection.sendall(head.encode() + b"\r\n" + body)
            return response_of(connection)

    def connect(self, context: ssl.SSLContext | None = None) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        return connection if context is None else context.wrap_socket(connection, server_hostname="127.0.0.1")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0, self.said
        assert "Traceback" not in self.said


def response_of(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of what comes until the other end closes."""
    content = b""
    try:
        while piece := connection.recv(65536):
            content += piece
    except ConnectionError:
        """It hung up; what came before counts."""
    head, _, body = content.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return int(first.split()[1]) if first else 0, headers, body


@contextmanager
def serve(folder: Path, *arguments: str, **environment: str) -> Iterator[Serving]:
    """A server with the test pattern, fifteen frames a second, unless other sources are given."""
    sources = arguments if any(one.startswith("fake:") for one in arguments) else ("fake:", "--fps", "15", *arguments)
    command = [sys.executable, "-m", "edge.cli", "serve", *sources, "-f", "json"]
    command += [] if "--port" in arguments else ["--port", "0"]
    with (
        (folder / "stdout").open("wb") as stdout,
        (folder / "stderr").open("wb") as stderr,
        subprocess.Popen(
            command, stdout=stdout, stderr=stderr, stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(folder / "state"), **environment},
        ) as process,
    ):  # fmt: skip
        try:
            running = Serving(process, folder)
            running.wait_until_ready()
            yield running
        finally:
            process.kill()
