"""`encode --follow`: a log that grows, and a `.lac` file that grows with it."""

import os
import signal
import threading

import pytest

import lacodec as package
from lacodec import api
from lacodec.codecs.session import Session
from lacodec.container import Reader
from lacodec.errors import BadInput
from lacodec.io.source import FileSource
from lacodec.pipeline.follow import Follower, follow


def line(i: int) -> bytes:
    return b"2026-01-01 10:%02d:%02d INFO worker[%d]: task %d done\n" % (i // 60 % 60, i % 60, i % 7, i * 3)


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "a.log"
    path.write_bytes(b"".join(map(line, range(50))))
    return path


def follower(log, target=None, codec="log", **options) -> Follower:
    return Follower(log, target or f"{log}.lac", codec, options or {"effort": 1}, Session())


def more(path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def chunks(target) -> int:
    with FileSource(target) as source:
        return len(Reader(source).index)


def test_small_portions_become_one_chunk(log):
    target = f"{log}.lac"
    counts = []
    with follower(log) as following:
        following.take()
        for i in range(32):
            more(log, line(i))
            assert following.take() == len(line(i)) and following.take() == 0
            counts.append(chunks(target))
    assert max(counts) == 16 and counts.count(1) == 2 and api.check(target).ok
    assert package.decode(target) == log.read_bytes() and api.info(target).original_name == "a.log"


def test_blocks_stay(tmp_path):
    """Full blocks are never made again, and a line waits for its end."""
    log = tmp_path / "a.log"
    log.write_bytes(b"x" * ((8 << 20) - 1) + b"\n")
    with follower(log) as following:
        assert following.take() == 8 << 20
        more(log, b"half")
        assert following.take() == 0 and following.waiting() == 4
        more(log, b" a line\nand half")
        assert following.take() == 12
        for i in range(20):
            more(log, b"%d\n" % i)
            following.take()
        assert 1 < chunks(f"{log}.lac") < 18
        assert following.take(everything=True) == 0
    assert package.decode(f"{log}.lac") == log.read_bytes()


def test_it_continues_only_its_own_log(log):
    size = log.stat().st_size
    with follower(log) as first:
        first.take()
    more(log, line(7) + b"no end")
    with follower(log, effort=3) as again:
        assert again.place == size
        again.take(everything=True)
        assert again.result().size == log.stat().st_size
    assert package.decode(f"{log}.lac") == log.read_bytes() and api.info(f"{log}.lac").options == {"effort": 1}
    other = log.with_name("b.log")
    other.write_bytes(b"other\n" * 99)
    with pytest.raises(BadInput, match="does not hold the beginning"):
        follower(other, f"{log}.lac")
    with pytest.raises(BadInput, match="cannot append"):
        follower(other, codec="image.lossless")


def test_an_append_that_was_cut_off(log):
    with follower(log) as first:
        first.take()
        more(log, line(3))
        first.take()
        more(log, line(4))
        first.take()
    target = log.with_name("a.log.lac")
    target.write_bytes(target.read_bytes()[:-9])
    with follower(log) as again:
        assert again.waiting() == len(line(4))
        again.take()
    assert package.decode(target) == log.read_bytes()


@pytest.mark.parametrize("what", ["replaced", "removed", "cut"])
def test_what_becomes_of_the_log(log, what):
    content = log.read_bytes()
    with follower(log) as following:
        following.take()
        if what == "cut":
            log.write_bytes(b"new\n")
        else:
            more(log, b"the last words")
            os.rename(log, f"{log}.1")
            if what == "replaced":
                log.write_bytes(b"new\n")
        told = []
        ending = follow(following, 60, lambda pause: False, told.append)
    assert ending == ("cut" if what == "cut" else "replaced") and told[0] == 0
    assert package.decode(f"{log}.lac") == content + (b"" if what == "cut" else b"the last words")


def test_lines_are_written_in_time(log):
    calls, told, size = iter([False, False, False, True]), [], log.stat().st_size

    def wait(pause):
        more(log, line(1))
        return next(calls)

    with follower(log) as following:
        assert follow(following, 0.001, wait, told.append) == "stopped"
    assert told == [size, *[len(line(1))] * 4]
    assert package.decode(f"{log}.lac") == log.read_bytes()


def test_command(lacodec, log):
    timer = threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    before = signal.getsignal(signal.SIGINT)
    done = lacodec("encode", "--follow", "--every", "0.1", "--effort", "1", "-v", log)
    assert signal.getsignal(signal.SIGINT) == before
    assert b"codec log; stopped; the same command continues" in done.stdout and b"more bytes" in done.stderr
    assert package.decode(f"{log}.lac") == log.read_bytes()
    assert b"one log" in lacodec("encode", "--follow", "-", code=2).stderr
    assert b"one log" in lacodec("encode", "--follow", log, log, code=2).stderr
    assert b"--rm" in lacodec("encode", "--follow", "--rm", log, code=2).stderr
    assert b"must be above 0" in lacodec("encode", "--follow", "--every", "0", log, code=2).stderr
    assert b"file as output" in lacodec("encode", "--follow", log, "-o", "-", code=2).stderr
