"""A shop with a repository of models, a web server in front of it that may fail or lie, and devices."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from convert.publishing import publishing, renewal
from convert.publishing.key_ring import KeyRing
from convert.publishing.repository import Repository as Published
from convert.publishing.roles import Periods, Signer, Threshold
from edge.choices import Channel
from edge.fleet.fleet_folder import FleetFolder, Status
from edge.fleet.repository import Repository
from edge.fleet.updating import Wishes, update
from edge.inference.model_file import bundled_models
from edge.inference.model_versions import version_in_use

Lie = Callable[["Handler", bytes], bytes | None]
"""What the server sends in place of a file; None if it has sent what it wants itself."""


class Handler(BaseHTTPRequestHandler):
    """Serves a folder; counts what it sends."""

    protocol_version = "HTTP/1.1"
    server: Server
    timeout = 20

    def do_GET(self) -> None:
        """Send a file, or what takes its place."""
        path = self.server.folder / self.path.lstrip("/")
        content = path.read_bytes() if path.is_file() else None
        self.server.asked.append(self.path)
        lie = self.server.lie
        if lie is not None:
            content = lie(self, content if content is not None else b"")
            if content is None:
                self.close_connection = True
                return
        if not content:
            self.send(404, b"not found")
        else:
            self.send(200, content)

    def send(self, status: int, content: bytes, length: int | None = None) -> None:
        """Send an answer; `length` is what it says of itself."""
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        self.wfile.write(content)
        self.server.sent_bytes += len(content) + 100

    def log_message(self, *_values: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """A static web server on a port of 127.0.0.1."""

    block_on_close = False
    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = folder
        self.lie: Lie | None = None
        self.asked: list[str] = []
        self.sent_bytes = 0
        super().__init__(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are expected here."""


@contextmanager
def serving(folder: Path, port: int = 0) -> Iterator[Server]:
    """A server of a folder, in a thread."""
    server = Server(folder, port)
    threading.Thread(target=partial(server.serve_forever, 0.02), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Shop:
    """Publishes; its keys lie in `keys`."""

    folder: Path
    periods: Periods = field(default_factory=Periods)
    targets: str = "1/1"

    def __post_init__(self) -> None:
        self.repository = self.folder / "repository"
        self.keys = self.folder / "keys"
        self.root = self.repository / "metadata" / "1.root.json"
        if self.root.exists():
            return
        self.keys.mkdir(parents=True)
        thresholds = {Signer.ROOT: "2/3", Signer.TARGETS: self.targets, Signer.ONLINE: "1/1"}
        parsed = {signer: Threshold.parse(text) for signer, text in thresholds.items()}
        publishing.begin(self.repository, self.ring, parsed, self.periods)

    @property
    def ring(self) -> KeyRing:
        """Its keys as they are now."""
        return KeyRing([self.keys])

    @property
    def opened(self) -> Published:
        """Its repository as it is now."""
        return Published.read(self.repository)

    def publish(self, model: str | Path, version: str, channel: Channel = Channel.STABLE, percent: int = 100) -> None:
        """Publish a bundled model, or a file."""
        path = bundled_models()[model] if isinstance(model, str) else model
        publishing.publish(path, version, self.opened, self.ring, channel, percent, self.periods)

    def rotate(self, *signers: Signer) -> None:
        """New keys."""
        renewal.rotate(self.opened, self.ring, signers or tuple(Signer), self.periods)

    def copy(self, name: str) -> Path:
        """Its repository as it is now, kept for later."""
        return Path(shutil.copytree(self.repository, self.folder / name))


@dataclass
class Device:
    """A device that updates in this process."""

    folder: Path
    root: Path
    url: str
    name: str = "device"
    channel: Channel = Channel.STABLE
    pin: str | None = None
    canaries: Path | None = None

    def __post_init__(self) -> None:
        self.models = self.folder / "models"
        self.models.mkdir(parents=True, exist_ok=True)
        self.fleet = FleetFolder(self.models)
        self.fleet.make()

    def update(self, *, only_look: bool = False) -> Status:
        """Update once, as a process that has just begun."""
        wishes = Wishes(self.name, self.channel, self.pin, self.canaries, only_look)
        with closing(Repository(self.url, self.root.read_bytes(), self.fleet.metadata)) as repository:
            return update(repository, self.fleet, wishes)

    @property
    def runs(self) -> str:
        """The version that a run would take."""
        return version_in_use(self.models).stem


def drip(handler: Handler, content: bytes) -> None:
    """Send a byte now and then."""
    handler.send_response_only(200)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    for number in range(len(content)):
        handler.wfile.write(content[number : number + 1])
        handler.wfile.flush()
        time.sleep(0.2)
