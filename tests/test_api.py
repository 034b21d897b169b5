import io
import os
import pickle
import random
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lacodec
from lacodec.codecs import registry
from lacodec.container import Reader
from lacodec.errors import BadInput, CorruptFile, LimitExceeded, UnsupportedFile
from lacodec.io.source import BytesSource
from tests.checks import EFFORTS, check_bytes_codec, check_round_trip
from tests.strength import examples


@pytest.fixture
def three_chunks():
    rng = random.Random(3)
    return rng.randbytes(1 << 20) + bytes(1 << 20) + rng.randbytes(5000)


@pytest.mark.parametrize("effort", EFFORTS)
def test_all_inputs(effort):
    check_bytes_codec("bytes", size=20_000 if effort < 4 else 6_000, effort=effort)


@given(st.binary(max_size=5000), st.sampled_from(EFFORTS))
@examples(150)
def test_any_bytes(data, effort):
    check_round_trip(lacodec.codec("bytes", effort=effort), data)


@given(st.integers(0, 3 << 20), st.integers(0, 3 << 20))
@examples(20)
def test_ranges_over_chunks(a, b):
    data = b"".join(i.to_bytes(4, "big") for i in range((5 << 18) // 2))
    encoded = lacodec.encode(data, effort=1)
    with lacodec.open(encoded) as opened:
        assert opened[a:b] == data[a:b]
        assert opened[-b - 1 :] == data[-b - 1 :]
        assert opened[a % len(data)] == data[a % len(data)]


def test_open_rejects_senseless_keys():
    with lacodec.open(lacodec.encode(b"abc", effort=1)) as opened:
        for key in ("name", 3, -4, slice(0, 2.0), slice(0, 2, 0), (1, 2), 1.5, None, True):
            with pytest.raises(BadInput):
                opened[key]


def test_bytes_like_inputs(tmp_path):
    path = tmp_path / "name.txt"
    path.write_bytes(b"hello " * 50)
    for value in (bytearray(b"hello " * 50), memoryview(b"hello " * 50), BytesSource(b"hello " * 50), str(path), path):
        assert lacodec.decode(lacodec.encode(value, effort=1)) == b"hello " * 50
    encoded = tmp_path / "name.lac"
    encoded.write_bytes(lacodec.encode(path, effort=1))
    assert lacodec.decode(encoded) == lacodec.decode(str(encoded)) == b"hello " * 50
    assert lacodec.info(encoded).original_name == "name.txt"


def test_bad_arguments():
    for call in (
        lambda: lacodec.encode(b"", codec="nothing"),
        lambda: lacodec.codec("bytes", effort=0),
        lambda: lacodec.codec("bytes", effort=True),
        lambda: lacodec.codec("bytes", speed=1),
        lambda: lacodec.encode(17),
        lambda: lacodec.encode("/does/not/exist"),
        lambda: lacodec.encode(b"", threads=0, effort=1),
        lambda: lacodec.encode("."),
        lambda: lacodec.decode(None),
        lambda: lacodec.open(3),
    ):
        with pytest.raises(BadInput) as caught:
            call()
        assert "\n" not in str(caught.value)
    with pytest.raises(BadInput, match=r"installed codecs: .*bytes"):
        lacodec.codec("nothing")
    with pytest.raises(UnsupportedFile, match=r"not a \.lac file"):
        lacodec.decode(b"PNG and so on")


def test_limits(tmp_path, monkeypatch):
    encoded = lacodec.encode(bytes(3_000_000), effort=1)
    monkeypatch.setattr("lacodec.api.DEFAULT_MAX_SIZE", 1_000_000)  # in place of 1 GiB
    (tmp_path / "x.lac").write_bytes(encoded)
    assert len(lacodec.decode(tmp_path / "x.lac")) == len(lacodec.decode(str(tmp_path / "x.lac"))) == 3_000_000
    with open(tmp_path / "x.lac", "rb") as file:
        for place in (encoded, io.BytesIO(encoded), file):
            with pytest.raises(LimitExceeded):
                lacodec.decode(place)
    assert len(lacodec.decode(encoded, max_size=None)) == 3_000_000
    with pytest.raises(LimitExceeded):
        lacodec.decode(encoded, max_size=2_999_999)
    assert len(lacodec.decode(encoded, max_size=3_000_000)) == 3_000_000
    with pytest.raises(LimitExceeded):
        lacodec.decode(encoded, max_memory=1000)
    with pytest.raises(LimitExceeded):
        lacodec.open(encoded, max_size=10)


def test_weights_say_when_a_model_is_needed():
    """At effort 9, values that repeat are coded by context mixing, whose tables decoding needs too."""
    rng = np.random.default_rng(1)
    words = rng.integers(0, 1 << 20, (300, 64), dtype=np.int32)
    encoded = lacodec.encode({"x": words[rng.integers(0, 300, 2000)]}, "weights", effort=9)
    chunk, codec = Reader(BytesSource(encoded)).chunk(0), registry.get("weights")()
    said = codec.memory(chunk.decoded_size, chunk.payload)
    assert said > 6 * chunk.decoded_size + (100 << 20)
    assert codec.memory(chunk.decoded_size, b"") > said  # the payload of a tied tensor is not seen here
    with pytest.raises(LimitExceeded):
        lacodec.decode(encoded, max_memory=said - 1)


def test_coder_works_in_pools():
    coder = lacodec.codec("bytes", effort=1)
    assert pickle.loads(pickle.dumps(coder)) == coder
    with ProcessPoolExecutor(1) as pool:
        data = list(pool.map(coder.encode, [b"a" * 100, b"b" * 200]))
    assert [coder.decode(item) for item in data] == [b"a" * 100, b"b" * 200]


def test_pipes(three_chunks):
    for data in (b"", b"one chunk", three_chunks):
        out, back = io.BytesIO(), io.BytesIO()
        result = lacodec.encode_file(io.BytesIO(data), out, effort=1, threads=2)
        assert (result.size, result.encoded) == (len(data), len(out.getvalue()))
        assert out.getvalue() == lacodec.encode(data, effort=1)
        result = lacodec.decode_file(io.BytesIO(out.getvalue()), back)
        assert back.getvalue() == data
        assert (result.size, result.encoded, result.identical) == (len(data), len(out.getvalue()), "bytes")


def test_real_pipe(three_chunks):
    code = "import sys; import lacodec; lacodec.encode_file(sys.stdin.buffer, sys.stdout.buffer, effort=1)"
    encoded = subprocess.run([sys.executable, "-c", code], input=three_chunks, capture_output=True, check=True).stdout
    assert lacodec.decode(encoded) == three_chunks


def test_named_pipes_and_files_without_size(tmp_path, three_chunks):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=lambda: fifo.write_bytes(three_chunks))
    writer.start()
    lacodec.encode_file(fifo, tmp_path / "a.lac", effort=1)
    writer.join()
    assert lacodec.decode(tmp_path / "a.lac") == three_chunks
    if os.path.exists("/proc/version"):
        lacodec.encode_file("/proc/version", tmp_path / "b.lac", effort=1)
        with open("/proc/version", "rb") as file:
            assert lacodec.decode(tmp_path / "b.lac") == file.read()


def test_awkward_names(tmp_path):
    for name in (b"\xff\xfe", b"new\nline", b"\x1b[31m", "späß 文".encode()):
        path = os.path.join(os.fsencode(tmp_path), name)
        with open(path, "wb") as file:
            file.write(b"abc" * 100)
        lacodec.encode_file(os.fsdecode(path), tmp_path / "x.lac", effort=1, force=True)
        assert lacodec.info(tmp_path / "x.lac").original_name in (None, "späß 文")
        assert lacodec.decode(tmp_path / "x.lac") == b"abc" * 100


def test_files_and_progress(tmp_path, three_chunks):
    source, target, back = tmp_path / "in.bin", tmp_path / "in.bin.lac", tmp_path / "out.bin"
    source.write_bytes(three_chunks)
    calls = []
    result = lacodec.encode_file(source, target, effort=1, threads=2, progress=lambda *args: calls.append(args))
    assert result.encoded == target.stat().st_size and result.size == len(three_chunks)
    assert calls == sorted(calls) and calls[0] == (1 << 19, len(three_chunks)) and calls[-1] == (len(three_chunks),) * 2
    calls.clear()
    lacodec.decode_file(target, back, threads=2, progress=lambda *args: calls.append(args))
    assert calls[-1] == (len(three_chunks), len(three_chunks)) and back.read_bytes() == three_chunks
    assert sorted(os.listdir(tmp_path)) == ["in.bin", "in.bin.lac", "out.bin"]


def test_info(tmp_path, three_chunks):
    source, target = tmp_path / "in.bin", tmp_path / "in.bin.lac"
    for data in (b"small", three_chunks):
        source.write_bytes(data)
        lacodec.encode_file(source, target, effort=1, force=True)
        found = lacodec.info(target)
        assert (found.codec, found.identical, found.options, found.stream_version) == ("bytes", "bytes", {"effort": 1}, 2)
        assert found.original_size == found.decoded_size == len(data) and found.problem is None
        assert sum(found.sections.values()) == found.file_size == target.stat().st_size
        assert found.original_name == "in.bin"


def test_long_names_do_not_break_the_promise(tmp_path):
    source = tmp_path / ("n" * 200)
    source.write_bytes(os.urandom(100))
    assert lacodec.encode_file(source, tmp_path / "x", effort=1).encoded <= 164
    assert lacodec.info(tmp_path / "x").original_name is None


def test_info_needs_neither_numpy_nor_numba(tmp_path):
    (tmp_path / "x.lac").write_bytes(lacodec.encode(b"abc", effort=1))
    code = (
        "import sys, lacodec\n"
        "lacodec.info('x.lac')\n"
        "lacodec.register, lacodec.CorruptFile, lacodec.Audio, lacodec.Tensors\n"
        "bad = {'numpy', 'numba', 'torch', 'zstandard', 'fsspec', 'PIL'} & set(sys.modules); assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


def test_everything_is_at_top_level():
    import lacodec.errors

    assert set(lacodec.__all__) <= set(dir(lacodec))
    for name in lacodec.__all__:
        assert getattr(lacodec, name) is not None
    errors = {name for name, item in vars(lacodec.errors).items() if isinstance(item, type)}
    assert errors <= set(lacodec.__all__)
    with pytest.raises(AttributeError, match="no attribute 'compress'"):
        lacodec.compress  # noqa: B018


def test_options_and_threads_are_given_alike(tmp_path, three_chunks):
    (tmp_path / "in").write_bytes(three_chunks)
    expected = lacodec.encode(three_chunks, effort=np.int64(1), threads=None)
    for options in ({"effort": 1}, {"effort": np.uint8(1), "threads": 1}):
        lacodec.encode_file(tmp_path / "in", tmp_path / "out", "bytes", force=True, **options)
        assert lacodec.decode(tmp_path / "out", threads=None) == three_chunks
        lacodec.encode_file(io.BytesIO(three_chunks), tmp_path / "out", force=True, **options)
        assert (tmp_path / "out").read_bytes() == expected
    with pytest.raises(BadInput, match="no option 'speed'"):
        lacodec.encode_file(tmp_path / "in", tmp_path / "other", speed=1)
    assert (
        len({lacodec.codec("bytes", effort=1), lacodec.codec("bytes", effort=np.int64(1)), lacodec.codec("bytes", effort=2)}) == 2
    )


def test_open_streams(tmp_path, three_chunks):
    """Anything with `read`, from where it stands on; what cannot be sought is kept in a temporary file where that is needed."""

    class Socket:
        def __init__(self, data):
            self.read = io.BytesIO(data).read

    encoded = lacodec.encode(three_chunks, effort=1)
    assert lacodec.encode(io.BytesIO(three_chunks), effort=1) == lacodec.encode(Socket(three_chunks), effort=1) == encoded
    assert lacodec.codec("bytes", effort=1).encode(io.BytesIO(three_chunks)) == encoded
    (tmp_path / "x").write_bytes(b"in front of it" + encoded)
    with open(tmp_path / "x", "rb") as file:
        for make in (lambda: io.BytesIO(encoded), lambda: Socket(encoded), lambda: file):
            file.seek(14)
            assert lacodec.decode(make()) == three_chunks
            file.seek(14)
            assert lacodec.info(make()).decoded_size == len(three_chunks)
            file.seek(14)
            with lacodec.open(make()) as opened:
                assert opened[1_048_570:1_048_580] == three_chunks[1_048_570:1_048_580]
                with pytest.raises(TypeError, match="cannot be pickled"):
                    pickle.dumps(opened)
    assert lacodec.info(encoded).codec == "bytes"


def test_unknown_versions_are_refused():
    import msgspec

    from lacodec.container import Chunk, Header, content_hash, write_container

    chunk = Chunk(0, ((0, 3),), b"\0abc", content_hash(b"abc"), 3)
    good = Header("bytes", 0, {})
    for changes, error in (
        ({"codec": "from the future"}, UnsupportedFile),
        ({"stream_version": 99}, UnsupportedFile),
        ({"identical": "pixels"}, CorruptFile),
    ):
        out = io.BytesIO()
        write_container(msgspec.structs.replace(good, **changes), [chunk], out)
        with pytest.raises(error):
            lacodec.decode(out.getvalue())


def test_verification_catches_a_wrong_encoder(tmp_path, monkeypatch):
    from lacodec.codecs.bytes import codec as module
    from lacodec.errors import LacodecError

    monkeypatch.setattr(module, "_encode", lambda *_: b"wrong")
    source = tmp_path / "in"
    source.write_bytes(b"some text " * 10)
    with pytest.raises(LacodecError, match="verification failed"):
        lacodec.encode_file(source, tmp_path / "out", effort=1)
    assert os.listdir(tmp_path) == ["in"]
