"""Downloads over a loopback server that resumes, breaks off, lies and stalls."""

import contextlib
import gzip
import hashlib
import http.server
import re
import threading
import time

import numpy as np
import pytest

from edge.datasets import dataset, download
from edge.datasets.download import Content, fetch
from edge.errors import BadOption, DownloadFailed, OutputFailed

PLAIN = np.random.default_rng(0).integers(0, 256, 300_000, np.uint8).tobytes()
PACKED = gzip.compress(PLAIN, 1, mtime=1)
CONTENT = Content(hashlib.sha256(PLAIN).hexdigest(), len(PLAIN))


class Mirror(http.server.BaseHTTPRequestHandler):
    """Serves `server.files` with Range; `server.faults` holds one fault for each coming request."""

    def do_GET(self):
        fault = self.server.faults.pop(0) if self.server.faults else ""
        asked = self.headers.get("Range")
        self.server.requests.append((self.path, asked))
        content = self.server.files.get(self.path.rsplit("/", 1)[-1])
        if content is None or fault == "missing":
            return self.send_error(404)
        if fault.startswith("redirect to "):
            self.send_response(302)
            self.send_header("Location", fault.removeprefix("redirect to "))
            return self.end_headers()
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and fault != "no ranges" else 0
        if start >= len(content):
            return self.send_error(416)
        body = content[start:]
        self.send_response(206 if start else 200)
        if start:
            first = start - 1 if fault == "another byte" else start
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if fault == "drop":
            body = body[: len(body) // 2]
        if fault == "stall":
            self.wfile.write(body[:1000])
            self.wfile.flush()
            time.sleep(20)
            return None
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body)
        return None

    def log_message(self, *_):
        pass


@pytest.fixture
def serve():
    servers = []

    def start(files, *faults):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
        server.daemon_threads = True
        server.files, server.faults, server.requests = files, list(faults), []
        server.url = f"http://127.0.0.1:{server.server_port}/data"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def mirrors(monkeypatch):
    return lambda *servers: monkeypatch.setenv(
        "FMNIST_EDGE_MIRRORS", " ".join(getattr(server, "url", server) for server in servers)
    )


def test_a_file_is_fetched_verified_and_named_last(tmp_path, serve, mirrors):
    server = serve({"file.gz": PACKED})
    mirrors(server)
    seen = []

    def progress(name, done, total):
        assert not (tmp_path / "deep" / "file.gz").exists()
        seen.append((name, done, total))

    path = fetch("file", tmp_path / "deep", CONTENT, progress)
    assert gzip.decompress(path.read_bytes()) == PLAIN
    assert [p.name for p in path.parent.iterdir()] == ["file.gz"]
    assert seen[0] == ("file.gz", 0, len(PACKED))
    assert seen[-1] == ("file.gz", len(PACKED), len(PACKED))
    assert len(seen) > 3
    fetch("file", tmp_path / "deep", CONTENT)
    assert len(server.requests) == 1  # what is there and whole is not fetched again


def test_a_dropped_connection_is_resumed_where_it_broke(tmp_path, serve, mirrors):
    server = serve({"file.gz": PACKED}, "drop", "drop")
    mirrors(server)
    assert gzip.decompress(fetch("file", tmp_path, CONTENT).read_bytes()) == PLAIN
    half = len(PACKED) // 2
    ranges = [asked for _, asked in server.requests]
    assert ranges == [None, f"bytes={half}-", f"bytes={half + (len(PACKED) - half) // 2}-"]


def test_a_later_run_resumes_the_part(tmp_path, serve, mirrors):
    server = serve({"file.gz": PACKED}, *["drop"] * 4)
    mirrors(server)
    with pytest.raises(DownloadFailed, match=r"connection lost after \d+ of \d+ bytes"):
        fetch("file", tmp_path, CONTENT)
    have = (tmp_path / "file.gz.part").stat().st_size
    assert 0.9 * len(PACKED) < have < len(PACKED)
    fetch("file", tmp_path, CONTENT)
    assert server.requests[-1][1] == f"bytes={have}-"


def test_a_mirror_without_ranges_begins_anew(tmp_path, serve, mirrors):
    server = serve({"file.gz": PACKED}, "no ranges")
    mirrors(server)
    (tmp_path / "file.gz.part").write_bytes(PACKED[:1000])
    assert fetch("file", tmp_path, CONTENT).read_bytes() == PACKED
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "part",
    [PACKED, PACKED + b"too much", b"x" * len(PACKED), b"x" * 1000, gzip.compress(PLAIN, 1, mtime=2)[:1000]],
    ids=["whole", "longer", "wrong and as long", "wrong", "begun at another mirror"],
)
def test_any_part_ends_in_the_right_file(tmp_path, serve, mirrors, part):
    server = serve({"file.gz": PACKED})
    mirrors(server)
    (tmp_path / "file.gz.part").write_bytes(part)
    assert gzip.decompress(fetch("file", tmp_path, CONTENT).read_bytes()) == PLAIN
    assert not (tmp_path / "file.gz.part").exists()


def test_a_resumption_at_another_byte_is_not_appended(tmp_path, serve, mirrors):
    server = serve({"file.gz": PACKED}, "another byte")
    mirrors(server)
    (tmp_path / "file.gz.part").write_bytes(PACKED[:1000])
    with pytest.raises(DownloadFailed, match="resumed at another byte"):
        fetch("file", tmp_path, CONTENT)
    assert fetch("file", tmp_path, CONTENT).read_bytes() == PACKED


def test_a_lying_mirror_is_passed_over_and_its_part_deleted(tmp_path, serve, mirrors):
    for lie in (gzip.compress(PLAIN[:-1] + b"!"), gzip.compress(PLAIN + b"!"), b"<html>", PACKED[:-9]):
        liar, honest = serve({"file.gz": lie}), serve({"file.gz": PACKED})
        mirrors(liar, honest)
        (tmp_path / "file.gz").unlink(missing_ok=True)
        assert fetch("file", tmp_path, CONTENT).read_bytes() == PACKED
        assert [asked for _, asked in honest.requests] == [None]
        assert len(liar.requests) == 1


def test_each_mirrors_reason_is_listed(tmp_path, serve, mirrors):
    liar, empty = serve({"file.gz": gzip.compress(b"other")}), serve({})
    mirrors(liar, empty, "http://127.0.0.1:1", "http://127.0.0.1:port")
    with pytest.raises(DownloadFailed) as caught:
        fetch("file", tmp_path, CONTENT)
    reasons = caught.value.message.split("; ")
    assert [url in reason for url, reason in zip((liar.url, empty.url, ":1", ":port"), reasons, strict=True)]
    assert "SHA-256 does not match" in reasons[0]
    assert "HTTP 404" in reasons[1]
    assert "refused" in reasons[2]
    assert not (tmp_path / "file.gz").exists()


def test_a_stalled_mirror_is_left_after_the_timeout(tmp_path, serve, mirrors):
    stalled, good = serve({"file.gz": PACKED}, "stall", "stall"), serve({"file.gz": PACKED})
    mirrors(stalled, good)
    started = time.monotonic()
    assert fetch("file", tmp_path, CONTENT, timeout_s=0.3).read_bytes() == PACKED
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("url", ["file:///etc", "ftp://example.org/", "/srv/mirror", "gopher://x"])
def test_only_http_mirrors_are_used(tmp_path, mirrors, url):
    mirrors(url)
    with pytest.raises(BadOption, match="expected http or https"):
        fetch("file", tmp_path, CONTENT)


@pytest.mark.parametrize(
    ("url", "reason"), [("file:///etc/hostname", "not allowed"), ("ftp://127.0.0.1:1/x", "unknown url type")]
)
def test_a_redirect_leads_nowhere_but_http(tmp_path, serve, mirrors, url, reason):
    mirrors(serve({"file.gz": PACKED}, f"redirect to {url}"))
    with pytest.raises(DownloadFailed, match=reason):
        fetch("file", tmp_path, CONTENT)
    assert not (tmp_path / "file.gz.part").exists()


def test_a_mirror_that_never_stops_is_cut_off(tmp_path, serve, mirrors, monkeypatch):
    monkeypatch.setattr(download, "LARGEST_BYTES", 200_000)
    mirrors(serve({"file.gz": PACKED}))
    with pytest.raises(DownloadFailed, match="sent more than"):
        fetch("file", tmp_path, CONTENT)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_no_failure_of_the_network(tmp_path, serve, mirrors):
    mirrors(serve({"file.gz": PACKED}))
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(OutputFailed, match="taken"):
        fetch("file", tmp_path / "taken", CONTENT)
    (tmp_path / "file.gz.part").symlink_to("/dev/full")  # every write: no space left on device
    with pytest.raises(OutputFailed, match="No space left") as caught:
        fetch("file", tmp_path, CONTENT)
    assert "XDG_CACHE_HOME" in caught.value.hint


def test_load_downloads_what_is_nowhere_and_mends_a_damaged_cache(tmp_path, serve, mirrors, monkeypatch):
    """From an empty machine to arrays, then again with one cached file broken."""
    images = np.random.default_rng(0).integers(0, 256, (10, 28, 28), np.uint8)
    plain = {
        "t10k-images-idx3-ubyte": b"\0\0\x08\x03\0\0\0\x0a\0\0\0\x1c\0\0\0\x1c" + images.tobytes(),
        "t10k-labels-idx1-ubyte": b"\0\0\x08\x01\0\0\0\x0a" + bytes(range(10)),
    }
    for name, content in plain.items():
        known = Content(hashlib.sha256(content).hexdigest(), len(content))
        monkeypatch.setitem(download.CONTENTS, name, known)
    server = serve({f"{name}.gz": gzip.compress(content) for name, content in plain.items()})
    mirrors(server)
    monkeypatch.setattr(dataset, "SYSTEM_FOLDER", tmp_path / "absent")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("FMNIST_EDGE_DATA", raising=False)
    assert np.array_equal(dataset.load("test").images, images)
    assert len(server.requests) == 2
    damaged = dataset.cache_folder() / "t10k-images-idx3-ubyte.gz"
    damaged.write_bytes(damaged.read_bytes()[:-10])
    assert np.array_equal(dataset.load("test").images, images)
    assert len(server.requests) == 3


def test_the_checksums_are_those_of_the_files_in_use():
    """The real files, where Debian's package is installed."""
    if not dataset.SYSTEM_FOLDER.is_dir():
        pytest.skip("dataset-fashion-mnist is not installed")
    for name, content in download.CONTENTS.items():
        assert download._has_content(dataset.SYSTEM_FOLDER / f"{name}.gz", content), name
