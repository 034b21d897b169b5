"""Payloads of codec `arrays`: their columns, and what forged ones come to."""

import random

import numpy as np
import pytest

from lacodec.codecs.arrays._elements import MAX_COLUMNS, Column, Element, column_view, element_of
from lacodec.codecs.arrays._payload import Encoding, decode_payload, encode_payload, most_memory
from lacodec.codecs.arrays._plan import JOINED, LARGEST, MAX_RUNS, Run, plans
from lacodec.codecs.arrays.others import decode_others, encode_others
from lacodec.codecs.embedded import embed, unembed
from lacodec.codecs.fields import Writer
from lacodec.codecs.session import DEFAULT
from lacodec.container import Header
from lacodec.errors import CorruptFile
from lacodec.io.source import BytesSource
from lacodec.media.arrays.value import ArrayEntry, Arrays

HEADER = Header("arrays", 0, {}, nested={"bytes": 1})


def of_bytes(data, size):
    return unembed("bytes", data, size, HEADER)


HOW = Encoding(1, DEFAULT, None, lambda data, effort: embed("bytes", data, effort=effort), of_bytes)


def kinds(dtype):
    return [(c.offset, c.kind + ">" * c.swapped, c.axes) for c in element_of(np.dtype(dtype)).columns]


def test_columns_of_types():
    assert kinds("?") == kinds("u1") == [(0, "u1", ())]
    assert kinds(">i4") == [(0, "i4>", ())]
    assert kinds("c8") == [(0, "f4", ()), (4, "f4", ())]
    assert kinds(">U3") == [(0, "u4>", ((3, 4),))] and kinds("S1") == [(0, "u1", ())]
    assert kinds(">M8[s]") == [(0, "i8>", ())]
    nested = np.dtype([("a", "i1"), ("b", "<f8", (2, 1, 3))], align=True)
    record = np.dtype([("x", "<u2"), ("y", nested, (4,)), ("none", "<f4", (0,)), ("text", "U0")])
    assert kinds(record) == [
        (0, "u2", ()),
        (2, "i1", ((4, 56),)),
        (3, "u1", ((4, 56), (7, 1))),
        (10, "f8", ((4, 56), (2, 24), (3, 8))),
    ]
    overlapping = np.dtype({"names": ["a", "b"], "formats": ["u4", "u2"], "offsets": [0, 2]})
    assert kinds(overlapping) == kinds("V4") == [(0, "u1", ((4, 1),))]
    many = np.dtype([(f"f{i}", "u1") for i in range(MAX_COLUMNS + 1)])
    assert kinds(many) == [(0, "u1", ((MAX_COLUMNS + 1, 1),))]
    deep = np.dtype("f4")
    for _ in range(9):
        deep = np.dtype([("a", deep, (2,))])
    assert kinds(deep) == [(0, "u1", ((2048, 1),))]


def test_every_byte_of_an_element_is_in_one_column():
    for dtype in (np.longdouble, np.clongdouble, "c16", np.dtype([("a", "i1"), ("b", "f8", (3,))], align=True)):
        element = element_of(np.dtype(dtype))
        element.check()
        data = np.zeros(5 * element.size, np.uint8)
        for column in element.columns:
            view = column_view(data, 0, (5,), element.size, column)
            view[...] += np.frombuffer(b"\1" * column.width, view.dtype)[0]
        assert (data == 1).all()


def arrays(*entries, end=0):
    found, at = [], 0
    for number, (gap, descr, shape, item, order) in enumerate(entries):
        size = int(np.prod(shape)) * item
        found.append(ArrayEntry(str(number), descr, shape, at + gap, size, order))
        at += gap + size
    source = BytesSource(b"")
    source.size = at + end
    return Arrays(source, "npz", tuple(found))


@pytest.mark.parametrize("rows", [None, 1, 1000])
def test_plans_cover_files_in_blocks_of_rows(rows):
    chunk = 1 << 20
    value = arrays(
        (128, "'<f8'", (1000, 100), 8, "C"),
        (300, "'<f8'", (100_000, 100), 8, "C"),
        (9, "'<i4'", (3, 5000, 100), 4, "F"),
        (7 << 20, "'<i4'", (), 4, "C"),
        (0, "'<i4'", (2, 3, 300_000, 3), 4, "C"),
        (50, "'|S9000000'", (3,), 9_000_000, "C"),
        (0, "'|u1'", (70 << 20,), 1, "C"),
        end=5000,
    )
    found, at = list(plans(value, chunk, rows)), 0
    for plan in found:
        assert plan.start == at and 0 < plan.size <= (chunk if rows is None else LARGEST) + JOINED
        at += plan.size
        for run in plan.runs:
            assert run.entry is None or run.size % int(np.prod(run.shape)) == 0
    assert at == value.source.size
    blocks = [run for plan in found for run in plan.runs if run.entry is value.entries[1]]
    assert {run.shape[1:] for run in blocks} == {(100,)} and sum(run.shape[0] for run in blocks) == 100_000
    assert blocks[0].shape[0] == {None: chunk // 800, 1: 6, 1000: 1000}[rows]
    turned = [run.shape for plan in found for run in plan.runs if run.entry is value.entries[2]]
    assert {shape[1:] for shape in turned} == {(5000, 3)}
    if rows is None:
        wide = [run.shape for plan in found for run in plan.runs if run.entry is value.entries[4]]
        assert {shape[1:] for shape in wide} == {(3,)} and sum(shape[0] for shape in wide) == 6 * 300_000


def test_plans_of_many_and_of_nothing():
    many = arrays(*[(64, "'|u1'", (70,), 1, "C")] * (MAX_RUNS + 5))
    assert max(len(plan.runs) for plan in plans(many, 4 << 20)) <= MAX_RUNS
    assert [plan.size for plan in plans(arrays(), 1 << 20)] == [0]


@pytest.mark.parametrize("data", [b"x", b"\x93NUMPY" + b" " * 58, bytes(70_000), random.Random(1).randbytes(90_000)], ids=len)
def test_bytes_between_arrays(data):
    coded = encode_others(data, 5, HOW.embed)
    assert decode_others(coded, len(data), of_bytes) == data and len(coded) < len(data) + 20
    for wrong in (coded[:-1], coded + b"x", b"\7" + coded[1:], b""):
        with pytest.raises(CorruptFile):
            decode_others(wrong, len(data), of_bytes)
    with pytest.raises(CorruptFile):
        decode_others(coded, len(data) - 1, of_bytes)


def payload(*runs, others=0, rest=b"", count=None):
    out = Writer()
    out.numbers([others, len(runs) if count is None else count])
    for gap, element, shape in runs:
        out.number(gap)
        out.numbers([element.size, len(element.columns)])
        for column in element.columns:
            out.number(column.offset)
            out.write(bytes([["u1", "u2", "u4", "u8", "i1"].index(column.kind)]))
            out.number(len(column.axes))
            for axis in column.axes:
                out.numbers(list(axis))
        out.numbers([len(shape), *shape])
    return out.data + rest


ONE = Element(2, (Column(0, "u2"),))
CONSTANT = b"\3\1ab"


def test_the_smallest_payload():
    assert bytes(decode_payload(payload((0, ONE, (3,)), rest=CONSTANT), 6, of_bytes)) == b"ababab"


FORGED = {
    "nothing": b"",
    "too many arrays": payload(count=MAX_RUNS + 1),
    "arrays that are not there": payload(count=3),
    "another size": payload((0, ONE, (4,)), rest=CONSTANT),
    "a gap without bytes": payload((1, ONE, (3,)), rest=CONSTANT),
    "bytes that do not come": payload((0, ONE, (2,)), others=2, rest=CONSTANT),
    "huge": payload((0, ONE, (1 << 40,)), rest=CONSTANT),
    "huge by many": payload((0, ONE, (6,) * 8), rest=CONSTANT),
    "no elements": payload((0, ONE, (0,)), (0, ONE, (3,)), rest=CONSTANT),
    "no dimensions": payload((0, ONE, ()), rest=CONSTANT),
    "nine dimensions": payload((0, ONE, (3, *[1] * 8)), rest=CONSTANT),
    "column outside": payload((0, Element(2, (Column(1, "u2"),)), (3,)), rest=CONSTANT),
    "axis outside": payload((0, Element(2, (Column(0, "u1", False, ((2, 2),)),)), (3,)), rest=b"\2\1a"),
    "axis of nothing": payload((0, Element(2, (Column(0, "u1", False, ((0, 2),)),)), (3,)), rest=b"\2\1a"),
    "numbers at one place": payload((0, Element(2, (Column(0, "u1", False, ((2, 0), (9, 0))),)), (3,)), rest=b"\2\1a"),
    "columns that leave a gap": payload((0, Element(2, (Column(0, "u1"),)), (3,)), rest=b"\2\1a"),
    "element before the first": b"\0\1\0\0\1\3" + CONSTANT,
    "unknown type": payload((0, ONE, (3,)), rest=CONSTANT).replace(b"\2\1\0\1", b"\2\1\0\x0b"),
    "column cut off": payload((0, ONE, (3,)), rest=b"\3\1a"),
    "column of another form": payload((0, ONE, (3,)), rest=b"\1\x77"),
    "something after it": payload((0, ONE, (3,)), rest=CONSTANT + b"x"),
}


@pytest.mark.parametrize("case", FORGED)
def test_forged_payloads(case):
    with pytest.raises(CorruptFile):
        decode_payload(FORGED[case], 6, of_bytes)
    assert most_memory(FORGED[case], 6) < 1 << 30


def test_elements_are_described_once():
    data = bytes(range(256))
    entry = ArrayEntry("a", "[('a', '<u2'), ('b', '|S6')]", (10,), 0, 80)
    runs = (Run(16), Run(80, entry, (10,)), Run(80, entry, (2, 5)), Run(80, entry, (10,)))
    coded, restored = encode_payload(memoryview(data), runs, HOW)
    assert restored.tobytes() == data and bytes(decode_payload(coded, 256, of_bytes)) == data and len(coded) < 320
