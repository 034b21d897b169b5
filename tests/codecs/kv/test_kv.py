"""Codec `kv` on caches of every shape, and its reading of parts."""

import os
import subprocess
import sys

import numpy as np
import pytest

import lacodec
import lacodec.kv
from lacodec.errors import BadInput, CorruptFile, UnsupportedFile
from lacodec.io.source import FileSource
from lacodec.media.kv.files import KV, same
from lacodec.media.kv.value import KVCache, Model
from lacodec.media.tensors import safetensors
from lacodec.testing import check_codec
from reference.decode import restore
from tools.golden import FOLDER
from tools.golden import kv as golden


def cache(layers=3, batch=1, heads=2, tokens=50, width=8, seed=1):
    rng = np.random.default_rng(seed)
    shape = batch, heads, tokens, width
    return KVCache(
        tuple((rng.normal(size=shape).astype("f4"), rng.normal(size=shape).astype("f4")) for _ in range(layers)), "F32"
    )


CACHES = {
    "odd": golden.cache("odd"),
    "bf16": golden.cache("bf16"),
    "one": cache(1, 1, 1, 1, 1),
    "no tokens": cache(2, tokens=0),
    "no channels": cache(2, width=0),
    "no batch": cache(2, batch=0),
    "big-endian": KVCache(tuple((k.astype(">f4"), v.astype(">f4")) for k, v in cache().layers), "F32"),
}


@pytest.mark.parametrize("name", ["bf16", "odd", "one"])
def test_contract(name):
    check_codec("kv", {name: CACHES[name]}, same=same, tokens=20)


@pytest.mark.parametrize("name", CACHES)
@pytest.mark.parametrize("effort", [1, 5, 9])
def test_round_trip(name, effort):
    coded = lacodec.encode(CACHES[name], "kv", effort=effort, verify=True)
    assert same(lacodec.decode(coded), CACHES[name])
    assert restore(coded).content == b"".join(KV.to_blocks(CACHES[name]))


@pytest.mark.parametrize("tokens", [7, 20, 1024])
def test_every_part(tokens):
    value = cache(4)
    with lacodec.open(lacodec.encode(value, "kv", tokens=tokens)) as opened:
        for first, last in ((0, 4), (1, 3), (2, 3), (2, 2)):
            for start, stop in ((0, 50), (0, 7), (6, 8), (13, 49), (49, 50), (50, 50), (20, 20)):
                found = opened[first:last, start:stop]
                assert len(found) == last - first
                for pair, wanted in zip(found, value.layers[first:last], strict=True):
                    for one, other in zip(pair, wanted, strict=True):
                        assert one.shape == other[:, :, start:stop].shape and (one == other[:, :, start:stop]).all()
        for key in (3, (1, 2), (slice(0, 2),), (slice(0, 4, 2), slice(None)), "layers.0.keys"):
            with pytest.raises(BadInput):
                opened[key]


def test_a_part_reads_its_chunks_only():
    coded = lacodec.encode(cache(4, tokens=100), "kv", tokens=10)
    with lacodec.open(coded) as opened:
        index = opened._reader.index
        assert len(opened._decoding.codec.select(opened.header, index, (slice(1, 2), slice(35, 55)))) == 3
    last = bytearray(coded)
    last[index[-1].payload_offset + 2] ^= 1
    with lacodec.open(bytes(last)) as opened:
        assert len(opened[0:4, 0:90]) == 4
        with pytest.raises(CorruptFile):
            opened[0:4, 0:91]


@pytest.mark.parametrize("how", [{}, {"quality": 50}])
def test_a_range_of_a_layer_and_tokens_takes_two_reads(how, tmp_path, monkeypatch):
    """The end of the file, which has the index, and the chunk."""
    path, read = tmp_path / "x.lac", []
    path.write_bytes(lacodec.encode(cache(8, tokens=4096, width=64), "kv", tokens=512, **how))
    original = FileSource.read
    monkeypatch.setattr(FileSource, "read", lambda self, offset, n: read.append((offset, n)) or original(self, offset, n))
    ((keys, values),) = lacodec.kv.decode(path, layers=slice(5, 6), tokens=slice(1100, 1400))
    assert keys.shape == values.shape == (1, 2, 300, 64) and len(read) == 2
    assert sum(n for _, n in read) < path.stat().st_size / 4


@pytest.mark.parametrize("name", ["v0-bytes2/kv-effort5-bf16.lac", "v0-bytes2/kvlossy-q60-bf16.lac"])
def test_decoding_needs_no_torch_and_any_number_of_threads_gives_the_same(name):
    """So another version of torch, or other threads where the file was written, cannot matter."""
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import xxhash, lacodec\n"
        "from lacodec.media.kv.files import KV\n"
        "value = lacodec.decode(sys.argv[1], threads=int(sys.argv[2]))\n"
        "print(xxhash.xxh3_64_hexdigest(b''.join(KV.to_blocks(value))))\n"
    )
    found = set()
    for threads in ("1", "4"):
        environment = {**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        command = [sys.executable, "-c", code, str(FOLDER / name), threads]
        found.add(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
    assert len(found) == 1


def test_channels_have_their_own_tables():
    """The point of the layout: channels of other scales cost less than in the order of the cache."""
    rng = np.random.default_rng(2)
    values = rng.normal(size=(1, 4, 1024, 64)) * 2.0 ** rng.integers(-12, 12, (1, 4, 1, 64))
    array = (values.astype("f4").view("u4") >> 16).astype("u2")
    coded = len(lacodec.encode(KVCache(((array, array[:, ::-1]),), "BF16"), "kv"))
    plain = len(lacodec.encode({"a": array, "b": array[:, ::-1].copy()}, "weights"))
    assert coded < 0.93 * plain


def test_refused():
    keys, values = cache().layers[0]
    for pairs, dtype in (
        ((), "F32"),
        (((keys[0], values[0]),), "F32"),
        (((keys, values[:, :, :4]),), "F32"),
        (((keys, values), (keys[:, :, :4], values[:, :, :4])), "F32"),
        (((keys, values),), "BF16"),
        (((keys.astype("f8"), values.astype("f8")),), "F64"),
        (((keys, values.astype("f2")),), "F32"),
    ):
        with pytest.raises(BadInput):
            KVCache(pairs, dtype)
    for wrong in ({"name": "a\nb"}, {"inv_freq": (1.0,)}, {"rope": "default"}, {"scaling": float("nan")}, {"name": "x" * 999}):
        with pytest.raises(BadInput):
            Model(**wrong)
    for options in ({"tokens": 0}, {"tokens": 1 << 20}, {"effort": 0}):
        with pytest.raises(BadInput):
            lacodec.codec("kv", **options)
    deep = safetensors.build_header([], {"lacodec.kv": "[" * 10_000})
    for wrong in (b"".join(KV.to_blocks(cache())).replace(b"layers.1", b"layers.7"), deep):
        with pytest.raises(UnsupportedFile):
            lacodec.codec("kv").encode(wrong)
    with pytest.raises(BadInput):
        lacodec.encode(keys, "kv")
