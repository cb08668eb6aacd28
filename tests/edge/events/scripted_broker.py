"""A broker on 127.0.0.1 that does, connection by connection, what a test says: none of it what a broker should do."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Script = Callable[[socket.socket], None]


@contextmanager
def scripted_broker(script: Script) -> Iterator[tuple[int, list[float]]]:
    """Its port, and an entry for each connection so far. A connection ends when the script returns."""
    connections: list[float] = []
    open_sockets: list[socket.socket] = []

    def serve(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            script(connection)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connections.append(len(connections))
                open_sockets.append(connection)
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()[1], connections
        listener.shutdown(socket.SHUT_RDWR)  # wakes accept
        thread.join()
        for connection in open_sockets:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def read_packet(connection: socket.socket) -> tuple[int, bytes]:
    """An MQTT packet: its first byte, and what follows the length. Raises OSError at the end of the connection."""
    head = _read(connection, 1)[0]
    length = shift = 0
    while True:
        byte = _read(connection, 1)[0]
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return head, _read(connection, length)


def connack(code: int) -> bytes:
    """The answer to CONNECT, MQTT 3.1.1, 3.2."""
    return bytes((0x20, 2, 0, code))


def _read(connection: socket.socket, length: int) -> bytes:
    content = b""
    while len(content) < length:
        more = connection.recv(length - len(content))
        if not more:
            raise ConnectionResetError
        content += more
    return content
