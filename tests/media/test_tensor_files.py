"""Files of tensors: what is found in them, and what forged ones come to."""

import io
import json
import pickle
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import lacodec
from lacodec import api
from lacodec.codecs.registry import HEAD_SIZE
from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.source import BytesSource, Source
from lacodec.io.streams import IteratorSource
from lacodec.media.arrays.value import ONLY
from lacodec.media.tensors import _pickle, safetensors
from lacodec.media.tensors.files import TENSORS
from lacodec.media.tensors.value import DTYPES, TensorEntry, Tensors, as_array, numpy_dtype
from tests.strength import examples

DTYPE = st.sampled_from(["u1", "<u2", "<u4", "<u8", "i1", "<i2", "<i4", "<i8", "<f2", "<f4", "<f8", "?", "<c8", "<c16"])
ARRAYS = DTYPE.flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0, max_dims=4, max_side=5)))


def parse(data: bytes) -> Tensors:
    return TENSORS.from_source(BytesSource(data))


def file_of(value: Tensors) -> bytes:
    return b"".join(TENSORS.to_blocks(value))


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def raw_safetensors(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def tensor(dtype: object, shape: object, start: object, stop: object) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, stop]}


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), ARRAYS, max_size=5))
def test_a_dict_of_arrays_is_a_file_that_gives_them_back(arrays: dict[str, np.ndarray]) -> None:
    made = TENSORS.from_object(arrays)
    found = parse(file_of(made))
    assert found.entries == made.entries and found.format == "safetensors"
    assert {entry.name for entry in found.entries} == set(arrays)
    assert all(same(array, arrays[name]) for name, array in TENSORS.to_object(found).items())


def test_arrays_that_are_not_contiguous_or_not_little_endian() -> None:
    arrays = {"t": np.arange(12.0).reshape(3, 4).T, "s": np.arange(10)[::3], "b": np.arange(5, dtype=">i4"), "0": np.float32(2.5)}
    found = TENSORS.to_object(parse(file_of(TENSORS.from_object(arrays))))
    assert all(np.array_equal(found[name], arrays[name]) and found[name].shape == np.shape(arrays[name]) for name in arrays)


def test_reads_of_a_virtual_file_agree_with_its_bytes() -> None:
    value = TENSORS.from_object({str(i): np.arange(i, dtype=np.int16) for i in range(30)})
    whole = file_of(value)
    rng = np.random.default_rng(1)
    for start, size in rng.integers(0, len(whole) + 10, (200, 2)):
        assert value.source.read(int(start), int(size)) == whole[start : start + size]


def test_the_same_bytes_as_the_library_of_the_format_writes() -> None:
    library = pytest.importorskip("safetensors.numpy")
    arrays = {
        f"{name}{i}": np.arange(6).astype(name).reshape(shape)
        for name in ("f8", "f4", "f2", "i8", "u8", "i4", "u4", "i2", "u2", "i1", "u1", "?")
        for i, shape in enumerate([(6,), (2, 3), (1, 6, 1)])
    }
    assert file_of(TENSORS.from_object(arrays)) == library.save(arrays)
    assert file_of(safetensors.virtual(arrays, {"format": "np"})) == library.save(arrays, {"format": "np"})


def test_bits_of_types_that_numpy_does_not_have() -> None:
    data = raw_safetensors(
        {"a": tensor("BF16", [2], 0, 4), "b": tensor("F8_E4M3", [3], 4, 7), "c": tensor("F4", [2, 2], 7, 9)}, b"123456789"
    )
    found = TENSORS.to_object(parse(data))
    assert same(found["a"], np.frombuffer(b"1234", "<u2"))
    assert same(found["b"], np.frombuffer(b"567", "u1"))
    assert same(found["c"], np.frombuffer(b"89", "u1"))


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type_has_a_numpy_type_as_wide(dtype: str) -> None:
    if DTYPES[dtype] >= 8:
        assert np.dtype(numpy_dtype(dtype)).itemsize * 8 == DTYPES[dtype]


FORGED = {
    "cut header": (raw_safetensors({"a": tensor("U8", [4], 0, 4)})[:-9], "cut off"),
    "header of 2^40 bytes": (struct.pack("<Q", 1 << 40) + b"{}", "no tensors in a supported format"),
    "header of 120 MB": (struct.pack("<Q", 120_000_000) + b"{}" + bytes(300), "allows 100000000"),
    "data cut off": (raw_safetensors({"a": tensor("U8", [4], 0, 4)}, b"123"), "cut off"),
    "more data": (raw_safetensors({"a": tensor("U8", [4], 0, 4)}, b"12345"), "belong to no tensor"),
    "hole": (raw_safetensors({"a": tensor("U8", [1], 0, 1), "b": tensor("U8", [1], 2, 3)}, b"123"), "belong to no tensor.*'b'"),
    "overlap": (
        raw_safetensors({"a": tensor("U8", [2], 0, 2), "b": tensor("U8", [2], 1, 3)}, b"123"),
        "'b' at offset .* overlaps",
    ),
    "same place": (raw_safetensors({"a": tensor("U8", [2], 0, 2), "b": tensor("U8", [2], 0, 2)}, b"12"), "overlaps"),
    "outside": (raw_safetensors({"a": tensor("U8", [9], 0, 9)}, b"123"), "should end at offset"),
    "far outside": (raw_safetensors({"a": tensor("U8", [1 << 55], 0, 1 << 55)}, b"123"), "should end at offset"),
    "negative": (raw_safetensors({"a": tensor("U8", [1], -1, 0)}, b"1"), "impossible"),
    "backwards": (raw_safetensors({"a": tensor("U8", [1], 1, 0)}, b"1"), "impossible"),
    "negative shape": (raw_safetensors({"a": tensor("U8", [-1, -4], 0, 4)}, b"1234"), "invalid shape"),
    "shape of floats": (raw_safetensors({"a": tensor("U8", [4.0], 0, 4)}, b"1234"), "invalid shape"),
    "shape of bools": (raw_safetensors({"a": tensor("U8", [True], 0, 1)}, b"1"), "invalid shape"),
    "shape too large": (raw_safetensors({"a": tensor("U8", [1 << 62, 1 << 62], 0, 4)}, b"1234"), "invalid shape"),
    "no elements": (raw_safetensors({"a": tensor("U8", [0, 1 << 62, 1 << 62], 0, 0)}), "invalid shape"),
    "a thousand dimensions": (raw_safetensors({"a": tensor("U8", [1] * 1000, 0, 1)}, b"1"), "1000 dimensions"),
    "10^6 dimensions": (raw_safetensors({"a": tensor("U8", [1] * 1_000_000, 0, 1)}, b"1"), "1000000 dimensions"),
    "wrong size": (raw_safetensors({"a": tensor("F32", [2], 0, 4)}, b"1234"), "needs 8 bytes"),
    "unknown type": (raw_safetensors({"a": tensor("F3", [2], 0, 2)}, b"12"), "unknown type 'F3'"),
    "type is a number": (raw_safetensors({"a": tensor(3, [2], 0, 2)}, b"12"), "must be a string"),
    "offsets of text": (raw_safetensors({"a": tensor("U8", [2], "0", "2")}, b"12"), "two whole numbers"),
    "missing key": (raw_safetensors({"a": {"dtype": "U8", "shape": [0]}}), "must have dtype"),
    "no object": (raw_safetensors({"a": [1, 2]}), "must have dtype"),
    "duplicate name": (raw_safetensors(b'{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{}}'), "duplicate name 'a'"),
    "duplicate key": (raw_safetensors(b'{"a":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}}'), "duplicate name"),
    "metadata": (raw_safetensors({"__metadata__": {"a": 1}}), "strings to strings"),
    "no JSON": (raw_safetensors(b"{" + bytes(100)), "not valid JSON"),
    "constant": (raw_safetensors(b'{"a":NaN}'), "not valid JSON"),
    "huge number": (raw_safetensors(b'{"a":' + b"9" * 10_000 + b"}"), "not valid JSON"),
    "no UTF-8": (raw_safetensors(b'{"\xff":{}}'), "not valid JSON"),
    "half a surrogate": (raw_safetensors(b'{"\\ud800":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'), "not valid Unicode"),
    "nested": (raw_safetensors(b'{"a":' + b"[" * 500_000 + b"]" * 500_000 + b"}"), "not valid JSON"),
    "many values": (raw_safetensors(b'{"a":[' + b"[]," * 5_000_000 + b"[]]}"), "values"),
}


@pytest.mark.parametrize("case", FORGED)
def test_forged_safetensors(case: str) -> None:
    data, message = FORGED[case]
    with pytest.raises(UnsupportedFile, match=message):
        parse(data)


def test_strange_but_sound_safetensors() -> None:
    empty = parse(raw_safetensors(b"{}  "))
    assert empty.entries == ()
    found = parse(
        raw_safetensors(
            {"": tensor("U8", [0, 5], 1, 1), "x": tensor("F64", [], 1, 9), "0": tensor("BOOL", [1], 0, 1)}, b"123456789"
        )
    )
    assert [(entry.name, entry.shape, entry.size) for entry in found.entries] == [("0", (1,), 1), ("", (0, 5), 0), ("x", (), 8)]
    more = parse(raw_safetensors({"a": {**tensor("U8", [1], 0, 1), "note": ["the library skips this"]}}, b"1"))
    assert [(entry.name, entry.size) for entry in more.entries] == [("a", 1)]


@given(ARRAYS, st.booleans())
def test_npy(array: np.ndarray, fortran: bool) -> None:
    file = io.BytesIO()
    array = np.asfortranarray(array) if fortran and array.ndim else array
    np.save(file, array)
    found = parse(file.getvalue())
    (entry,) = found.entries
    assert entry.name == ONLY and entry.shape == array.shape and entry.stop == len(file.getvalue())
    assert same(TENSORS.to_object(found), array)
    stored = found.source.read(entry.offset, entry.size)
    assert np.array_equal(as_array(entry.dtype, entry.shape, stored, entry.order), array, equal_nan=array.dtype.kind in "fc")
    assert same(TENSORS.to_object(parse(file_of(TENSORS.from_object(array)))), array)


OTHER_TYPES = [">f4", "<U3", "S5", [("a", "<i4"), ("b", ">u2", 3)], "<M8[s]", "m8[ns]", "<f8,<i2", ">c16", np.longdouble]


@pytest.mark.parametrize("dtype", OTHER_TYPES, ids=str)
def test_npy_of_other_types_is_bytes_that_come_back_as_what_they_are(dtype: object) -> None:
    array = np.frombuffer(
        np.random.default_rng(1).integers(0, 100, 32 * 60, np.uint8).tobytes()[: np.dtype(dtype).itemsize * 60], dtype
    )
    array = array.reshape(5, 12) if np.dtype(dtype).kind != "U" else np.array([["a", "bc", "def"]] * 20)
    for order in "C", "F":
        file = io.BytesIO()
        np.save(file, np.asarray(array, order=order))
        found = parse(file.getvalue())
        assert [(entry.dtype, entry.shape) for entry in found.entries] == [("U8", (array.nbytes,))]
        assert same(TENSORS.to_object(found), array)
        encoded = lacodec.encode(file.getvalue(), "weights")
        assert same(lacodec.decode(encoded), array)
        with lacodec.open(encoded) as opened:
            if order == "C":
                assert same(opened["array"], array) and opened.shape == array.shape and opened.dtype == array.dtype
            else:
                with pytest.raises(BadInput, match="no tensor 'array'"):
                    opened["array"]
        assert b"".join(TENSORS.to_blocks(found)) == file.getvalue()


def test_npy_of_objects_is_never_unpickled() -> None:
    file = io.BytesIO()
    np.save(file, np.array([_Bomb()], object), allow_pickle=True)
    found = parse(file.getvalue())
    assert found.entries == ()
    with pytest.raises(UnsupportedFile, match="pickle"):
        TENSORS.to_object(found)


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (10**9,)}",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000, 1000000000, 1000000000)}",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
        b"{'descr': '<f4', 'fortran_order': 1, 'shape': (1,)}",
        b"{'descr': '<f4', 'fortran_order': False}",
        b"{'descr': 'V99999999999', 'fortran_order': False, 'shape': (1,)}",
        b"{'descr': [('a', [('b', '?')])], 'fortran_order': False, 'shape': (9,)}",
        b"__import__('os').system('true')",
        b"(" * 30000,
        b"[" * 90 + b"]" * 90,
        b"-" * 60000 + b"1",
        b"\xff\xfe",
        b"",
    ],
)
def test_forged_npy(header: bytes) -> None:
    with pytest.raises(UnsupportedFile):
        parse(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(4))


def npz(compressed: bool = False, **arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(file, **arrays)
    return file.getvalue()


def test_npz() -> None:
    arrays = {
        "a": np.arange(4.0),
        "layer/b": np.ones((2, 3), np.float16),
        "c": np.asfortranarray(np.eye(3)),
        "d": np.zeros(2, ">i4"),
    }
    found = parse(npz(**arrays))
    assert [(e.name, e.dtype, e.order) for e in found.entries] == [
        ("a", "F64", "C"),
        ("layer/b", "F16", "C"),
        ("c", "F64", "F"),
        ("d", "U8", "C"),
    ]
    with lacodec.open(lacodec.encode(npz(**arrays), "weights")) as opened:
        assert all(same(opened[name], arrays[name]) for name in arrays)
    assert all(same(array, arrays[name]) for name, array in TENSORS.to_object(found).items())


def test_npz_with_compressed_members() -> None:
    with pytest.raises(UnsupportedFile, match="no arrays that are stored"):
        parse(npz(compressed=True, a=np.arange(4)))
    file = io.BytesIO(npz(a=np.arange(4)))
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        member = io.BytesIO()
        np.save(member, np.zeros(1000))
        archive.writestr("z.npy", member.getvalue())
        archive.writestr("notes.txt", "text", zipfile.ZIP_STORED)
        archive.writestr("broken.npy", "text", zipfile.ZIP_STORED)
    found = parse(file.getvalue())
    assert [entry.name for entry in found.entries] == ["a"]
    with pytest.raises(UnsupportedFile, match="'z' is compressed"):
        TENSORS.to_object(found)


def test_zip_files_with_damaged_directories() -> None:
    data = npz(a=np.arange(40), b=np.arange(3))
    end = data.rindex(b"PK\x05\x06")
    directory = data.index(b"PK\x01\x02")
    for at, value in (
        (end, b"XX"),
        (end + 12, b"\xff\xff\xff\x7f"),
        (directory, b"XX"),
        (directory + 42, b"\x05"),
        (directory + 20, b"\xff\xff\xff"),
    ):
        with pytest.raises(UnsupportedFile):
            parse(data[:at] + value + data[at + len(value) :])


def test_zip_members_that_overlap_or_have_one_name_are_refused() -> None:
    data = npz(a=np.arange(40), b=np.arange(40))
    end = data.rindex(b"PK\x05\x06")
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1)
    forged = data[: second + 42] + bytes(4) + data[second + 46 : end] + data[end:]  # both entries now point to the first member
    with pytest.raises(UnsupportedFile, match=r"'b\.npy' overlaps another member"):
        parse(forged)
    with pytest.raises(UnsupportedFile, match=r"'b\.npy' is a duplicate"):
        parse(data.replace(b"a.npy", b"b.npy"))
    file = io.BytesIO(checkpoint(state_dict(w=rebuilt("FloatStorage", "0", 6, 0, (6,), (1,))), {"0": bytes(24)}))
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("archive/data.pkl", b"\x80\x02N.")
    with pytest.raises(UnsupportedFile, match=r"'archive/data\.pkl' is a duplicate"):
        parse(file.getvalue())


def gguf(
    infos: list[tuple[str, tuple[int, ...], int, int]], data: bytes, pairs: bytes = b"", count: int = 0, version: int = 3
) -> bytes:
    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value.encode())) + value.encode()

    head = b"GGUF" + struct.pack("<IQQ", version, len(infos), count) + pairs
    for name, shape, kind, offset in infos:
        head += (
            text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape) + struct.pack("<IQ", kind, offset)
        )
    return head + bytes(-len(head) % 32) + data


GGUF_PAIRS = (
    struct.pack("<Q", 4) + b"name" + struct.pack("<IQ", 8, 3) + b"abc"
    + struct.pack("<Q", 6) + b"tokens" + struct.pack("<IIQ", 9, 8, 2) + struct.pack("<Q", 1) + b"x" + struct.pack("<Q", 0)
    + struct.pack("<Q", 6) + b"scores" + struct.pack("<IIQ", 9, 6, 2) + bytes(8)
    + struct.pack("<Q", 1) + b"n" + struct.pack("<IQ", 10, 7)
)  # fmt: skip


def test_gguf() -> None:
    data = gguf([("f", (3, 2), 0, 0), ("q", (64,), 8, 32), ("b", (4,), 30, 128), ("?", (4,), 99, 0)], bytes(136), GGUF_PAIRS, 4)
    found = parse(data)
    begin = len(data) - 136
    assert found.entries == (
        TensorEntry("f", "F32", (2, 3), begin, 24),
        TensorEntry("q", "U8", (2, 34), begin + 32, 68),
        TensorEntry("b", "BF16", (4,), begin + 128, 8),
    )
    with pytest.raises(UnsupportedFile, match=r"the tensor '\?' is of GGUF type 99"):
        TENSORS.to_object(found)


@pytest.mark.parametrize(
    "data",
    [
        gguf([], b"", version=1),
        gguf([("f", (3,), 0, 0)], b"")[:40],
        gguf([("f", (1 << 40,), 0, 0)], bytes(100)),
        gguf([("f", (1 << 63, 1 << 63), 0, 0)], bytes(100)),
        gguf([("f", (4,), 0, 1 << 63)], bytes(100)),
        gguf([("f", (4,), 0, 0), ("g", (4,), 0, 8)], bytes(100)),
        gguf([("f", (4,), 0, 0), ("f", (4,), 0, 16)], bytes(100)),
        gguf([("f", (33,), 8, 0)], bytes(100)),
        gguf([("f", (1,) * 9, 0, 0)], bytes(100)),
        b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 0) + bytes(300),
        b"GGUF" + struct.pack("<IQQ", 3, 0, 1 << 60) + bytes(300),
        gguf([], b"", struct.pack("<Q", 1) + b"a" + struct.pack("<IIQ", 9, 8, 1 << 60) + bytes(300), 1),
        gguf([], b"", struct.pack("<Q", 1) + b"a" + struct.pack("<IIQ", 9, 0, 1 << 60) + bytes(300), 1),
        gguf([], b"", struct.pack("<Q", 1) + b"a" + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 20 + bytes(300), 1),
        gguf([], b"", struct.pack("<Q", 17) + b"general.alignment" + struct.pack("<II", 4, 0), 1),
        gguf([], b"", struct.pack("<Q", 17) + b"general.alignment" + struct.pack("<II", 4, 24), 1),
    ],
)  # fmt: skip
def test_forged_gguf(data: bytes) -> None:
    with pytest.raises(UnsupportedFile):
        parse(data)


class _Bomb:
    exploded = False

    def __reduce__(self) -> tuple[object, ...]:
        return _explode, ()


def _explode() -> None:
    _Bomb.exploded = True


def storage(kind: str, key: str, count: int) -> bytes:
    """The instructions for a storage: a persistent id."""
    return (
        b"(X\x07\0\0\0storagectorch\n"
        + kind.encode()
        + b"\n"
        + pickle.dumps(key, 2)[2:-1]
        + b"X\x03\0\0\0cpuJ"
        + struct.pack("<i", count)
        + b"tQ"
    )


def rebuilt(kind: str, key: str, count: int, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> bytes:
    """The instructions for a tensor."""
    rest = b"".join(pickle.dumps(value, 2)[2:-1] for value in (offset, shape, strides))
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage(kind, key, count) + rest + b"\x89ccollections\nOrderedDict\n)RtR"


def checkpoint(instructions: bytes, storages: dict[str, bytes], order: bytes = b"little") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02" + instructions + b".")
        archive.writestr("archive/byteorder", order)
        for key, data in storages.items():
            archive.writestr(f"archive/data/{key}", data)
    return file.getvalue()


def state_dict(**items: bytes) -> bytes:
    return b"ccollections\nOrderedDict\n)R(" + b"".join(pickle.dumps(name, 2)[2:-1] + item for name, item in items.items()) + b"u"


def test_a_checkpoint_is_read_without_torch() -> None:
    data = np.arange(6, dtype=np.float32).tobytes()
    view = {shape: rebuilt("FloatStorage", "0", 6, 0, *shape) for shape in (((2, 3), (3, 1)), ((3, 2), (1, 3)))}
    plain, turned = view.values()
    halves = {name: rebuilt("HalfStorage", "1", 6, 2 * i, (2,), (1,)) for i, name in enumerate("abc")}
    gaps = rebuilt("FloatStorage", "2", 6, 0, (3,), (2,))
    found = parse(
        checkpoint(state_dict(w=plain, tied=plain, t=turned, **halves, gaps=gaps), {"0": data, "1": bytes(12), "2": data})
    )
    facts = [(e.name, e.dtype, e.shape, e.order) for e in found.entries]
    assert facts[0] == ("w", "F32", (2, 3), "C")
    assert facts[1:] == [*((name, "F16", (2,), "C") for name in "abc"), ("storage.2", "F32", (6,), "C")]
    only = parse(checkpoint(state_dict(t=turned), {"0": data}))
    assert np.array_equal(TENSORS.to_object(only)["t"], np.arange(6, dtype=np.float32).reshape(2, 3).T)


def test_checkpoints_that_lie() -> None:
    outside = rebuilt("FloatStorage", "0", 6, 4, (100,), (1,))
    found = parse(checkpoint(state_dict(w=outside), {"0": bytes(24)}))
    assert [(entry.name, entry.size) for entry in found.entries] == [("storage.0", 24)]
    with pytest.raises(UnsupportedFile, match="big-endian"):
        parse(checkpoint(state_dict(w=outside), {"0": bytes(24)}, b"big"))
    for instructions in (
        state_dict(),
        state_dict(w=rebuilt("OddStorage", "0", 6, 0, (6,), (1,))),
        b"N",
        b"(",
        b"\x81",
        b"\xff",
        b"h\x07",
        b"",
    ):
        with pytest.raises(UnsupportedFile):
            parse(checkpoint(instructions, {"0": bytes(24)}))


PICKLE_BOMBS = {
    "call": pickle.dumps({"a": _Bomb()}, 2)[2:-1],
    "call of today": pickle.dumps({"a": _Bomb()}, 4)[2:-1],
    "system": b"cos\nsystem\n(X\x0a\0\0\0touch /tmp\x85R",
    "nested tuples": b")" + b"\x85" * 500_000,
    "nested dicts": b"}" * 300_000 + b"".join([b"X\x01\0\0\0a"]) + b"NN",
    "chain of dicts": b"}" + b"q\0X\x09\0\0\0aaaaaaaaa}" + b"sX\x09\0\0\0aaaaaaaaah\0s" * 50_000,
    "laughs": b"(lq\0"
    + b"".join(b"(" + b"h" + bytes([i]) + (b"h" + bytes([i])) * 9 + b"tq" + bytes([i + 1]) for i in range(100)),
    "laughs as a name": b"(lq\0"
    + b"".join(b"(" + (b"h" + bytes([i])) * 10 + b"tq" + bytes([i + 1]) for i in range(100))
    + b"h\x64\x93",
    "long names": b"}X"
    + struct.pack("<I", 4000)
    + b"n" * 4000
    + b"]("
    + rebuilt("FloatStorage", "0", 6, 0, (9,), (1,))
    + b"q\1"
    + b"h\1" * 200_000
    + b"es",
    "long text": b"X\xff\xff\xff\x7fabc",
    "longer bytes": b"\x8e" + struct.pack("<Q", 1 << 62),
    "number": b"L" + b"9" * 100_000 + b"L\n",
    "instructions": b"N0" * (_pickle.MAX_OPERATIONS // 2),
    "unhashable key": b"}(lNs",
    "marks": b"(" * 1_000_000,
    "list in itself": b"]q\0h\0a",
    "dict in itself": b"}q\0X\x01\0\0\0ah\0s",
}


@pytest.mark.parametrize("case", PICKLE_BOMBS)
def test_pickle_bombs(case: str) -> None:
    with pytest.raises(UnsupportedFile):
        parse(checkpoint(PICKLE_BOMBS[case], {"0": bytes(24)}))
    assert not _Bomb.exploded


def legacy(value: bytes, keys: list[str], data: bytes, system: dict[str, object] | None = None) -> bytes:
    start = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2)
    system = {"protocol_version": 1001, "little_endian": True} if system is None else system
    return start + pickle.dumps(system, 2) + b"\x80\x02" + value + b"." + pickle.dumps(keys, 2) + data


def test_the_older_form_of_checkpoints() -> None:
    value = state_dict(a=rebuilt("FloatStorage", "7", 2, 0, (2,), (1,)), b=rebuilt("LongStorage", "8", 1, 0, (1, 1), (1, 1)))
    data = struct.pack("<Qq", 1, 5) + struct.pack("<Qff", 2, 1.5, 2.5)
    found = parse(legacy(value, ["8", "7"], data))
    assert [(entry.name, entry.dtype) for entry in found.entries] == [("b", "I64"), ("a", "F32")]
    assert found.entries[-1].stop == found.source.size
    assert TENSORS.to_object(found)["a"].tolist() == [1.5, 2.5]
    for forged in (
        legacy(value, ["8", "7"], data[:-1]),
        legacy(value, ["8", "7"], b"\1" + data),
        legacy(value, ["8", "8"], data),
        legacy(value, ["8", "9"], data),
        legacy(value, [["8"]], data),  # type: ignore[list-item]
        legacy(value, ["8", "7"], data, {"little_endian": False}),
        legacy(value, ["8", "7"], data)[:150],
    ):
        with pytest.raises(UnsupportedFile):
            parse(forged)


@pytest.mark.parametrize("name", ["models/resnet-cifar10/resnet20-12fca82f.th", "models/resnet-cifar10/resnet56-4bfd9763.th"])
def test_published_checkpoints(name: str, data_dir: Path) -> None:
    data = (data_dir / name).read_bytes()
    found = parse(data)
    assert {entry.dtype for entry in found.entries} == {"F32"}
    assert sum(entry.size for entry in found.entries) > 0.98 * len(data)
    weights = TENSORS.to_object(found)["state_dict.module.conv1.weight"]
    assert weights.shape == (16, 3, 3, 3) and 0.01 < float(np.abs(weights).mean()) < 1


def samples() -> dict[str, bytes]:
    arrays = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.arange(9, dtype=np.int64)}
    npy = io.BytesIO()
    np.save(npy, arrays["a"])
    value = state_dict(a=rebuilt("FloatStorage", "7", 2, 0, (2,), (1,)), b=rebuilt("LongStorage", "8", 1, 0, (1, 1), (1, 1)))
    return {
        "safetensors": file_of(TENSORS.from_object(arrays)),
        "npy": npy.getvalue(),
        "npz": npz(**arrays),
        "gguf": gguf([("f", (3, 2), 0, 0), ("q", (64,), 8, 32)], bytes(100), GGUF_PAIRS, 4),
        "torch": checkpoint(value, {"7": bytes(8), "8": bytes(8)}),
        "legacy": legacy(value, ["8", "7"], struct.pack("<Qq", 1, 5) + struct.pack("<Qff", 2, 1.5, 2.5)),
    }


SAMPLES = samples()


@pytest.mark.parametrize("kind", SAMPLES)
def test_kinds_are_recognised_and_survive(kind: str) -> None:
    data = SAMPLES[kind]
    assert TENSORS.sniff(data[:HEAD_SIZE])
    found = parse(data)
    assert found.entries and file_of(found) == data
    piped = TENSORS.from_source(IteratorSource(iter([data[:7], data[7:]])))
    assert piped.entries == found.entries and file_of(piped) == data


@pytest.mark.parametrize("kind", SAMPLES)
@examples(400)
@given(changes=st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), max_size=4), cut=st.integers(0, 1 << 17))
def test_damaged_files_are_read_or_refused(kind: str, changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(SAMPLES[kind])
    for at, value in changes:
        data[at % len(data)] = value
    damaged = bytes(data[:cut])
    try:
        found = parse(damaged)
        TENSORS.to_object(found)
    except UnsupportedFile:
        return
    assert file_of(found) == damaged
    assert all(entry.stop <= len(damaged) for entry in found.entries)


def test_what_is_no_tensor() -> None:
    with pytest.raises(BadInput, match="no tensors"):
        TENSORS.from_object(3)
    with pytest.raises(BadInput, match="is a list"):
        TENSORS.from_object({"a": [1, 2]})
    with pytest.raises(BadInput, match="cannot be stored"):
        TENSORS.from_object({"a": np.zeros(2, np.longdouble)})
    with pytest.raises(BadInput, match="MaskedArray"):
        TENSORS.from_object({"a": np.ma.masked_array([1, 2], [0, 1])})
    with pytest.raises(BadInput, match="MaskedArray"):
        safetensors.virtual({"a": np.ma.masked_array([1, 2], [0, 1])})
    for objects in (np.array([{}, "text"], object), {"a": np.array([None])}, np.zeros(2, [("a", "O")])):
        with pytest.raises(BadInput, match="Python objects"):
            lacodec.encode(objects)
    with pytest.raises(BadInput, match="a string"):
        TENSORS.from_object({1: np.zeros(2)})
    with pytest.raises(BadInput, match="rename"):
        TENSORS.from_object({"__metadata__": np.zeros(2)})
    with pytest.raises(UnsupportedFile, match="no tensors in a supported format"):
        parse(b"text")


class _Counting(Source):
    """Zeros behind a head, without end in sight; notes the largest read."""

    def __init__(self, head: bytes, size: int) -> None:
        self.head, self.size, self.name, self.largest = head, size, "<counting>", 0

    def read(self, offset: int, n: int) -> bytes:
        n = max(0, min(n, self.size - offset))
        self.largest = max(self.largest, n)
        part = self.head[offset : offset + n]
        return part + bytes(n - len(part))


@pytest.mark.parametrize("kind", SAMPLES)
def test_codec_weights_restores_them(kind: str, tmp_path: Path) -> None:
    encoded = lacodec.encode(SAMPLES[kind], "weights", verify=True)
    found, expected = lacodec.decode(encoded), TENSORS.to_object(parse(SAMPLES[kind]))
    assert np.array_equal(found, expected) if kind == "npy" else all(same(found[name], expected[name]) for name in expected)
    (tmp_path / "a").write_bytes(SAMPLES[kind])
    api.encode_file(tmp_path / "a", tmp_path / "a.lac", "weights")
    api.decode_file(tmp_path / "a.lac", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == SAMPLES[kind]


def test_a_dict_of_arrays_goes_to_codec_weights() -> None:
    arrays = {"a": np.arange(5.0), "b": np.ones((2, 3), np.float16)}
    encoded = lacodec.encode(arrays)
    assert lacodec.open(encoded).header.codec == "weights"
    found = lacodec.decode(encoded)
    assert all(same(found[name], arrays[name]) for name in arrays)


def test_a_broken_file_is_kept_as_bytes_unless_the_codec_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "model.safetensors"
    broken.write_bytes(FORGED["overlap"][0] + bytes(70_000))
    done = api.encode_file(broken, tmp_path / "a.lac", effort=1)
    assert done.codec == "bytes" and done.remark is not None and "overlaps the tensor before it" in done.remark
    api.decode_file(tmp_path / "a.lac", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == broken.read_bytes()
    with pytest.raises(UnsupportedFile, match=r"model\.safetensors: tensor 'b' at offset \d+ overlaps"):
        api.encode_file(broken, tmp_path / "c.lac", "weights")
    assert not (tmp_path / "c.lac").exists()


def test_parsing_reads_no_tensors() -> None:
    size = 50 << 30
    source = _Counting(raw_safetensors({"a": tensor("BF16", [5 << 30, 5], 0, size)}), 0)
    source.size = len(source.head) + size
    assert TENSORS.from_source(source).entries[0].size == size
    assert source.largest < 1 << 10


def test_torch_checkpoints_hold_what_torch_loads() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(1)
    tied = torch.randn(5, 6)
    value = OrderedDict(plain=torch.randn(4, 3), turned=torch.randn(3, 5).t(), whole=torch.arange(5), first=tied, second=tied)
    for dtype in torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.uint16, torch.bool, torch.complex64:
        value[str(dtype)[6:]] = torch.arange(7).to(dtype)
    value |= {"scalar": torch.tensor(2.5), "parameter": torch.nn.Parameter(torch.randn(2)), "empty": torch.zeros(0, 3)}
    for zipped in True, False:
        file = io.BytesIO()
        torch.save({"model": value, "epoch": 3}, file, _use_new_zipfile_serialization=zipped)
        found = TENSORS.to_object(parse(file.getvalue()))
        assert set(found) == {f"model.{name}" for name in value}
        for name, array in found.items():
            expected = value[name.removeprefix("model.")].detach()
            assert array.shape == tuple(expected.shape)
            assert array.tobytes("C") == expected.contiguous().flatten().view(torch.uint8).numpy().tobytes()
