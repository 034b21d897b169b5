"""Codec `weights`: every file comes back byte for byte, whatever lies in it, and damage is told."""

import io
import os
import subprocess
import sys
import tracemalloc

import msgspec
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import lacodec
from lacodec import api
from lacodec.codecs.bytes.codec import Bytes
from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.weights import _chunks as plan
from lacodec.codecs.weights import _floats, _floats_decode
from lacodec.codecs.weights._chunks import FOREIGN, Plan, Run, plans
from lacodec.codecs.weights._delta import decode_delta, encode_delta
from lacodec.codecs.weights._payload import HEAD, Surroundings, decode_payload, encode_payload
from lacodec.codecs.weights._planes import decode_plane, encode_plane, entropy
from lacodec.codecs.weights._tensor_table import pack_table, unpack_table
from lacodec.codecs.weights.codec import Weights
from lacodec.errors import BadInput, CorruptFile, LacodecError
from lacodec.io.source import BytesSource
from lacodec.media.tensors.safetensors import build_header
from lacodec.media.tensors.value import DTYPES, TensorEntry, Tensors
from reference import weights_payload
from tests.strength import examples

RNG = np.random.default_rng(7)


def normal(n: int, dtype: str, scale: float = 0.02) -> bytes:
    """n normal values."""
    values = RNG.normal(0, scale, n)
    if dtype == "F64":
        return values.tobytes()
    if dtype == "F16":
        return values.astype(np.float16).tobytes()
    bits = values.astype(np.float32).view(np.uint32)
    return bits.tobytes() if dtype == "F32" else (bits >> 16).astype(np.uint16).tobytes()


def safetensors(tensors: list[tuple[str, str, tuple[int, ...], bytes]], metadata: dict[str, str] | None = None) -> bytes:
    """A safetensors file."""
    head = build_header([(name, dtype, shape, len(data)) for name, dtype, shape, data in tensors], metadata)
    return head + b"".join(data for *_, data in tensors)


def decoded(encoded: bytes, base: object = None) -> bytes:
    """The file again."""
    out = io.BytesIO()
    api.decode_file(BytesSource(encoded), out, base=base)
    return out.getvalue()


def check(data: bytes, effort: int = 5) -> bytes:
    """Encode and decode a file, with any number of threads; returns the encoded bytes."""
    coder = lacodec.codec("weights", effort=effort)
    encoded = coder.encode(data, verify=True)
    assert coder.encode(data, threads=2) == encoded
    assert decoded(encoded) == data
    assert len(encoded) <= len(data) + 400 + len(data) // 100
    return encoded


def float_payload(data: bytes, kind: str, row: int = 0, effort: int = 5) -> bytes:
    """The payload of one run, checked against the reader in plain Python."""
    return payload_of(data, (Run(kind, len(data), row),), effort)


def payload_of(data: bytes, runs: tuple[Run, ...], effort: int = 5) -> bytes:
    payload = encode_payload(data, Plan(0, runs), effort, embedded)
    assert decode_payload(payload, len(data), AROUND).tobytes() == data
    assert weights_payload.decode(payload, len(data), refuse, no_base) == data
    return payload


def no_base():
    raise CorruptFile("no base here")


def refuse(stored: bytes) -> bytes:
    raise CorruptFile("no head here")


def embedded(data: bytes, effort: int) -> bytes:
    return Bytes(Bytes.Options(effort=effort)).encode_block(data)


AROUND = Surroundings(refuse, no_base, lambda data, size: Bytes().decode_block(data, size, 0))


@pytest.mark.parametrize("kind", ["F64", "F32", "F16", "BF16"])
@pytest.mark.parametrize("n", [1, 2, 63, 64, 65, 1000, 5001])
def test_floats_of_every_size(kind, n):
    for scale in (0.02, 1e-30, 1e4):
        float_payload(normal(n, kind, scale), kind)


@pytest.mark.parametrize("kind", ["F32", "BF16"])
def test_many_segments(kind):
    payload = float_payload(normal(140_000, kind), kind, row=4 * 700 if kind == "F32" else 1400)
    assert len(payload) < (0.85 if kind == "F32" else 0.69) * 140_000 * (4 if kind == "F32" else 2)


@pytest.mark.parametrize("size", [2, 4, 8])
def test_any_bits_are_floats(size):
    """NaN and Inf payloads, denormals, both zeros, all signs."""
    for low, high in ((0, 255), (0, 1), (127, 129), (254, 256)):
        data = RNG.integers(low, high, 3000 * size, dtype=np.uint16).astype(np.uint8).tobytes()
        float_payload(data, {2: "BF16", 4: "F32", 8: "F64"}[size])
        if size == 2:
            float_payload(data, "F16")
    special = np.array([0, 1, -1, np.nan, np.inf, -np.inf, 5e-324, 1e-310, -0.0, 3.5], np.float64)
    data = np.tile(special, 300)
    float_payload(data.tobytes(), "F64")
    with np.errstate(over="ignore"):
        float_payload(data.astype(np.float32).tobytes(), "F32")


def test_values_outside_the_window_are_listed():
    values = np.concatenate([RNG.normal(0, 1, 5000) * 2.0**e for e in (-120, -60, 0, 60)]).astype(np.float32)
    RNG.shuffle(values)
    float_payload(values.tobytes(), "F32")
    float_payload(np.abs(values).tobytes(), "F32")
    float_payload((-np.abs(values)).tobytes(), "F32")


@pytest.mark.parametrize("kind", ["F64", "F32", "BF16"])
@pytest.mark.parametrize("n", [65536, 70_001])
def test_short_codes(kind, n):
    size = DTYPES[kind] // 8
    values = np.frombuffer(normal(n, kind), f"<u{size}").copy()
    values[RNG.integers(0, n, 40)] = RNG.integers(0, 1 << (8 * size - 1), 40)  # outside the window: listed
    values[RNG.integers(0, n, 40)] = 0
    for row in (512 * size, n * size):
        payload = float_payload(values.tobytes(), kind, row, effort=1)
        assert len(payload) < 1.02 * len(float_payload(values.tobytes(), kind, row, effort=2))
    data = memoryview(payload)[:64]
    assert any(data[at] == size and data[at + 3] == 6 for at in range(40))  # the flag of short codes, and stored signs


@pytest.mark.parametrize("kind", ["F64", "F32", "F16", "BF16"])
@pytest.mark.parametrize("effort", [1, 5])
def test_groups_are_decoded_at_once_and_by_planes(kind, effort, monkeypatch):
    """Both ways give the same; most groups take the first, also where values are listed or the last block is not full."""
    at_once, taken = _floats_decode._decode_at_once, []
    monkeypatch.setattr(_floats_decode, "_decode_at_once", lambda *args: taken.append(at_once(*args)) or taken[-1])
    for n in (65536, 131_072 + 33):
        values = np.frombuffer(normal(n, kind), f"<u{DTYPES[kind] // 8}").copy()
        values[RNG.integers(0, n, 20)] = RNG.integers(0, 256, 20)
        data = values.tobytes()
        payload = float_payload(data, kind, effort=effort)
        with monkeypatch.context() as patched:
            patched.setattr(_floats_decode, "_decode_at_once", lambda *_: False)
            assert decode_payload(payload, len(data), AROUND).tobytes() == data
    assert any(taken) or kind != "BF16"  # of others, the highest part of the mantissa may be coded


def test_short_codes_with_more_listed_than_expected():
    values = np.frombuffer(normal(1 << 17, "BF16"), np.uint16).copy()
    blocks = values.reshape(-1, 1024)
    blocks[:, 512:] = RNG.integers(0, 1 << 16, blocks[:, 512:].shape)  # where the sample does not look
    float_payload(values.tobytes(), "BF16", effort=1)


def test_narrow_values_stored_wide():
    short = np.frombuffer(normal(20_000, "BF16"), np.uint16)
    alone, wide = float_payload(short.tobytes(), "BF16"), float_payload((short.astype(np.uint32) << 16).tobytes(), "F32")
    assert len(wide) < len(alone) + 50
    half = np.frombuffer(normal(20_000, "F16"), np.float16)
    assert len(float_payload(half.astype(np.float32).tobytes(), "F32")) < 0.55 * 80_000
    whole = np.round(RNG.normal(0, 30, 20_000))
    assert len(float_payload(whole.astype(np.float32).tobytes(), "F32")) < 0.25 * 80_000


def test_constant_few_and_sparse_values():
    for kind in ("F32", "BF16", "I64", "I16", "U8", "F8_E4M3", "BOOL"):
        size = max(1, DTYPES[kind] // 8)
        assert len(float_payload(bytes(range(1, size + 1)) * 5000, kind)) < 40
        assert len(float_payload(bytes(5000 * size), kind)) < 40
    few = RNG.normal(0, 1, 16).astype(np.float32)[RNG.integers(0, 16, 9000)]
    assert len(float_payload(few.tobytes(), "F32")) < 0.15 * 36_000
    for kind, share in (("F32", 0.47), ("BF16", 0.47)):
        size = DTYPES[kind] // 8
        values = np.frombuffer(normal(30_000, kind), f"u{size}").copy()
        values[RNG.random(30_000) < 0.5] = 0
        assert len(float_payload(values.tobytes(), kind)) < share * 30_000 * size
    block = RNG.normal(0, 1, 300).astype(np.float32)
    assert len(float_payload(np.tile(block, 30).tobytes(), "F32")) < 0.2 * 36_000


@pytest.mark.parametrize(
    "kind", ["I64", "U64", "I32", "I16", "U16", "I8", "U8", "I4", "U4", "F4", "F8_E4M3", "F8_E5M2", "BOOL", "F6_E2M3"]
)
def test_other_types(kind):
    size = max(1, DTYPES[kind] // 8)
    values = np.round(RNG.normal(0, 9, 4000)).astype(np.int64)
    for data in (values.astype(f"i{size}").tobytes(), np.arange(4000).astype(f"u{size}").tobytes(), RNG.bytes(4000 * size)):
        payload = float_payload(data, kind)
        assert len(payload) <= len(data) + 30
    assert len(float_payload(values.astype(f"i{size}").tobytes(), kind)) < 0.9 * 4000 * size


def test_complex_numbers_and_odd_sizes():
    float_payload(RNG.normal(0, 1, 4000).astype(np.float32).tobytes(), "C64")
    float_payload(RNG.normal(0, 1, 4000).tobytes(), "C128")
    payload_of(b"x" + normal(777, "F32") + b"abc", (Run(FOREIGN, 1), Run("F32", 4 * 777), Run(FOREIGN, 3)))  # not aligned


def test_rows_of_another_scale_share_a_table():
    scales = np.exp(RNG.normal(0, 1.5, (300, 1)))
    values = (RNG.normal(0, 1, (300, 256)) * scales).astype(np.float32)
    rows = len(float_payload(values.tobytes(), "F32", row=1024))
    assert rows < len(float_payload(values.tobytes(), "F32", row=1024, effort=1)) - 2000
    float_payload(values.tobytes()[: -4 * 100], "F32", row=1024)  # the last row is cut off


@pytest.mark.parametrize("effort", range(1, 10))
def test_files_of_every_effort(effort):
    tensors = [(f"layers.{i}.w", "BF16", (64, 96), normal(64 * 96, "BF16", 0.01 * (i + 1))) for i in range(12)]
    tensors += [(f"layers.{i}.b", "F32", (96,), normal(96, "F32")) for i in range(12)]
    tensors += [("none", "F32", (0, 5), b""), ("scalar", "I64", (), b"\7" + bytes(7)), ("mask", "BOOL", (9, 9), b"\1" * 81)]
    encoded = check(safetensors(tensors, {"format": "pt"}), effort)
    with lacodec.open(encoded) as opened:
        for name, dtype, shape, data in tensors:
            found = opened[name]
            assert found.shape == shape and found.tobytes() == data and (dtype != "F32" or found.dtype == np.float32)
        assert (opened["layers.3.w", 5:7] == opened["layers.3.w"][5:7]).all()
        assert opened["none", 0:0].shape == (0, 5)
        for key in ("layers.99.w", 3, ("scalar", slice(0, 1)), ("mask", "a"), ("mask", 9)):
            with pytest.raises(BadInput):
                opened[key]


def test_large_tensors_are_cut(monkeypatch):
    monkeypatch.setattr(plan, "CHUNK", 10_000)
    tensors = [
        ("a", "F32", (100, 97), normal(9700, "F32")),
        ("b", "F16", (5,), normal(5, "F16")),
        ("c", "F64", (5000,), normal(5000, "F64")),
    ]
    data = safetensors(tensors)
    encoded = check(data)
    with lacodec.open(encoded) as opened:
        assert len(opened._reader.index) > 8
        for name, _, _, content in tensors:
            assert opened[name].tobytes() == content
        assert (opened["a", 31:64] == opened["a"][31:64]).all()


@given(
    runs=st.lists(st.tuples(st.sampled_from(["", *DTYPES]), st.integers(1, 300), st.integers(0, 40)), max_size=8),
    seed=st.integers(0, 1 << 30),
    effort=st.sampled_from([1, 5, 9]),
)
@example(runs=[("C128", 7, 0), ("C64", 56, 0)], seed=27524, effort=1)  # most codes fit from base 0 on, not all
@examples(60)
def test_any_runs(runs, seed, effort):
    rng = np.random.default_rng(seed)
    made, parts = [], []
    for kind, count, row in runs:
        size = count * max(1, DTYPES.get(kind, 8) // 8)
        made.append(Run(kind, size, row))
        parts.append(rng.bytes(size) if rng.random() < 0.3 else (rng.normal(0, 1, size).astype(np.float32).tobytes()[:size]))
    payload_of(b"".join(parts), tuple(made), effort)


@given(
    st.lists(
        st.tuples(st.text(max_size=12), st.sampled_from(sorted(DTYPES)), st.lists(st.integers(0, 9), max_size=4)), max_size=9
    )
)
@examples(100)
def test_tensor_table(items):
    entries, at = [], 3
    for name, dtype, shape in items:
        size = -(-int(np.prod(shape, dtype=object)) * DTYPES[dtype] // 8)
        entries.append(TensorEntry(name, dtype, tuple(shape), at, size, "F" if len(shape) == 2 else "C"))
        at += size + len(name)
    assert unpack_table(pack_table(tuple(entries))) == tuple(entries)


def test_names_with_numbers():
    names = ["l.0.w", "l.1.w", "l.10.w", "l.007.w", "l.0", "0", "", "#", "\\s#\\", "a\nb", "1" * 30, "é.3"]
    entries = tuple(TensorEntry(name, "U8", (), i, 1) for i, name in enumerate(names))
    assert unpack_table(pack_table(entries)) == entries
    many = tuple(TensorEntry(f"model.layers.{i // 9}.part{i % 9}.weight", "BF16", (8, 8), 128 * i, 128) for i in range(900))
    assert len(pack_table(many)) < 400


def test_the_head_is_made_again():
    tensors = [("a", "F32", (4, 4), normal(16, "F32")), ("b", "F32", (2,), normal(2, "F32"))]
    plain = safetensors(tensors, {"by": "a test"})
    text = plain[8 : 8 + int.from_bytes(plain[:8], "little")]
    spaced = text.replace(b":", b": ") + b" " * (-len(text.replace(b":", b": ")) % 8)
    other = len(spaced).to_bytes(8, "little") + spaced + plain[8 + len(text) :]
    assert len(check(plain)) < len(check(other))


def test_tied_tensors_are_stored_once(monkeypatch):
    monkeypatch.setattr(plan, "CHUNK", 60_000)
    tied, other = normal(200 * 100, "F32"), normal(200 * 100, "F32")
    shape = (200, 100)
    tensors = [("a", "F32", shape, tied), ("b", "F32", shape, other), ("c", "F32", shape, tied), ("d", "F32", shape, tied)]
    encoded = check(safetensors(tensors))
    assert len(encoded) < 2 * 80_000
    with lacodec.open(encoded) as opened:
        for name, _, _, data in tensors:
            assert opened[name].tobytes() == data
        assert (opened["c", 150:160] == opened["a"][150:160]).all()
        lost = bytearray(encoded)
        section = next(head for head in opened._reader.index if not head.covers)
    lost[section.payload_offset + 9] ^= 1
    with pytest.raises(CorruptFile):
        decoded(bytes(lost))


def test_differences_to_a_base(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "CHUNK", 150_000)
    before, after = [], []
    for name, kind in (("a", "BF16"), ("b", "F32"), ("c", "F16"), ("d", "F64"), ("n", "I8"), ("new", "F32")):
        size = DTYPES[kind] // 8
        data = normal(20_000, kind) if kind[0] != "I" else RNG.integers(0, 256, 20_000, dtype=np.uint8).tobytes()
        values = np.frombuffer(data, f"u{size}").copy()
        before.append((name if name != "new" else "old", kind, (100, 200), data))
        values += RNG.integers(0, 4, 20_000).astype(values.dtype)
        after.append((name, kind, (100, 200), values.tobytes() if name != "new" else normal(20_000, kind)))
    values = np.frombuffer(before[0][3], np.uint16).copy()
    values[::7] ^= 1 << 15
    after[0] = (*after[0][:3], values.tobytes())
    base, data = tmp_path / "base.safetensors", safetensors(after)
    base.write_bytes(safetensors(before))
    coder = lacodec.codec("weights", base=str(base))
    encoded = coder.encode(data, verify=True)
    assert coder.encode(data, threads=2) == encoded and str(tmp_path).encode() not in encoded
    assert len(encoded) < 0.5 * len(lacodec.encode(data, "weights"))
    assert decoded(encoded, base) == data
    assert {name: array.tobytes() for name, array in coder.decode(encoded).items()} == {name: c for name, _, _, c in after}
    wrong = tmp_path / "wrong.safetensors"
    wrong.write_bytes(safetensors(after))  # of the same size
    longer = tmp_path / "longer.safetensors"
    longer.write_bytes(safetensors([*before, ("more", "U8", (1,), b"1")]))
    coded = tmp_path / "base.lac"
    coded.write_bytes(lacodec.encode(base))
    for place in (base, str(base), base.read_bytes(), BytesSource(base.read_bytes()), [longer, wrong, base], coded):
        with lacodec.open(encoded, base=place) as opened:
            for name, _, _, content in after:
                assert opened[name].tobytes() == content
    for place, found in (
        (None, "not given"),
        (longer, "longer.safetensors is not"),
        (wrong, "wrong"),
        ([longer, wrong], "wrong.safetensors is not"),
    ):
        with lacodec.open(encoded, base=place) as opened, pytest.raises(BadInput, match=rf"'base\.safetensors'.*{found}"):
            opened["b"]
        with pytest.raises(BadInput, match="give that file with --base FILE, or base=... in Python"):
            decoded(encoded, place)
    for place in (tmp_path / "none", 5, tmp_path):
        with pytest.raises(BadInput, match="base|none"):
            lacodec.codec("weights", base=place).encode(data)


def test_a_base_is_read_only_where_it_is_needed(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "CHUNK", 50_000)
    before = [(f"{i}", "BF16", (100, 200), normal(20_000, "BF16")) for i in range(20)]
    after = []
    for name, kind, shape, data in before:
        values = np.frombuffer(data, np.uint16) + RNG.integers(0, 2, 20_000).astype(np.uint16)
        after.append((name, kind, shape, values.tobytes()))
    base = BytesSource(safetensors(before))
    encoded = lacodec.codec("weights", base=base).encode(safetensors(after))
    read, view = [], BytesSource.view
    monkeypatch.setattr(BytesSource, "view", lambda self, offset, n: (read.append(n * (self is base)), view(self, offset, n))[1])
    monkeypatch.setattr(base, "blocks", None)  # nobody asks for all of it
    with lacodec.open(encoded, base=base) as opened:
        assert opened["7"].tobytes() == after[7][3]
    assert 0 < sum(read) <= 100_000
    damaged = bytearray(encoded)
    with lacodec.open(encoded, base=base) as opened:
        damaged[opened._reader.index[3].payload_offset + 500] ^= 1
    monkeypatch.undo()
    with lacodec.open(bytes(damaged), base=base) as opened, pytest.raises(CorruptFile):
        [opened[str(i)] for i in range(20)]


def test_differences_to_differences(tmp_path):
    """Each checkpoint is a difference to the one before it."""
    steps = [normal(30_000, "F32")]
    for _ in range(2):
        steps.append((np.frombuffer(steps[-1], np.uint32) + RNG.integers(0, 9, 30_000).astype(np.uint32)).tobytes())
    files = [safetensors([("a", "F32", (100, 300), data)]) for data in steps]
    places = [tmp_path / f"{i}.lac" for i in range(3)]
    for place, data, base in zip(places, files, [None, *files], strict=False):
        place.write_bytes(lacodec.codec("weights", base=base and BytesSource(base)).encode(data, verify=True))
    assert len(places[2].read_bytes()) < 0.3 * len(files[2])
    assert decoded(places[2].read_bytes(), places[:2]) == files[2]
    assert decoded(places[2].read_bytes(), tmp_path) == files[2]  # all that a folder has
    assert decoded(places[2].read_bytes(), places[1::-1]) == files[2]  # in any order
    with pytest.raises(BadInput, match="not given"):
        decoded(places[2].read_bytes(), places[1])  # which needs the first


def test_forged_descriptions_of_a_base():
    data = safetensors([("a", "F32", (100, 100), normal(10_000, "F32"))])
    encoded = lacodec.codec("weights", base=BytesSource(data)).encode(data)
    with lacodec.open(encoded, base=data) as opened:
        header, chunk, codec = opened.header, opened._reader.chunk(0), opened._decoding.codec
    for strange in (None, 5, {}, {"name": 1, "size": 2, "hash": b""}, {"name": "a", "size": len(data), "hash": "text"}):
        with pytest.raises(CorruptFile, match="does not name the base"):
            codec.decode_chunk(msgspec.structs.replace(header, metadata={**header.metadata, "base": strange}), chunk)


@pytest.mark.parametrize("kind", ["F64", "F32", "BF16"])
def test_countless_tiny_tensors_need_little_memory(kind):
    size = DTYPES[kind] // 8
    for n, values in ((6000, 3), (700, 600)):
        data = RNG.normal(0, 1, (n, values)) * 2.0 ** RNG.integers(-9, 9, (n, 1))
        data[::5] = 1.5  # some repeat
        made = np.ascontiguousarray(data.astype(np.float32)).view(np.uint8).tobytes()
        made = (made if size <= 4 else data.tobytes())[: n * values * size]
        runs = tuple(Run(kind, values * size) for _ in range(n))
        payload_of(made, runs)  # nothing is compiled any more
        tracemalloc.start()
        payload = encode_payload(made, Plan(0, runs), 5, embedded)
        encoding = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        decode_payload(payload, len(made), AROUND)
        decoding = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert encoding < Weights().memory(len(made)) and decoding < Weights().memory(len(made), payload)


@pytest.mark.parametrize("kind", ["F64", "F32", "F16", "BF16", "I64", "I8", "U8"])
@given(seed=st.integers(0, 1 << 30), n=st.integers(1, 300))
@examples(20)
def test_any_difference(kind, seed, n):
    rng, size = np.random.default_rng(seed), DTYPES[kind] // 8
    base, data = (rng.integers(0, 256, n * size, dtype=np.uint8) for _ in range(2))
    data = np.where(np.repeat(rng.random(n) < 0.5, size), base, data)
    mantissa = _floats.MANTISSAS[kind][1] if kind in _floats.MANTISSAS else 0
    coded = encode_delta(data.view(f"u{size}"), base.view(f"u{size}"), mantissa).data
    out = np.empty(n * size, np.uint8)
    decode_delta(memoryview(coded), base, out)
    assert (out == data).all()


def test_entries_that_do_not_fill_the_file():
    data = b"head" + normal(100, "F32") + b"between" + bytes(50) + b"tail"
    entries = (TensorEntry("a", "F32", (10, 10), 4, 400), TensorEntry("b", "U8", (50,), 411, 50))
    encoded = lacodec.encode(Tensors(BytesSource(data), "torch", entries))
    assert decoded(encoded) == data
    assert [plan.size for plan in plans(entries, len(data))] == [len(data)]
    with lacodec.open(encoded) as opened:
        assert opened["a"].tobytes() == data[4:404] and opened["b"].tobytes() == data[411:461]


def test_planes():
    for plane in (
        np.zeros(0, np.uint8),
        np.full(9, 3, np.uint8),
        RNG.integers(0, 256, 99, dtype=np.uint8),
        RNG.binomial(9, 0.2, 99_999).astype(np.uint8),
    ):
        out = Writer()
        encode_plane(out, plane)
        reader = Reader(out.data)
        assert (decode_plane(reader, len(plane)) == plane).all()
        reader.finish()
        assert len(out) <= len(plane) + 1


def test_entropy_is_that_of_the_counts():
    counts = RNG.integers(0, 1 << 40, 300) * (RNG.random(300) < 0.7)
    used = counts[counts > 0].astype(float)
    assert entropy(counts) == pytest.approx(-(used * np.log2(used / used.sum())).sum(), rel=1e-12)
    assert entropy(np.zeros(4, np.int64)) == 0 == entropy(np.array([5]))


def test_damaged_payloads_are_refused():
    data = normal(3000, "F32") + bytes(100) + normal(2000, "BF16") + b"text" * 30
    runs = (Run("F32", 12_000, 400), Run("I8", 100), Run("BF16", 4000), Run(FOREIGN, 120))
    payload = bytearray(payload_of(data, runs))
    refused = 0
    for number in range(4000):
        damaged = bytearray(payload)
        for _ in range(number % 3 + 1):
            damaged[int(RNG.integers(0, len(damaged) if number % 2 else 60))] = int(RNG.integers(0, 256))
        if number % 7 == 0:
            del damaged[int(RNG.integers(0, len(damaged))) :]
        try:
            decode_payload(bytes(damaged), len(data), AROUND)
        except LacodecError:
            refused += 1
    assert refused > 1000
    for size in (0, len(data) - 1, len(data) + 1):
        with pytest.raises(CorruptFile):
            decode_payload(bytes(payload), size, AROUND)


def test_forged_heads_are_refused():
    data = safetensors([("a", "F32", (4, 4), normal(16, "F32"))])
    encoded = lacodec.encode(data, "weights")
    with lacodec.open(encoded) as opened:
        header, chunk = opened.header, opened._reader.chunk(0)
        out = Writer()
        out.write(b"\0")
        out.piece(bytes([len(data) & 127 | 128, len(data) >> 7, 0]))
        out.write(b"\1\0" + bytes([HEAD]))
        out.piece(b'{"a": 5}')
        from dataclasses import replace

        with pytest.raises(CorruptFile):
            opened._decoding.codec.decode_chunk(header, replace(chunk, payload=out.data))


def test_layouts_have_fields_of_the_right_widths():
    for bits in range(52):
        for sign in (0, 1, 2):
            widths = _floats.Layout(8, 0, bits, sign, 0).fields()[:, 0]
            assert widths.sum() == bits + (sign == 2) and set(widths) <= {1, 2, 4, 8}


@pytest.mark.slow
def test_same_bytes_without_vector_instructions(repository, tmp_path):
    data = safetensors([("a", "BF16", (300, 512), normal(300 * 512, "BF16")), ("b", "F32", (70, 999), normal(70 * 999, "F32"))])
    (tmp_path / "x.safetensors").write_bytes(data)
    code = (
        "import sys, hashlib, lacodec\n"
        "from pathlib import Path\n"
        "encoded = lacodec.codec('weights').encode(Path(sys.argv[1]), verify=True)\n"
        "print(hashlib.sha256(encoded).hexdigest())\n"
    )
    found = set()
    for more in ({}, {"LACODEC_SIMD": "0"}, {"NUMBA_CPU_NAME": "generic"}):
        env = {**os.environ, **more}
        command = [sys.executable, "-c", code, str(tmp_path / "x.safetensors")]
        found.add(subprocess.run(command, check=True, cwd=repository, env=env, capture_output=True, text=True).stdout)
    assert len(found) == 1


@pytest.mark.slow
def test_real_models(data_dir):
    for path in (data_dir / "models").rglob("*.safetensors"):
        assert decoded(lacodec.codec("weights").encode(path)) == path.read_bytes()


def test_info_tells_of_each_tensor(tmp_path, monkeypatch, capsys):
    from lacodec.cli._main import main

    monkeypatch.setattr(plan, "CHUNK", 50_000)
    tied = normal(20_000, "F32")
    shape = (100, 200)
    tensors = [("a", "F32", shape, tied), ("b", "BF16", shape, normal(20_000, "BF16")), ("c", "F32", shape, tied)]
    path = tmp_path / "x.lac"
    path.write_bytes(lacodec.encode(safetensors([*tensors, ("none", "F32", (0,), b"")]), "weights"))
    found = api.info(path).metadata["tensors"]
    assert found["b"]["dtype"] == "BF16" and found["b"]["shape"] == [100, 200] and found["b"]["size"] == 40_000
    assert found["none"]["coded"] == 0 == found["c"]["coded"] and 60_000 < found["a"]["coded"] < 75_000
    assert sum(facts["coded"] for facts in found.values()) <= api.info(path).file_size
    assert main(["info", str(path)]) == 0 and main(["info", "--json", str(path)]) == 0
    assert "b: BF16 100x200, 40,000 ->" in capsys.readouterr().out
