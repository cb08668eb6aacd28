"""A network camera on 127.0.0.1 that sends, byte for byte, what a test says."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Send = Callable[[bytes], None]
Script = bytes | Callable[[Send], None]


@contextmanager
def scripted_camera(*scripts: Script, tls: ssl.SSLContext | None = None) -> Iterator[tuple[str, list[str]]]:
    """Its address, and the heads of the requests so far. Each connection gets the next script, the last one for ever.

    A script is what is sent, or a function that sends it; then the camera hangs up.
    """
    requests: list[str] = []
    left = list(scripts)

    def serve(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            stream = connection if tls is None else tls.wrap_socket(connection, server_side=True)
            with stream:
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    more = stream.recv(1)
                    if not more:
                        return
                    head += more
                requests.append(head.decode("latin-1"))
                script = left.pop(0) if len(left) > 1 else left[0]
                if isinstance(script, bytes):
                    stream.sendall(script)
                else:
                    script(stream.sendall)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"{'http' if tls is None else 'https'}://127.0.0.1:{listener.getsockname()[1]}", requests
        listener.shutdown(socket.SHUT_RDWR)  # wakes accept
        thread.join()


def answer(kind: str | None, content: bytes = b"", *fields: str, status: str = "200 OK") -> bytes:
    """An HTTP answer."""
    lines = [f"HTTP/1.1 {status}", *([f"Content-Type: {kind}"] if kind else []), "Connection: close", *fields]
    return "\r\n".join([*lines, "", ""]).encode() + content


def parts(*jpegs: bytes, boundary: str = "frame", newline: str = "\r\n", length: bool = True) -> bytes:
    """JPEGs as the parts of a multipart stream."""
    stream = b""
    for jpeg in jpegs:
        head = [f"--{boundary}", "Content-Type: image/jpeg", *([f"Content-Length: {len(jpeg)}"] if length else [])]
        stream += newline.join([*head, "", ""]).encode() + jpeg + newline.encode()
    return stream
