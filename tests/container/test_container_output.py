"""Outputs appear whole or not at all, and memory stays bounded."""

import io
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

import lacodec
from lacodec import api
from lacodec.errors import BadInput, LacodecError
from lacodec.io import output
from lacodec.io.source import FileSource
from lacodec.io.streams import PipeSource
from tests.checks import heed_interrupts

START = "import resource, signal, sys; from lacodec import api\n"
# A pipe that never ends keeps the encoder in the middle of its work.
ENDLESS = START + "api.encode_file(open('/dev/zero', 'rb'), 'out.lac', effort=1, verify=False, threads=2)"


@pytest.fixture(params=["nameless", "named", "copied"])
def temporary(request, monkeypatch):
    """All kinds of temporary file."""
    if request.param == "named":
        monkeypatch.setattr(output, "_DESCRIPTORS", output.Path("/nowhere"))
    if request.param == "copied":

        def refuse(*args, **kwargs):
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
    return request.param


def test_success_and_failure(tmp_path, temporary):
    path = tmp_path / "x"
    with output.atomic_file(path) as out:
        out.write(b"one")
        assert not path.exists()
    assert path.read_bytes() == b"one"
    with pytest.raises(BadInput, match="already exists"), output.atomic_file(path):
        pass
    with pytest.raises(KeyboardInterrupt), output.atomic_file(path, force=True) as out:
        out.write(b"two")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"one"
    with output.atomic_file(path, force=True) as out:
        out.write(b"two")
    assert path.read_bytes() == b"two" and os.listdir(tmp_path) == ["x"]
    umask = os.umask(0)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path, temporary):
    path = tmp_path / "x"
    with pytest.raises(BadInput, match="already exists"), output.atomic_file(path) as out:
        out.write(b"ours")
        path.write_bytes(b"theirs")
    assert path.read_bytes() == b"theirs" and os.listdir(tmp_path) == ["x"]


def test_places_that_cannot_be_written(tmp_path, temporary):
    for path in (tmp_path / "no" / "folder" / "x", tmp_path):
        with pytest.raises(LacodecError), output.atomic_file(path):
            pass
    (tmp_path / "in").write_bytes(b"abc")
    with pytest.raises(BadInput, match="input and output are the same"):
        api.encode_file(tmp_path / "in", tmp_path / "in", force=True)


def test_devices_and_named_pipes_are_written_to_not_replaced(tmp_path):
    (tmp_path / "x.lac").write_bytes(lacodec.encode(b"content", effort=1))
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    found = []
    reader = threading.Thread(target=lambda: found.append(fifo.read_bytes()))
    reader.start()
    api.decode_file(tmp_path / "x.lac", fifo, force=True)
    reader.join()
    assert found == [b"content"] and fifo.is_fifo()
    api.decode_file(tmp_path / "x.lac", "/dev/null")
    assert not os.path.isfile("/dev/null")


@pytest.mark.parametrize("verb", ["encode", "decode"])
def test_full_disk(tmp_path, verb):
    (tmp_path / "in").write_bytes(os.urandom(6 << 20))
    if verb == "decode":
        (tmp_path / "in").write_bytes(lacodec.encode(tmp_path / "in", effort=1))
    call = "encode_file('in', 'out', effort=1)" if verb == "encode" else "decode_file('in', 'out')"
    code = START + f"resource.setrlimit(resource.RLIMIT_FSIZE, (3 << 20, 3 << 20))\napi.{call}"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert "LacodecError: out: writing failed" in done.stderr.splitlines()[-1]
    assert os.listdir(tmp_path) == ["in"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_killed_while_encoding(tmp_path, number):
    command = [sys.executable, "-c", ENDLESS]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, preexec_fn=heed_interrupts)
    time.sleep(1.0)
    assert process.poll() is None
    process.send_signal(number)
    process.communicate(timeout=20)
    assert process.returncode != 0
    left = os.listdir(tmp_path)
    assert left == [] or (number == signal.SIGKILL and not hasattr(os, "O_TMPFILE") and left != ["out.lac"])


def test_memory_is_bounded_by_the_chunks(tmp_path):
    """300 MB through encode and decode, far more than either may ever hold."""
    code = START + (
        "base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "api.encode_file('in', 'x.lac', effort=1, threads=2)\n"
        "api.decode_file('x.lac', open('/dev/null', 'wb'), threads=2)\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base) // 1024)"
    )
    with open(tmp_path / "in", "wb") as file:
        file.truncate(300_000_000)
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 64, f"{done.stdout} MiB more than at the start"


def test_permissions_and_time_are_carried(tmp_path, temporary):
    """From the original to the `.lac` file and back; nothing is readable by others before, or where it was not."""
    old = os.umask(0o022)
    try:
        private, shared = tmp_path / "private", tmp_path / "shared"
        for path, mode in ((private, 0o600), (shared, 0o755)):
            path.write_bytes(b"content " * 50)
            path.chmod(mode)
            os.utime(path, (1e9, 1e9))
            api.encode_file(path, path.with_suffix(".lac"))
            api.decode_file(path.with_suffix(".lac"), path.with_suffix(".back"))
            for made in path.with_suffix(".lac"), path.with_suffix(".back"):
                assert (made.stat().st_mode & 0o7777, made.stat().st_mtime) == (mode, 1e9), made
        api.encode_file(shared, private.with_suffix(".lac"), force=True)
        assert private.with_suffix(".lac").stat().st_mode & 0o777 == 0o700
        with output.atomic_file(private, force=True) as out:
            assert os.fstat(out.fileno()).st_mode & 0o777 == 0o600
        assert private.stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(old)


def test_an_empty_file_keeps_its_permissions(tmp_path):
    (tmp_path / "empty").touch(0o600)
    api.encode_file(tmp_path / "empty", tmp_path / "empty.lac")
    assert (tmp_path / "empty.lac").stat().st_mode & 0o777 == 0o600


def test_descriptors_are_written_to_where_they_stand(tmp_path):
    """What /dev/fd/3 stands for may be a file that somebody appends to: it is neither replaced nor cut off."""
    (tmp_path / "x.lac").write_bytes(lacodec.encode(b"content", effort=1))
    log = tmp_path / "log"
    log.write_bytes(b"before ")
    with open(log, "ab", buffering=0) as file:
        inode = log.stat().st_ino
        for name in f"/dev/fd/{file.fileno()}", f"/proc/self/fd/{file.fileno()}":
            api.decode_file(tmp_path / "x.lac", name, force=True)
        (tmp_path / "link").symlink_to(f"/dev/fd/{file.fileno()}")
        api.decode_file(tmp_path / "x.lac", tmp_path / "link", force=True)
        file.write(b" behind")
    assert log.read_bytes() == b"before " + 3 * b"content" + b" behind" and log.stat().st_ino == inode
    assert (tmp_path / "link").is_symlink()


def test_what_is_added_while_a_file_is_read_is_left_out(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"one")
    with FileSource(path) as source:
        path.write_bytes(b"one and two")
        assert source.read(0, 100) == b"one" and b"".join(source.blocks(2)) == b"one"


def test_peeking_again_loses_nothing():
    pipe = PipeSource(io.BytesIO(b"abcdefgh"))
    assert [pipe.peek(n) for n in (4, 2, 6)] == [b"abcd", b"ab", b"abcdef"]
    assert b"".join(pipe.blocks(3)) == b"abcdefgh"
