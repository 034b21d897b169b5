"""Lossy weights: the size that was asked for, the same numbers everywhere, and errors that entropy coding explains."""

import json
from dataclasses import replace

import numpy as np
import pytest

import lacodec
from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.weights.quantised import _kernel as kernels
from lacodec.codecs.weights.quantised._allocate import steps_of
from lacodec.codecs.weights.quantised._names import of_words
from lacodec.codecs.weights.quantised._payload import Part, decode_parts, encode_parts
from lacodec.codecs.weights.quantised._pieces import pieces_of
from lacodec.codecs.weights.quantised._rotation import pays
from lacodec.codecs.weights.quantised.quantise import count_classes, quantise
from lacodec.errors import BadInput, CorruptFile, LacodecError
from lacodec.io.source import FileSource
from lacodec.media.tensors.value import TensorEntry
from reference.decode import restore
from tools.golden import gguf

RNG = np.random.default_rng(7)


def normal(rows, columns, scale=1.0, dtype=np.float32):
    return (RNG.normal(0, scale, (rows, columns)) * np.exp(RNG.normal(0, 0.4, (rows, 1)))).astype(dtype)


def entropy(counts):
    counts = counts[counts > 0].astype(float)
    return float(-(counts * np.log2(counts / counts.sum())).sum())


def state(**more):
    return {
        "a.weight": normal(260, 192),
        "b.weight": normal(128, 300, 0.02, np.float16),
        "norm": np.ones(300, np.float32),
        **more,
    }


def error(one, other):
    return np.square(one.astype(float) - other).mean() / np.square(other.astype(float)).mean()


@pytest.mark.parametrize("bits", [1.5, 2.5, 4, 7.5])
def test_size_and_error(bits):
    value = state()
    count = sum(array.size for array in value.values())
    encoded = lacodec.encode(value, "weights", bits=bits, verify=True)
    assert abs(len(encoded) * 8 / count / bits - 1) < 0.005
    restored = lacodec.decode(encoded)
    assert {name: (a.dtype, a.shape) for name, a in restored.items()} == {n: (a.dtype, a.shape) for n, a in value.items()}
    assert np.array_equal(restored["norm"], value["norm"])
    with lacodec.open(encoded) as file:
        told = file.header.metadata["total"]
    squares = [np.square(value[name].astype(float)).sum() for name in ("a.weight", "b.weight")]
    errors = [np.square(restored[name].astype(float) - value[name]).sum() for name in ("a.weight", "b.weight")]
    assert np.isclose(np.frombuffer(told, "<f4")[0], sum(errors) / sum(squares), rtol=0.02)
    both = np.mean([10 * np.log10(error(restored[name], value[name])) for name in ("a.weight", "b.weight")])
    assert both < -6.02 * bits + (
        3.0 if bits < 6 else 4.5
    )  # the limit for Gaussian values of one scale is -6.02 bits; tables cost at this size


def test_size_in_bytes_and_threads():
    value = state()
    encoded = lacodec.encode(value, "weights", size=40_000)
    assert abs(len(encoded) - 40_000) <= 200
    assert lacodec.encode(value, "weights", size=40_000, threads=2) == encoded
    with pytest.raises(BadInput, match="no quantisation gives a file of 100 bytes"):
        lacodec.encode(value, "weights", size=100)


def test_options():
    value = state()
    for wrong in ({"bits": 3, "size": 4000}, {"bits": 0}, {"size": -5}, {"bits": 3, "base": "x"}):
        with pytest.raises(BadInput):
            lacodec.encode(value, "weights", **wrong)
    with pytest.raises(BadInput, match="needs a size"):
        lacodec.encode(value, "weights.quantised")


def test_a_safetensors_target_is_refused(tmp_path):
    source = tmp_path / "m.gguf"
    source.write_bytes(gguf.content("odd"))
    with pytest.raises(BadInput, match="coded tensors in a safetensors file are lossless"):
        lacodec.encode_file(source, tmp_path / "m.safetensors", "weights", bits=4)


@pytest.mark.plain
def test_read_by_the_reference():
    value = {"a": normal(37, 96), "h": normal(64, 64, 3, np.float16), "i": np.arange(5), "wide": normal(2, 1500)}
    value["a"][3, 5] = 900.0
    encoded = lacodec.encode(value, "weights", bits=5)
    restored, by_reference = lacodec.decode(encoded), restore(encoded).content
    for name, array in restored.items():
        assert array.tobytes() in by_reference, name
    assert error(restored["a"], value["a"]) < 0.01


def test_gguf_becomes_safetensors(tmp_path, capsys):
    from safetensors.numpy import load_file

    from lacodec.cli import main
    from lacodec.media.tensors.gguf_blocks import dequantise

    rows = np.random.default_rng(5).integers(0, 256, (64, 20), np.uint8)
    rows[:, :4] = np.array([0.01, -0.075], "<f2").view(np.uint8)
    source = tmp_path / "model.gguf"
    source.write_bytes(gguf.build([("blk.0.w", (64, 32), 3, rows.tobytes()), ("n", (4,), 0, np.ones(4, "<f4").tobytes())]))
    assert main(["encode", "--codec", "weights", "--size", "1300", str(source)]) == 0
    assert main(["decode", str(source) + ".lac", "-o", str(tmp_path / "model.safetensors")]) == 0
    assert main(["info", "--json", str(source) + ".lac"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["identical"] == "none"
    tensor = told["metadata"]["tensors"]["blk.0.w"]
    data = (tmp_path / "model.safetensors").read_bytes()
    assert tensor["bits"] < 16
    size = int.from_bytes(data[:8], "little")
    assert json.loads(data[8 : 8 + size])["blk.0.w"] == {"dtype": "BF16", "shape": [32, 64], "data_offsets": [0, 4096]}
    bits = np.frombuffer(data[8 + size :][:4096], "<u2").astype(np.uint32) << 16
    wanted = dequantise(3, rows).ravel()
    assert abs(error(bits.view(np.float32), wanted) - tensor["error"]) < 1e-4 + 0.1 * tensor["error"]
    assert load_file  # the file is one of that library: `state` above goes through it


def test_gguf_goes_back_to_gguf(tmp_path, capsys):
    from lacodec.cli import main
    from lacodec.media.tensors.gguf import properties
    from lacodec.pipeline.tensor_file import TensorFile

    values = RNG.normal(0, 0.02, (64, 96)).astype("<f4")
    source, again, plain = (tmp_path / name for name in ("model.gguf", "again.gguf", "plain.safetensors"))
    source.write_bytes(
        gguf.build([("blk.0.w", (96, 64), 0, values.tobytes()), ("n", (5,), 0, np.arange(5, dtype="<f4").tobytes())])
    )
    assert main(["encode", "--codec", "weights", "--bits", "5", str(source)]) == 0
    coded = str(source) + ".lac"
    assert main(["decode", coded, "-o", str(plain)]) == 0
    assert main(["decode", coded, "-o", str(again)]) == 0
    assert main(["decode", "-f", coded]) == 0
    assert source.read_bytes() == again.read_bytes()  # under its own name, too
    assert "cannot be written" not in capsys.readouterr().err
    assert properties(FileSource(again)) == {"general.architecture": "llama"}
    with TensorFile(again) as back, TensorFile(plain) as wanted:
        assert back.format == "gguf"
        for name in ("blk.0.w", "n"):
            assert back.data(back.entry(name)).tobytes() == wanted.data(wanted.entry(name)).tobytes()
            assert back.entry(name).shape == wanted.entry(name).shape
        assert 0 < error(back.data(back.entry("blk.0.w")).view("<f4"), values.ravel()) < 0.01


def test_only_gguf_goes_back_to_gguf(tmp_path):
    (tmp_path / "w.lac").write_bytes(lacodec.encode(state(), "weights", bits=5))
    with pytest.raises(BadInput, match="was not made from a GGUF file"):
        lacodec.decode_file(tmp_path / "w.lac", tmp_path / "w.gguf")


def test_a_long_head_is_kept_in_parts():
    entries = [TensorEntry("a", "F32", (8,), 100, 32)]
    assert [piece.first for piece in pieces_of(entries, 40, 132)] == [40, 0]
    assert [piece.first for piece in pieces_of([], 100, 200)] == [100]


@pytest.mark.parametrize("size", [40_000, 42_000])
def test_odd_tensors(size):
    value = {
        "zeros": np.zeros((60, 40), np.float32),
        "constant": np.full((60, 40), 2.5, np.float32),
        "bad": np.where(RNG.random((50, 50)) < 0.1, np.nan, 1).astype(np.float32),
        "infinite": np.full((40, 40), np.inf, np.float32),
        "thin": normal(2000, 1),
        "flat": RNG.normal(0, 1, 3000).astype(np.float32),
        "whole": np.arange(2000, dtype=np.int32).reshape(40, 50),
        "wide": RNG.normal(0, 1, (40, 50)),
        "huge": normal(40, 40, 1e36),
        "tiny": normal(40, 40, 1e-37),
        "none": np.zeros((0, 7), np.float32),
    }
    encoded = lacodec.encode(value, "weights", size=size, verify=True)
    restored = lacodec.decode(encoded)
    for name in ("zeros", "bad", "infinite", "flat", "whole", "wide", "huge", "tiny", "none"):
        assert np.array_equal(restored[name], value[name], equal_nan=value[name].dtype.kind == "f"), name
    assert np.allclose(restored["constant"], 2.5, rtol=0.5)
    assert error(restored["thin"], value["thin"]) < 0.5


def test_one_tensor_is_opened_alone():
    value = state()
    encoded = lacodec.encode(value, "weights", bits=4)
    with lacodec.open(encoded) as file:
        assert np.array_equal(file["a.weight", 10:20], lacodec.decode(encoded)["a.weight"][10:20])


def test_numbers_are_within_a_percent_of_their_entropy():
    values = [normal(700, 512) * np.float32(1.3)]
    out = Writer()
    made = encode_parts(out, [Part(values[0], 1.0)], with_trellis=False)
    grids, base = quantise(values)
    assert np.array_equal(made[0].grid.numbers, grids[0].numbers)
    counts = np.zeros((kernels.CLASSES, 2 * kernels.MOST + 1), np.int64)
    count_classes(grids, base, counts)
    bits = sum(entropy(line) for line in counts)
    assert bits <= 8 * len(out) < 1.01 * bits
    assert bits < 0.97 * entropy(counts.sum(0))  # the scales of rows are exploited


def test_choosing_by_rate_and_distortion_beats_rounding():
    values, step = normal(300, 256), 1.1
    results = []
    for price in (0.0, 0.1):
        grids, base = quantise([values / np.float32(step)], price)
        counts = np.zeros((kernels.CLASSES, 2 * kernels.MOST + 1), np.int64)
        count_classes(grids, base, counts)
        mean = np.square(values - step * grids[0].numbers).mean()
        results.append(10 * np.log10(mean) + 6.02 * sum(entropy(line) for line in counts) / values.size)
    assert results[1] < results[0] - 0.05  # dB at equal rate


def test_rotation():
    values = normal(50, 96)
    rotated = values.copy()
    kernels.rotate(rotated, 32)
    assert np.allclose(np.square(rotated).sum(), np.square(values).sum(), rtol=1e-5)
    kernels.rotate(rotated, 32)
    assert np.allclose(rotated, values, atol=1e-5)
    assert pays(RNG.laplace(0, 0.7, (256, 128)).astype(np.float32)) == 0
    common = RNG.normal(0, 1, (256, 1)) * np.ones((1, 128)) + RNG.normal(0, 0.2, (256, 128))
    assert pays((common / common.std()).astype(np.float32)) == 7  # one coefficient holds what all columns share
    out = Writer()
    part = Part((common / common.std()).astype(np.float32), 0.5, None, 7)
    made = encode_parts(out, [part])[0]
    again = decode_parts(Reader(out.data), [part.values.shape])[0]
    assert np.array_equal(made.values(), again.values())
    assert np.square(again.values() - part.values).mean() < 0.05


def test_columns_with_steps_of_their_own():
    values = normal(90, 64)
    exponents = np.arange(-32, 32).astype(np.int8)
    out = Writer()
    encode_parts(out, [Part(values, 0.5, exponents)])
    made = decode_parts(Reader(out.data), [values.shape])[0].values()
    mean = np.square(made - values).mean(0)
    assert mean[:8].mean() < 0.01 * mean[-8:].mean()


@pytest.mark.slow
def test_frequent_words_are_finer():
    words = RNG.normal(0, 1, (40_000, 64)).astype(np.float16)  # two chunks, of 32,768 rows and the others
    for name, ratio in (("token_embd.weight", (32768 + 40000) / 32768), ("other", 1.0)):
        restored = lacodec.decode(lacodec.encode({name: words}, "weights", bits=4))[name]
        assert abs(error(restored[32768:], words[32768:]) / error(restored[:32768], words[:32768]) / ratio - 1) < 0.1, name


def test_roles_are_told_by_names():
    names = ["blk.1.ffn_gate.weight", "blk.1.attn_output.weight", "model.layers.1.self_attn.k_proj.weight", "output.weight"]
    steps = steps_of([*names, "blk.2.attn_v.weight", "blk.0.attn_v.weight"], [1.0] * 6)
    assert steps[0] == 1 > steps[3] > steps[1] > steps[4] > steps[2] > steps[5] > 0
    assert [of_words(name) for name in names] == [False, False, False, True]


def test_damage_is_refused():
    encoded = lacodec.encode({"a": normal(64, 64), "b": normal(30, 80)}, "weights", bits=4)
    refused = 0
    with lacodec.open(encoded) as opened:
        header, chunk, codec = opened.header, opened._reader.chunk(0), opened._decoding.codec
    for number in range(600):
        payload = bytearray(chunk.payload)
        for _ in range(number % 3 + 1):
            payload[int(RNG.integers(0, len(payload) if number % 2 else 200))] = int(RNG.integers(0, 256))
        if number % 5 == 0:
            del payload[int(RNG.integers(0, len(payload))) :]
        try:
            codec.decode_chunk(header, replace(chunk, payload=bytes(payload)))
        except (CorruptFile, LacodecError):
            refused += 1
    assert refused > 480
