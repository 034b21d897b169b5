"""Codec `arrays`: every type, shape and order of arrays comes back as it is, from objects and from files; and parts of them."""

import io
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import lacodec
from lacodec.container import Reader
from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.source import BytesSource, Source
from lacodec.media.arrays.memory import ArraySource
from lacodec.testing import check_codec
from tests.strength import examples

NESTED = np.dtype([("a", "i1"), ("b", ">f8", (2, 2))])
RECORD = np.dtype([("place", ">i4", (2,)), ("name", "U3"), ("time", "<M8[ms]"), ("parts", NESTED, (3,)), ("none", "S0")])
PADDED = np.dtype([("a", "i1"), ("b", "f8"), ("c", "u2")], align=True)
GAPS = np.dtype({"names": ["x", "y"], "formats": ["<u2", ">f4"], "offsets": [3, 8], "itemsize": 17})
TYPES = ["?", "u1", "<u2", ">u4", "<i8", "i1", "<f2", ">f4", "<f8", "<c8", ">c16", np.longdouble, np.clongdouble]
TYPES += ["<M8[ns]", ">m8[25us]", "<M8", "S5", "<U3", ">U2", "V7", RECORD, PADDED, GAPS]
SHAPES = [(), (0,), (3, 0, 2), (50,), (7, 9, 2), (1, 300), (1,) * 40 + (6,)]


def random_array(dtype, shape, seed=1):
    """Any bits, as long as numpy can show them."""
    dtype, rng = np.dtype(dtype), np.random.default_rng(seed)
    size = int(np.prod(shape)) * dtype.itemsize
    if dtype.kind == "U":
        order = ">u4" if dtype.str[0] == ">" else "<u4"
        return rng.integers(0, 1000, size // 4).astype(order).view(dtype).reshape(shape)
    return np.frombuffer(bytearray(rng.bytes(size)), dtype).reshape(shape)


def bits(array):
    """All bytes of an array in C order; those of numpy's own methods leave padding out."""
    array = np.asarray(array)
    return array.view(np.dtype((np.void, array.itemsize))).tobytes()


def same(found, array):
    both = (found.dtype, found.dtype.str, found.shape), (array.dtype, array.dtype.str, array.shape)
    return type(found) is type(array) and both[0] == both[1] and bits(found) == bits(array)


def same_fields(found, array):
    """np.load loses what lies between the fields of records in .npz files."""
    if array.dtype not in (PADDED, GAPS):
        return same(found, array)
    return found.shape == array.shape and all(bits(found[name]) == bits(array[name]) for name in array.dtype.names)


def saved(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def codec_of(encoded):
    return Reader(BytesSource(encoded)).header.codec


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("order", "CF")
def test_arrays_of_every_type(dtype, order):
    for shape in SHAPES:
        array = random_array(dtype, shape)
        array = array.reshape(shape[::-1]).T if order == "F" else array
        encoded = lacodec.encode(array, effort=1, verify=True)
        found = lacodec.decode(encoded)
        assert codec_of(encoded) == "arrays" and same(found, array) and found.flags.writeable
        assert (found.flags.c_contiguous, found.flags.f_contiguous) == (array.flags.c_contiguous, array.flags.f_contiguous)
        with lacodec.open(encoded) as opened:
            assert (opened.shape, opened.dtype) == (array.shape, array.dtype)
            assert same(opened[...], array) and same(opened["array"], array)
            if array.ndim > 1 and array.ndim < 30:
                assert bits(opened[1:5, ::-2]) == bits(array[1:5, ::-2]) and bits(opened[..., -1:]) == bits(array[..., -1:])


@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_files_come_back_byte_for_byte(dtype, tmp_path):
    for number, array in enumerate((random_array(dtype, (300, 5)), random_array(dtype, (5, 300)).T, random_array(dtype, ()))):
        path = tmp_path / f"{number}.npy"
        np.save(path, array)
        done = lacodec.encode_file(path, tmp_path / "x.lac", "arrays", effort=1, force=True)
        lacodec.decode_file(tmp_path / "x.lac", tmp_path / "y", force=True)
        assert done.identical == "bytes" and (tmp_path / "y").read_bytes() == path.read_bytes()


ANY = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?"),
    hnp.complex_number_dtypes(endianness="?"),
    hnp.datetime64_dtypes(endianness="?"),
    hnp.timedelta64_dtypes(endianness="?"),
    hnp.byte_string_dtypes(min_len=1),
    hnp.unicode_string_dtypes(endianness="?", min_len=1),
)
NESTS = hnp.nested_dtypes(ANY, max_itemsize=200)


@examples(150)
@given(st.data())
def test_any_array(data):
    dtype = data.draw(ANY | NESTS)
    if not dtype.itemsize or dtype.subdtype is not None:
        return
    shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6))
    array = random_array(dtype, shape, data.draw(st.integers(0, 99))) if "U" not in str(dtype) else np.zeros(shape, dtype)
    array = data.draw(st.sampled_from([array, array.T, array[..., ::2] if array.ndim else array]))
    effort = data.draw(st.sampled_from([1, 5, 9]))
    encoded = lacodec.encode(array, effort=effort, verify=True)
    assert same(lacodec.decode(encoded), array)
    if array.ndim:
        key = data.draw(hnp.basic_indices(array.shape, allow_newaxis=False, allow_ellipsis=False))
        with lacodec.open(encoded) as opened:
            assert bits(opened[key]) == bits(array[key])


def test_scalars():
    values = [np.float32(3), np.bool_(True), np.datetime64("2026-11-28", "D"), np.longdouble(1) / 3, np.complex64(1j)]
    for value in [*values, np.void(b"abc"), np.zeros(1, RECORD)[0], np.uint64(2**64 - 1)]:
        encoded = lacodec.encode(value)
        assert same(lacodec.decode(encoded), value) and codec_of(encoded) == "arrays" and len(encoded) < 600
        assert same(lacodec.open(encoded)[...], value)


def test_text_and_bytes_are_what_they_are_in_python():
    assert lacodec.decode(lacodec.encode(np.bytes_(b"x"))) == b"x"


class Odd(np.ndarray):
    pass


@pytest.mark.parametrize(
    "value, why",
    [
        (np.array([1, "a"], object), "Python objects"),
        (np.zeros(2, [("a", "O")]), "Python objects"),
        (np.ma.masked_array([1, 2], [0, 1]), "MaskedArray"),
        (np.zeros(3).view(Odd), "Odd"),
        (np.zeros(3, []), "cannot be stored"),
        (np.zeros(3, {"names": ["a", "b"], "formats": ["u4", "u2"], "offsets": [0, 2]}), "cannot be stored"),
        (np.array(["a"], np.dtypes.StringDType()), "cannot be stored|Python objects"),
    ],
    ids=str,
)
def test_what_would_not_come_back_is_refused(value, why):
    with pytest.raises(BadInput, match=why):
        lacodec.encode(value)


def archive(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def test_npz_of_everything(tmp_path):
    arrays = {f"{i}/{j}": random_array(dtype, shape) for i, dtype in enumerate(TYPES) for j, shape in enumerate(SHAPES)}
    arrays |= {"turned": random_array("<f4", (400, 300)).T, "large": np.arange(3_000_000, dtype=">i4").reshape(-1, 3)}
    data = archive(**arrays)
    (tmp_path / "x.npz").write_bytes(data)
    expected = np.load(tmp_path / "x.npz")
    encoded = lacodec.encode(tmp_path / "x.npz", verify=True)
    assert codec_of(encoded) == "arrays"
    lacodec.decode_file(BytesSource(encoded), tmp_path / "y.npz")
    assert (tmp_path / "y.npz").read_bytes() == data
    found = lacodec.decode(encoded)
    assert list(found) == list(arrays) and all(same_fields(found[name], expected[name]) for name in arrays)
    assert found["turned"].flags.f_contiguous
    with lacodec.open(encoded) as opened:
        assert opened.keys() == list(arrays)
        assert np.array_equal(opened["large", 123_456:123_459, 1], arrays["large"][123_456:123_459, 1])
        assert bits(opened["turned", 5:9, -7:]) == bits(arrays["turned"][5:9, -7:])


def test_npz_with_other_members(tmp_path):
    file = io.BytesIO(archive(a=np.arange(4000), o=np.array([{}], object)))
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as more:
        more.writestr("z.npy", saved(np.random.default_rng(1).normal(size=20_000)))
        more.writestr("notes.txt", "text" * 30_000, zipfile.ZIP_STORED)
        more.writestr("broken.npy", "text", zipfile.ZIP_STORED)
    encoded = lacodec.encode(file.getvalue(), "arrays", verify=True)
    lacodec.decode_file(BytesSource(encoded), tmp_path / "y.npz")
    assert (tmp_path / "y.npz").read_bytes() == file.getvalue() and len(encoded) < len(file.getvalue()) - 100_000
    with lacodec.open(encoded) as opened:
        assert opened.keys() == ["a"] and np.array_equal(opened["a", 5:8], [5, 6, 7])
    with pytest.raises(UnsupportedFile, match="'o' is compressed, or of a type"):
        lacodec.decode(encoded)


def test_files_that_hold_no_arrays_go_to_bytes(tmp_path):
    np.save(tmp_path / "objects.npy", np.array([{}] * 200, object), allow_pickle=True)
    np.savez_compressed(tmp_path / "compressed.npz", a=np.arange(3000))
    (tmp_path / "more.npy").write_bytes(saved(np.arange(300)) + b"x")
    (tmp_path / "cut.npy").write_bytes(saved(np.arange(300))[:-1])
    for path in sorted(tmp_path.iterdir()):
        done = lacodec.encode_file(path, tmp_path / "x.lac", effort=1, force=True)
        assert done.codec == "bytes" and done.remark
        with pytest.raises(UnsupportedFile):
            lacodec.encode(path, "arrays")


def test_many_tiny_arrays_cost_little():
    data = archive(**{f"step{i}": np.float32(i) for i in range(500)})
    assert len(lacodec.encode(data, "arrays")) < len(data) // 10


@pytest.mark.parametrize("rows, chunks", [(1, 103), (7, 15), (100, 2), (None, 1)])
def test_chunks_of_rows(rows, chunks):
    array = np.random.default_rng(1).integers(0, 9, (103, 2500)).astype("u2")
    encoded = lacodec.encode(array, chunk=rows)
    reader = Reader(BytesSource(encoded))
    assert len(reader.index) == chunks
    assert np.array_equal(lacodec.decode(encoded), array)
    with lacodec.open(encoded) as opened:
        for key in (slice(5, 30), slice(-1, None), slice(None, None, -9), 14, (slice(7, 14), 3)):
            assert np.array_equal(opened[key], array[key])
    turned = lacodec.encode(array.T, chunk=rows)
    assert len(Reader(BytesSource(turned)).index) == len(reader.index)
    with lacodec.open(turned) as opened:
        assert np.array_equal(opened[3:9, 50:70], array.T[3:9, 50:70])
    assert len(Reader(BytesSource(lacodec.encode(np.arange(8192.0), chunk=1))).index) == 16  # of 4 KiB at least


def test_rows_larger_than_a_chunk_and_rows_that_would_be_too_large():
    array = np.zeros((3, 9 << 20), np.uint8)
    array[1, 5 << 20 :] = 3
    for options in ({}, {"effort": 7}, {"chunk": 2}):
        encoded = lacodec.encode(array, **options)
        assert max(head.decoded_size for head in Reader(BytesSource(encoded)).index) <= 64 << 20
        with lacodec.open(encoded) as opened:
            assert np.array_equal(opened[1, (5 << 20) - 3 : (5 << 20) + 3], [0, 0, 0, 3, 3, 3])
    one = np.array([b"x" * (5 << 20), b"y"])
    assert same(lacodec.decode(lacodec.encode(one)), one)


def test_a_chunk_reads_only_its_part_of_an_array():
    array = np.arange(6_000_000, dtype="f8").reshape(-1, 3)
    encoded = lacodec.encode(array)
    with lacodec.open(encoded) as opened:
        assert np.array_equal(opened[1_000_000:1_000_002], array[1_000_000:1_000_002])
        assert len(opened._kept) == 1 and len(opened._reader.index) > 10


def test_reads_of_an_array_in_memory_agree_with_its_file():
    rng = np.random.default_rng(3)
    base = np.arange(9 * 8 * 7 * 2, dtype=">i4").reshape(9, 8, 7, 2)
    for array in (base, base[:, ::2, 1:], base.transpose(2, 0, 3, 1), base[::3, 3, ::-1], base[3:3], base[0, 0, 0, :1]):
        source = ArraySource(b"head", array)
        whole = b"head" + array.tobytes()
        assert source.size == len(whole)
        for start, size in rng.integers(0, len(whole) + 9, (60, 2)):
            assert source.read(int(start), int(size)) == whole[start : start + size]


def test_memory_maps_and_strided_arrays_are_read_chunk_by_chunk(tmp_path):
    import tracemalloc

    rows = 3_000_000
    with open(tmp_path / "x.npy", "wb") as file:  # a sparse file
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (rows, 8)})
        file.truncate(file.tell() + rows * 64)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    for array in (mapped, mapped.T, mapped[::2, ::3], np.broadcast_to(np.float64(1.5), (4, 6_000_000))):
        tracemalloc.start(1)
        encoded = lacodec.encode(array, threads=1, effort=1)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 32 << 20 < array.nbytes
        with lacodec.open(encoded) as opened:
            assert opened.shape == array.shape and np.array_equal(opened[-2:, -3:], array[-2:, -3:])


class _Zeros(Source):
    """A head, then zeros; notes the largest read."""

    def __init__(self, head, size):
        self.head, self.size, self.name, self.largest = head, len(head) + size, "<zeros>", 0

    def read(self, offset, n):
        n = max(0, min(n, self.size - offset))
        self.largest = max(self.largest, n)
        part = self.head[offset : offset + n]
        return part + bytes(n - len(part))


def test_a_hundred_million_elements_in_bounded_memory():
    import tracemalloc

    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": True, "shape": (1000, 100_000)})
    source, out = _Zeros(file.getvalue(), 400_000_000), io.BytesIO()
    tracemalloc.start(1)
    done = lacodec.encode_file(source, out, threads=1, effort=1, verify=False)
    lacodec.decode_file(BytesSource(out.getvalue()), _Counter(), threads=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert done.codec == "arrays" and done.size == source.size and peak < 64 << 20 and source.largest < 5 << 20


class _Counter:
    """An output that keeps nothing."""

    def write(self, data):
        return len(data)


def test_info_and_options():
    encoded = lacodec.encode(archive(a=np.zeros((4, 5000), ">f4").T, b=np.zeros(300, RECORD), c=np.int8(3)), "arrays", chunk=4000)
    info = lacodec.info(encoded)
    assert info.options == {"effort": 5, "chunk": 4000} and info.identical == "bytes"
    table = info.metadata["arrays"]
    assert table["a"] | {"coded": 0} == {"dtype": ">f4", "shape": [5000, 4], "order": "F", "size": 80_000, "coded": 0}
    assert table["b"]["dtype"].startswith("[('place', '>i4', (2,)), ") and table["c"]["shape"] == []
    for wrong in ({"chunk": 0}, {"chunk": 2.5}, {"max_error": -1.0}, {"max_error": float("nan")}, {"max_relative": "a"}):
        with pytest.raises(BadInput, match=next(iter(wrong))):
            lacodec.codec("arrays", **wrong)


def test_keys_that_are_not_possible():
    with lacodec.open(
        lacodec.encode(archive(abc=np.zeros((30, 40)), f=np.zeros((30, 40)).T, s=np.zeros(())), "arrays")
    ) as opened:
        for key in ("abd", 3, ("abc", 30), ("abc", 0, 0, 0), ("abc", "x"), ("s", 0), ("f", 0, 0, 0), ()):
            with pytest.raises(BadInput):
                opened[key]


def test_the_contract():
    rng = np.random.default_rng(1)
    values = {
        "nothing": np.zeros(0),
        "one": np.array(3.5),
        "floats": rng.normal(size=(40, 50)).astype("f4"),
        "big-endian integers": rng.integers(0, 999, 2000).astype(">i4"),
        "records": np.frombuffer(bytearray(rng.bytes(40 * RECORD.itemsize)), "u1")[: 40 * 20].view([("a", "<u2"), ("b", "S18")]),
        "Fortran order": rng.integers(0, 9, (50, 60), dtype="u1").T,
    }
    check_codec("arrays", values, effort=1)
    check_codec("arrays", {"several chunks": np.arange(3, dtype="i2").repeat(2000).reshape(300, 20)}, effort=5, chunk=100)
    check_codec("arrays", {"a file of several": archive(a=np.arange(300.0), b=np.eye(9, dtype="f2"), c=np.zeros(99, RECORD))})
