"""Segments: against the plain Python reference, around the lengths of segments, with damage; the same bytes from all."""

import hashlib
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lacodec.entropy import rans_dispatch, segments
from lacodec.entropy.segments import SEGMENT, decode_segment, decode_segments, encode_segments, read_directory
from lacodec.entropy.tables import Tables, cost_bits, normalise
from lacodec.errors import BadInput, CorruptFile
from reference import segments as reference
from tests.entropy import plain_writers
from tests.entropy.plain_writers import plain_tables
from tests.strength import examples


def stack(counts: list[list[int]], bits: int, first: list[int] | None = None) -> Tables:
    offsets = np.cumsum([0] + [len(c) for c in counts])
    freqs = np.concatenate([normalise(np.array(c), bits) for c in counts])
    return Tables(freqs, offsets, bits, False, None if first is None else np.array(first))


KINDS = {
    "bytes12": Tables.from_counts(1 + np.arange(256) ** 2 // 64, 12),
    "bytes13": Tables.from_counts(1 + np.arange(256) ** 2 // 64, 13),
    "bytes14": Tables.from_counts(1 + np.arange(256) ** 2 // 64, 14),
    "uniform": Tables.uniform(8),
    "shift": Tables.from_counts(np.arange(1, 40), 11, first=200),
    "rare": Tables.from_counts([1] * 40 + [10**6], 11),  # the largest quotients that the AVX-512 encoder meets
    "coarse": Tables.from_counts([1] * 40 + [10**6], 10),
    "single": Tables.from_counts([0, 0, 5], 12),
    "nearly": Tables.from_counts([1, 10**9], 14),
    "coin": Tables.from_counts([1, 1], 1),
    "many": stack([list(range(1, 5 + t % 9)) for t in range(200)], 13, list(range(200))),
    "with single": stack([[7], [1, 1], [0, 3, 0]], 12),
}


def draw(seed: int, tables: Tables, n: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Symbols as the tables expect them, and their index."""
    rng = np.random.default_rng(seed)
    index = rng.integers(0, len(tables), n) if len(tables) > 1 else None
    slots = rng.integers(0, 1 << tables.freq_bits, n).astype(np.int64)
    values = np.repeat(tables.values, tables.freqs)
    return values[(0 if index is None else index << tables.freq_bits) + slots].astype(np.uint8), index


@examples(120)
@given(st.integers(0, 700), st.sampled_from(sorted(KINDS)), st.integers(0, 99))
def test_round_trip_and_reference(n: int, kind: str, seed: int) -> None:
    tables = KINDS[kind]
    symbols, index = draw(seed, tables, n)
    which = [0] * n if index is None else index.tolist()
    data = encode_segments(symbols, tables, index)
    assert data == plain_writers.encode_segments(symbols.tolist(), tables, which)
    decoded = decode_segments(data, tables, n, index)
    assert decoded.dtype == np.uint8 and np.array_equal(decoded, symbols)
    if n:
        assert reference.decode_segment(data[10:], n, plain_tables(tables), which) == symbols.tolist()


@pytest.mark.parametrize("kind", ["bytes12", "bytes14", "nearly", "rare", "coarse", "many"])
@pytest.mark.parametrize("n", [SEGMENT - 1, SEGMENT, SEGMENT + 1, 2 * SEGMENT - 64, 2 * SEGMENT, 17 * SEGMENT + 63])
def test_lengths_around_segments_threads_and_kernels(kind: str, n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = KINDS[kind]
    symbols, index = draw(n, tables, n)
    data = encode_segments(symbols, tables, index)
    assert np.array_equal(decode_segments(data, tables, n, index), symbols)
    assert encode_segments(symbols, tables, index, threads=2) == data
    assert np.array_equal(decode_segments(data, tables, n, index, threads=2), symbols)
    monkeypatch.setattr(rans_dispatch, "avx512", lambda: None)
    assert encode_segments(symbols, tables, index) == data
    assert np.array_equal(decode_segments(data, tables, n, index), symbols)


def test_segment_alone() -> None:
    tables = KINDS["many"]
    n = 3 * SEGMENT + 1000
    symbols, index = draw(1, tables, n)
    data = encode_segments(symbols, tables, index)
    directory = read_directory(data[: segments.directory_size(n)], n, len(data))
    assert len(directory) == 4 and directory.symbols(3) == 1000
    for k in range(4):
        place = slice(k * SEGMENT, k * SEGMENT + directory.symbols(k))
        part = data[directory.begins[k] : directory.begins[k + 1]]
        assert np.array_equal(decode_segment(part, tables, directory.symbols(k), index[place]), symbols[place])


@pytest.mark.parametrize("kind", ["bytes12", "bytes14"])
def test_size(kind: str) -> None:
    symbols, index = draw(5, KINDS[kind], 8 * SEGMENT)
    assert len(encode_segments(symbols, KINDS[kind], index)) < cost_bits(symbols, KINDS[kind]) / 8 + 8 * 140


def test_bytes_do_not_change() -> None:
    i = np.arange(150_000, dtype=np.uint64)
    symbols = (i * i % np.uint64(251) * (i % np.uint64(7)) // np.uint64(9)).astype(np.uint8)
    tables = Tables.from_counts(np.bincount(symbols, minlength=256), 13)
    digest = "f605d4060893a7d764ac69f52c3f07d01ea9766e4ec33331434462b10f6b0f20"
    assert hashlib.sha256(encode_segments(symbols, tables)).hexdigest() == digest


def test_bad_input() -> None:
    tables = KINDS["bytes12"]
    for symbols in (np.zeros((2, 2), np.uint8), np.zeros(3, np.int32)):
        with pytest.raises(BadInput, match="uint8"):
            encode_segments(symbols, tables)
    with pytest.raises(BadInput, match="at most 14"):
        encode_segments(np.zeros(1, np.uint8), Tables.from_counts([1, 1], 15))
    with pytest.raises(BadInput, match="escape"):
        encode_segments(np.zeros(1, np.uint8), Tables.from_counts([1, 1], 12, escape=True))
    for first in (-1, 250):
        with pytest.raises(BadInput, match=r"only 0\.\.255"):
            encode_segments(np.zeros(1, np.uint8), Tables.from_counts(np.ones(10, int), 12, first=first))
    with pytest.raises(BadInput, match="too many"):
        encode_segments(np.zeros(1, np.uint8), stack([[1, 1]] * 300, 14), np.zeros(1, int))
    with pytest.raises(BadInput, match="need an index"):
        encode_segments(np.zeros(1, np.uint8), KINDS["many"])
    for data in (b"", bytes(8)):
        with pytest.raises(BadInput, match="symbols wanted"):
            decode_segments(data, tables, -1)
    with pytest.raises(BadInput, match=r"1\.\.65536"):
        decode_segment(b"", tables, 0)


@pytest.mark.parametrize("at", [0, 100, SEGMENT - 100, SEGMENT - 1, SEGMENT + 5])
@pytest.mark.parametrize("kind", ["single", "with single", "shift"])
def test_symbol_without_frequency(at: int, kind: str) -> None:
    tables = KINDS[kind]
    symbols, index = draw(at, tables, SEGMENT + 10)
    symbols[at] = 77
    with pytest.raises(BadInput, match=f"symbol {at} is 77"):
        encode_segments(symbols, tables, index)


def test_directories_that_lie() -> None:
    tables = KINDS["bytes12"]
    n = 2 * SEGMENT + 500
    symbols, _ = draw(3, tables, n)
    data = encode_segments(symbols, tables)
    first, second = (int.from_bytes(data[at : at + 2], "little") for at in (8, 10))
    moved = data[:8] + (first + 3).to_bytes(2, "little") + (second - 3).to_bytes(2, "little") + data[12:]
    huge = (1 << 63).to_bytes(8, "little") + data[8:]
    for damaged, wanted in [
        (moved, n), (huge, n), (huge, 1 << 63), (data, n + 1), (data[:8], n), (data[:11], n), (data[:7], n), (data[:-1], n),
        (data[:-2], n), (data + b"\0\0", n), (bytes(14), 0), (b"", 0),
    ]:  # fmt: skip
        with pytest.raises(CorruptFile, match="segments: "):
            decode_segments(damaged, tables, wanted)
    part = data[-int(np.diff(read_directory(data, n, len(data)).begins)[-1]) :]
    assert np.array_equal(decode_segment(part, tables, 500), symbols[-500:])
    for damaged, wanted in [(part[:-2], 500), (part[:-1], 500), (part[:200], 500), (b"", 500), (part, 700), (part, SEGMENT)]:
        with pytest.raises(CorruptFile, match="segments: "):
            decode_segment(damaged, tables, wanted)


@pytest.mark.parametrize("simd", [True, False])
@pytest.mark.parametrize("kind", ["bytes12", "bytes14", "many"])
def test_damage_is_noticed(kind: str, simd: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed segment either says so or has swapped symbols of one lane's look-alikes: never a crash, never a wrong shape."""
    if not simd:
        monkeypatch.setattr(rans_dispatch, "avx512", lambda: None)
    tables = KINDS[kind]
    n = 5000
    symbols, index = draw(8, tables, n)
    data = encode_segments(symbols, tables, index)
    dice = random.Random(4)
    noticed = 0
    for _ in range(300):
        damaged = bytearray(data)
        for _ in range(dice.choice([1, 2, 50])):
            damaged[dice.randrange(10, len(data))] = dice.randrange(256)
        try:
            decoded = decode_segments(damaged, tables, n, index)
        except CorruptFile:
            noticed += 1
        else:
            assert damaged == data or not np.array_equal(decoded, symbols)
    assert noticed > 280


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_noise(kind: str) -> None:
    tables = KINDS[kind]
    dice = random.Random(kind)
    for n in (1, 64, 5000, SEGMENT):
        index = None if len(tables) == 1 else np.full(n, len(tables) - 1)
        for tail in (0, 1, 2, 64, 65, 65535):
            words = dice.randrange(3000)
            body = dice.randbytes(256) + tail.to_bytes(2, "little") + dice.randbytes(2 * words)
            data = n.to_bytes(8, "little") + words.to_bytes(2, "little") + body
            with pytest.raises(CorruptFile, match="segments: segment 0"):
                decode_segments(data, tables, n, index)
