"""Tables: validation, optimal normalisation, packing, look-ups."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lacodec.entropy.tables import Tables, cost_bits, normalise
from lacodec.errors import BadInput, CorruptFile, LacodecError
from tests.strength import examples


def one(freqs: list[int], bits: int, **more: object) -> Tables:
    return Tables(np.array(freqs), np.array([0, len(freqs)]), bits, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("freqs", "offsets", "bits", "more", "says"),
    [
        ([3, 5], [0, 2], 3, {}, None),
        ([8], [0, 1], 3, {}, None),
        ([3, 4], [0, 2], 3, {}, "sums to 7"),
        ([3, 5, 0, 0], [0, 2, 4], 3, {}, "table 1 sums to 0"),
        ([3, 5, 8], [0, 2, 2, 3], 3, {}, "not above"),
        ([3, 5, 8], [0, 3, 2], 3, {}, "offsets"),
        ([3, 5, 8], [0, 2], 3, {}, "offsets must run"),
        ([3, 5, 8], [1, 3], 3, {}, "offsets must run"),
        ([3, 5], [0, 2], 0, {}, "freq_bits"),
        ([3, 5], [0, 2], 25, {}, "freq_bits"),
        ([-3, 11], [0, 2], 3, {}, "freqs must lie"),
        ([], [0, 0], 3, {}, "rows"),
        ([8, 0], [0, 2], 3, {"escape": True}, "escape"),
        ([3, 5], [0, 2], 3, {"first": np.array([1, 2])}, "first"),
        ([3.0, 5.0], [0, 2], 3, {}, "integers"),
    ],
)
def test_validation(freqs: list[int], offsets: list[int], bits: int, more: dict, says: str | None) -> None:
    if says is None:
        Tables(np.array(freqs), np.array(offsets), bits, **more)
        return
    with pytest.raises(BadInput, match=says):
        Tables(np.array(freqs), np.array(offsets), bits, **more)


def test_tables_are_immutable_and_own_their_arrays() -> None:
    freqs = np.array([3, 5], np.uint32)
    tables = Tables(freqs, np.array([0, 2], np.uint32), 3)
    freqs[0] = 7
    assert tables.freqs.tolist() == [3, 5]
    with pytest.raises(ValueError, match="read-only"):
        tables.freqs[0] = 1
    with pytest.raises(AttributeError):
        tables.freq_bits = 4  # type: ignore[misc]
    copy = pickle.loads(pickle.dumps(tables))
    assert copy.freqs.tolist() == [3, 5] and copy.freq_bits == 3


@given(st.lists(st.integers(0, 60), min_size=1, max_size=4), st.integers(2, 4))
def test_normalise_is_optimal(counts: list[int], bits: int) -> None:
    """Against every possible table."""
    total = 1 << bits
    if not any(counts):
        with pytest.raises(BadInput, match="zero"):
            normalise(counts, bits)
        return

    def cost(freqs: tuple[int, ...]) -> float:
        return -sum(c * math.log2(f / total) for c, f in zip(counts, freqs, strict=True) if c)

    def every(k: int, left: int) -> list[tuple[int, ...]]:
        if k == len(counts):
            return [()] if left == 0 else []
        choices = range(1, left + 1) if counts[k] else [0]
        return [(f, *rest) for f in choices if f <= left for rest in every(k + 1, left - f)]

    got = tuple(normalise(counts, bits).tolist())
    assert sum(got) == total
    assert all((f > 0) == (c > 0) for f, c in zip(got, counts, strict=True))
    assert cost(got) <= min(map(cost, every(0, total))) + 1e-9


def test_normalise_limits() -> None:
    assert normalise([0, 7, 0], 14).tolist() == [0, 1 << 14, 0]
    assert normalise([1 << 50, 1], 24).tolist() == [(1 << 24) - 1, 1]
    assert (normalise(np.ones(1 << 12, int), 12) == 1).all()
    with pytest.raises(BadInput, match="do not fit"):
        normalise(np.ones(9, int), 3)
    with pytest.raises(BadInput):
        normalise([-1, 2], 3)


def test_normalise_wide_range() -> None:
    rng = np.random.default_rng(0)
    counts = (2.0 ** rng.uniform(0, 40, 2000)).astype(np.int64)
    freqs = normalise(counts, 16).astype(np.int64)
    assert freqs.sum() == 1 << 16 and freqs.min() >= 1
    gain = counts * np.log2((freqs + 1) / freqs)
    loss = np.where(freqs > 1, counts * np.log2(freqs / np.maximum(freqs - 1, 1)), np.inf)
    assert gain.max() <= loss.min() * (1 + 1e-9)


def test_cost_bits() -> None:
    tables = Tables(np.array([4, 4, 2, 4, 1, 1]), np.array([0, 2, 6]), 3)
    assert cost_bits([0, 1, 0], tables) == 3
    assert cost_bits([0, 1, 3], tables, [1, 1, 1]) == 2 + 1 + 3
    assert cost_bits([2], tables) == math.inf
    escaped = one([4, 2, 2], 3, escape=True, first=np.array([-1]))
    assert cost_bits([-1, 0], escaped) == 3
    assert cost_bits([1], escaped) == 2 + 1
    assert cost_bits([3], escaped) == 2 + 5


frequency_lists = st.lists(st.integers(0, 1 << 20), min_size=1, max_size=300).filter(any)


@given(st.lists(frequency_lists, min_size=1, max_size=4), st.integers(10, 24), st.booleans(), st.integers(-1000, 1000))
def test_pack_round_trip(counts: list[list[int]], bits: int, escape: bool, first: int) -> None:
    if escape:
        counts = [[*c[:-1], 1] for c in counts]
    freqs = np.concatenate([normalise(c, bits) for c in counts])
    offsets = np.cumsum([0] + [len(c) for c in counts])
    tables = Tables(freqs, offsets, bits, escape, np.arange(len(counts)) * first)
    packed = tables.pack()
    again, end = Tables.unpack(b"xyz" + packed + b"rest", 3)
    assert end == 3 + len(packed)
    assert again.freq_bits == bits and again.escape == escape
    for name in ("freqs", "offsets", "first"):
        assert (getattr(again, name) == getattr(tables, name)).all()


def test_pack_is_small() -> None:
    rng = np.random.default_rng(1)
    flat = Tables.from_counts(np.bincount(rng.integers(0, 256, 1 << 16), minlength=256), 12)
    peaked = Tables.from_counts(np.bincount(rng.normal(128, 20, 1 << 16).astype(int), minlength=256), 12)
    assert len(flat.pack()) < 110
    assert len(peaked.pack()) < 100
    assert len(one([0] * 7 + [4096] + [0] * 248, 12).pack()) < 10


@examples(300)
@given(st.binary(max_size=60))
def test_unpack_survives_anything(data: bytes) -> None:
    try:
        Tables.unpack(data)
    except CorruptFile:
        return


@examples(300)
@given(st.integers(0, 10_000), st.integers(1, 255), st.integers(0, 10_000))
def test_unpack_survives_damage(place: int, change: int, cut: int) -> None:
    packed = bytearray(Tables.from_counts([5, 0, 0, 9, 200, 1, 1, 1, 3, 40] * 9, 14, escape=True, first=-7).pack())
    packed[place % len(packed)] ^= change
    for data in (bytes(packed), bytes(packed[: cut % len(packed)])):
        try:
            Tables.unpack(data)
        except LacodecError as error:
            assert isinstance(error, CorruptFile)


def test_look_ups_agree() -> None:
    tables = Tables(np.array([100, 0, 3900, 96, 4095, 1, 1, 4094, 1]), np.array([0, 4, 6, 9]), 12, False, np.array([-3, 7, 2]))
    assert tables.direct is not None and tables.split is not None
    for t in range(3):
        low, high = int(tables.offsets[t]), int(tables.offsets[t + 1])
        rows = np.repeat(np.arange(low, high), tables.freqs[low:high])
        entry = tables.direct[t << 12 : (t + 1) << 12].astype(np.int64)
        assert ((entry & 255) + tables.lowest == tables.values[rows]).all()
        assert ((entry >> 8 & 4095) == tables.freqs[rows]).all()
        assert (entry >> 20 == np.arange(4096) - tables.starts[rows]).all()
        code = tables.split.codes[t << 12 : (t + 1) << 12].astype(np.int64)
        assert (code + tables.lowest == tables.values[rows]).all()
        assert (tables.split.spans[t << tables.split.code_bits | code] == tables.small_spans[rows]).all()
        search = tables.search
        assert (search.rows[t * search.stride + (np.arange(4096) >> search.shift)] == rows).all()
    single = one([0, 4096], 12)
    assert single.direct is None and single.split is not None
    assert (single.split.spans[single.split.codes[:4096]] == 4096 << 16).all()


def test_look_ups_never_find_rows_without_slots() -> None:
    tables = Tables(np.array([0, 4096, 0, 4000, 0, 96, 0, 0, 0, 0, 4095, 1]), np.array([0, 3, 8, 12]), 12)
    rows, shift, stride = tables.search.rows, tables.search.shift, tables.search.stride
    marks = np.minimum(np.arange(stride) << shift, 4095)
    for t in range(3):
        low, high = int(tables.offsets[t]), int(tables.offsets[t + 1])
        assert (rows[t * stride : (t + 1) * stride] == np.repeat(np.arange(low, high), tables.freqs[low:high])[marks]).all()


@pytest.mark.parametrize("freqs", [[4096], [0, 4095, 0, 1, 0], [7] * 100 + [3396], [0, 0, 1, 4094, 0, 1]])
def test_the_quick_look_ups_of_one_table_are_those_of_any(freqs: list[int]) -> None:
    quick = Tables.of_one(np.array(freqs, np.uint32), 12)
    slow = Tables(np.array(freqs), np.array([0, len(freqs)]), 12)
    slow.__dict__["plain"] = False  # take the way of several tables
    assert quick.plain and quick.pack() == slow.pack()
    again, end = Tables.unpack(quick.pack())
    assert (again.freqs == quick.freqs).all() and end == len(quick.pack()) and again.plain
    for name in ("starts", "values", "spans", "small_spans", "reciprocals", "sizes", "origins"):
        assert (getattr(quick, name) == getattr(slow, name)).all(), name
    assert (quick.lowest, quick.highest, quick.marker) == (slow.lowest, slow.highest, slow.marker)
    assert (quick.search.rows == slow.search.rows).all() and quick.search[1:] == slow.search[1:]
    assert (quick.direct is None) == (slow.direct is None) == (max(freqs) > 4095)
    assert quick.direct is None or (quick.direct == slow.direct).all()
    assert (quick.split.codes[:4096] == slow.split.codes[:4096]).all() and (quick.split.spans == slow.split.spans).all()
