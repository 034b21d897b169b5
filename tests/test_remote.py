"""Files at URLs: over HTTP with ranges, and in fsspec's memory."""

import builtins
import http.server
import re
import sys
import threading

import pytest

fsspec = pytest.importorskip("fsspec")

import numpy as np  # noqa: E402

import lacodec  # noqa: E402
from lacodec.errors import BadInput, LacodecError, MissingDependency  # noqa: E402
from lacodec.io.remote import RemoteFile, is_url  # noqa: E402
from lacodec.testing import photo  # noqa: E402

DATA = np.random.default_rng(1).bytes(5 << 20)


@pytest.fixture(scope="module")
def files():
    rng = np.random.default_rng(2)
    many = {f"layer.{i}": rng.normal(0, 1, (3, 3)).astype(np.float32) for i in range(20)}
    return {
        "tiny.lac": lacodec.encode(b"abc" * 9, effort=1),
        "compact.lac": lacodec.encode(DATA[: 1 << 20], effort=1),
        "chunks.lac": lacodec.encode(DATA, effort=1),
        "picture.lac": lacodec.encode(photo(40, 50), "image.lossless", effort=1),
        "weights.lac": lacodec.encode(many, effort=1),
        "long index.lac": many_chunks(1500),
        "text.txt": b"some text " * 50_000,
    }


def many_chunks(count):
    """A file whose index does not fit into the last 64 KiB."""
    import io

    from lacodec.container import CRITICAL, Chunk, Header, content_hash, write_container

    out, body = io.BytesIO(), bytes(100)
    chunks = (Chunk(CRITICAL, ((100 * i, 100 * i + 100),), b"\0" + body, content_hash(body), 100) for i in range(count))
    write_container(Header("bytes", 0, {}), chunks, out)
    return out.getvalue()


@pytest.fixture(params=[True, False], ids=["ranges", "no ranges"])
def server(request, files):
    """(base URL, list of the ranges that were asked for)"""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            body = files.get(self.path.removeprefix("/").replace("%20", " "))
            wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            if body is None:
                self.send_error(404)
                return
            if self.command == "GET":
                asked.append(self.headers.get("Range"))
            status, part = 200, body
            if wanted and request.param:
                status, part = 206, body[int(wanted[1]) : int(wanted[2]) + 1 if wanted[2] else None]
            self.send_response(status)
            if status == 206:
                self.send_header("Content-Range", f"bytes {wanted[1]}-{int(wanted[1]) + len(part) - 1}/{len(body)}")
            if request.param:
                self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(len(part)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(part)

        do_HEAD = do_GET

        def log_message(self, *_):
            pass

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}", asked, request.param
    running.shutdown()
    running.server_close()


def test_opening_over_http_reads_two_ranges_at_most(server, files):
    pytest.importorskip("aiohttp")
    base, asked, ranges = server
    for name in ("tiny.lac", "compact.lac", "chunks.lac", "picture.lac", "weights.lac", "long index.lac"):
        asked.clear()
        with lacodec.open(f"{base}/{name}") as opened, lacodec.open(files[name]) as expected:
            assert opened.header == expected.header
            assert len(asked) <= 2, (name, asked)
            assert not ranges or all(asked)
            before = len(asked)
            first = expected.keys()[0] if name == "weights.lac" else slice(0, 10)
            assert np.array_equal(np.asarray(opened[first]), np.asarray(expected[first]))
            assert len(asked) <= before + 1
            assert len(opened) == len(expected)
    asked.clear()
    found = lacodec.info(f"{base}/chunks.lac")
    assert found.decoded_size == len(DATA) and found.codec == "bytes" and len(asked) <= 2


def test_decoding_and_encoding_over_http(server, files, tmp_path):
    pytest.importorskip("aiohttp")
    base, asked, _ = server
    assert lacodec.decode(f"{base}/chunks.lac") == DATA
    assert len(asked) <= 5
    assert lacodec.decode_file(f"{base}/compact.lac", tmp_path / "x").size == 1 << 20
    assert lacodec.check(f"{base}/chunks.lac").ok
    assert lacodec.decode(lacodec.encode(f"{base}/text.txt", effort=1)) == files["text.txt"]
    with pytest.raises(BadInput, match="nothing.lac: cannot be opened"):
        lacodec.open(f"{base}/nothing.lac")


def test_memory_urls(files, monkeypatch):
    memory = fsspec.filesystem("memory")
    read = []
    original = type(memory).cat_file
    monkeypatch.setattr(type(memory), "cat_file", lambda self, *args, **more: read.append(more) or original(self, *args, **more))
    for name, data in files.items():
        memory.pipe_file(f"/remote/{name}", data)
    for name in files.keys() - {"text.txt"}:
        read.clear()
        with lacodec.open(f"memory://remote/{name}"):
            assert len(read) <= 2
    done = lacodec.encode_file("memory://remote/text.txt", "memory://remote/text.lac", effort=1)
    assert lacodec.info("memory://remote/text.lac").original_name == "text.txt"
    assert done.encoded == memory.size("/remote/text.lac") < done.size
    with pytest.raises(BadInput, match="already exists"):
        lacodec.encode_file("memory://remote/text.txt", "memory://remote/text.lac", effort=1)
    lacodec.encode_file("memory://remote/text.txt", "memory://remote/text.lac", effort=1, force=True)
    lacodec.decode_file("memory://remote/text.lac", "memory://remote/back.txt")
    assert memory.cat("/remote/back.txt") == files["text.txt"]
    memory.pipe_file("/remote/broken.lac", memory.cat("/remote/text.lac")[:-50])
    with pytest.raises(LacodecError):
        lacodec.decode_file("memory://remote/broken.lac", "memory://remote/never.txt")
    assert not memory.exists("/remote/never.txt")
    assert lacodec.decode("memory://remote/picture.lac").pixels.shape == (40, 50, 3)
    lacodec.decode_file("memory://remote/picture.lac", "memory://remote/picture.png")
    assert memory.cat("/remote/picture.png").startswith(b"\x89PNG")


def test_a_size_that_the_server_does_not_tell(files, monkeypatch):
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/sizes/x.lac", files["chunks.lac"])
    monkeypatch.setattr(type(memory), "info", lambda self, path, **_: {"name": path, "size": None, "type": "file"})
    assert lacodec.decode("memory://sizes/x.lac") == DATA
    with lacodec.open("memory://sizes/x.lac") as opened:
        assert opened[-5:] == DATA[-5:]


def test_what_is_read(files):
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/ranges/x", DATA)
    file = RemoteFile("memory://ranges/x")
    for offset, n in (
        (0, 4),
        (10, 20),
        (5000, 10),
        (5010, 10),
        (len(DATA) - 4, 9),
        (len(DATA), 3),
        (0, len(DATA)),
        (1 << 20, 1 << 20),
    ):
        assert file.read(offset, n) == DATA[offset : offset + n]
    memory.pipe_file("/ranges/x", b"short")
    with pytest.raises(LacodecError, match="it changed"):
        RemoteFile.read(file, 3 << 20, 5)


def test_urls_and_paths(tmp_path, monkeypatch):
    assert all(map(is_url, ("s3://bucket/x", "https://host/x", "memory://x", "zip://a.txt::s3://bucket/x.zip")))
    assert not any(map(is_url, ("C://x", "/a/b", "a:b", "file:x", b"s3://x", None)))
    with pytest.raises(BadInput, match="cannot be opened"):
        lacodec.decode("nosuchthing://x")
    original = builtins.__import__

    def without(name, *args, **more):
        if name.startswith("fsspec"):
            raise ImportError(name)
        return original(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    for name in [name for name in sys.modules if name.startswith("fsspec")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(MissingDependency, match=r"lacodec\[remote\]"):
        lacodec.open("memory://x")
