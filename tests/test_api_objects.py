"""What a program passes to `encode` comes back as what it was, or is refused with the reason."""

import collections
import mmap

import numpy as np
import pytest
from PIL import Image as pillow

import lacodec
from lacodec.container.reader import Reader
from lacodec.errors import BadInput, CorruptFile
from lacodec.io.source import BytesSource
from lacodec.media.tensors.objects import object_of
from lacodec.media.tensors.value import TensorEntry, Tensors
from lacodec.testing import photo

NUMBERS = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
RECORD = np.dtype([("place", ">i4", (2,)), ("name", "U3"), ("time", "<M8[ms]")])
ARRAYS = [
    NUMBERS,
    np.asfortranarray(NUMBERS),
    np.asfortranarray(NUMBERS).astype(">f4"),
    NUMBERS.transpose(2, 0, 1)[::2],
    np.zeros((0, 3)),
    np.zeros((3, 0, 2), np.uint16),
    np.array(3.5),
    np.array(7, ">i2"),
    np.arange(5) > 2,
    np.ones((3, 2), complex),
    np.arange(3).astype(np.float16),
    np.arange(9).astype("M8[s]"),
    np.arange(9).astype(">m8[25us]"),
    np.array(["ab", "c", ""]),
    np.array([["ab"], ["c"]], "S4"),
    np.zeros((2, 2), RECORD),
    np.asfortranarray(np.arange(4).astype(">M8[D]").reshape(2, 2)),
    np.arange(12, dtype=np.uint8).reshape(3, 4),  # not a picture
]


def round_trip(value, **more):
    return lacodec.decode(lacodec.encode(value, effort=1, verify=True), **more)


def assert_same(found, expected):
    assert type(found) is type(expected)
    assert (found.dtype.str, found.dtype, found.shape) == (expected.dtype.str, expected.dtype, expected.shape)
    assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype} {array.shape}")
def test_arrays(array):
    found = round_trip(array)
    assert_same(found, array)
    assert found.flags.writeable
    assert array.ndim < 2 or found.flags.f_contiguous == array.flags.f_contiguous or not array.flags.forc
    with lacodec.open(lacodec.encode(array, effort=1)) as opened:
        assert (opened.shape, opened.dtype) == (array.shape, array.dtype)
        assert_same(opened["array"], array) if array.ndim else None
        assert np.array_equal(opened[...], array)
        if array.ndim and array.shape[0] > 1:
            assert np.array_equal(opened[1], array[1]) and np.array_equal(opened[-1:0:-1], array[-1:0:-1])


def test_scalars_and_maps(tmp_path):
    for scalar in (np.float32(3), np.bool_(True), np.datetime64("2026-11-28", "D")):
        assert_same(round_trip(scalar), scalar)
    stored = np.memmap(tmp_path / "x", np.int16, "w+", shape=(3, 4))
    stored[:] = 5
    assert_same(round_trip(stored), np.asarray(stored))


def test_several():
    named = {"b": NUMBERS, "a": np.array(["x"]), "d": np.asfortranarray(NUMBERS), "c": np.float64(2), "e": np.zeros(0, ">i8")}
    found = round_trip(named)
    assert list(found) == list(named)
    for name, value in named.items():
        assert_same(found[name], value)
    assert found["d"].flags.f_contiguous
    for value in ([NUMBERS, *ARRAYS], tuple(ARRAYS[:3]), [], ()):
        found = round_trip(value)
        assert type(found) is type(value) and len(found) == len(value)
        for one, other in zip(found, value, strict=True):
            assert_same(one, other)
    assert round_trip({}) == {}
    assert_same(round_trip(collections.UserDict(a=NUMBERS))["a"], NUMBERS)
    ordinary = Reader(BytesSource(lacodec.encode({"a": NUMBERS, "b": NUMBERS}, effort=1)))
    assert "object" not in ordinary.header.metadata


def test_tensors():
    torch = pytest.importorskip("torch")
    torch.manual_seed(1)
    kept = [
        torch.randn(3, 4).bfloat16(),
        torch.tensor(3),
        torch.zeros(0, 2),
        torch.arange(4) > 1,
        torch.randn(3).to(torch.float8_e4m3fn),
        torch.randn(4, dtype=torch.complex64),
        torch.tensor([1, 2], dtype=torch.uint16),
        torch.arange(6).reshape(2, 3).T,
    ]
    for tensor in kept:
        found = round_trip(tensor)
        assert type(found) is torch.Tensor and (found.dtype, found.shape) == (tensor.dtype, tensor.shape)
        assert torch.equal(found.contiguous().view(-1).view(torch.uint8), tensor.contiguous().view(-1).view(torch.uint8))
        with lacodec.open(lacodec.encode(tensor, effort=1)) as opened:
            assert opened.dtype == tensor.dtype and opened.shape == tensor.shape
    conjugate = torch.randn(4, dtype=torch.complex64).conj()
    assert torch.equal(round_trip(conjugate), conjugate.resolve_conj())
    parameter = torch.nn.Parameter(torch.ones(2))
    assert torch.equal(round_trip({"p": parameter})["p"], torch.ones(2))
    mixed = round_trip({"z": kept[0], "a": NUMBERS})
    assert torch.equal(mixed["z"], kept[0]) and isinstance(mixed["a"], np.ndarray)
    with lacodec.open(lacodec.encode({"z": torch.arange(8).reshape(4, 2)}, effort=1)) as opened:
        assert opened["z", 3].tolist() == [6, 7] and opened["z", ::2, 1].tolist() == [1, 5]
        with pytest.raises(BadInput):
            opened["z", 0, ::-1]
    for tensor, why in (
        (torch.eye(3).to_sparse(), "sparse_coo"),
        (torch.empty(3, device="meta"), "no values"),
        (torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.quint8), "quantised"),
    ):
        with pytest.raises(BadInput, match=why):
            lacodec.encode([tensor])


def test_what_cannot_be_kept_is_refused_with_the_reason():
    for value, why in (
        (np.array([1, "a"], object), "Python objects"),
        (np.ma.masked_array([1, 2], [0, 1]), "MaskedArray"),
        ({"a": np.longdouble([1])}, "cannot be stored"),
        (np.matrix([[1]]), "matrix"),
        (np.array(["a"], np.dtypes.StringDType()), "cannot be stored|Python objects"),
        ({"a": {"b": NUMBERS}}, "nested"),
        ([[NUMBERS]], "nested"),
        ({1: NUMBERS}, "string"),
        ([1, 2], "give a numpy array"),
        (collections.namedtuple("Pair", "x")(NUMBERS), "Pair"),
        (memoryview(NUMBERS), "memoryview"),
        (17, "int"),
        (None, "NoneType"),
        ({3, 4}, "set"),
    ):
        with pytest.raises(BadInput, match=why) as caught:
            lacodec.encode(value)
        assert "\n" not in str(caught.value)
    with pytest.raises(BadInput, match="ndarray"):
        lacodec.encode(NUMBERS, "bytes")


def test_forged_descriptions_of_objects():
    entry = TensorEntry("array", "U8", (4,), 0, 4)
    for made_of in (
        {"kind": "set"},
        {"kind": "list"},
        {"kind": "dict", "order": [1]},
        {"kind": "dict", "order": "a"},
        {"kind": "one", "all": 3},
        {"kind": "one", "forms": 3},
        {"kind": "one", "all": {"dtype": 3}},
        {"kind": "one", "all": {"dtype": "O"}},
        {"kind": "one", "all": {"dtype": "c16"}},
        {"kind": "one", "all": {"dtype": "[[[['"}},
        {"kind": "one", "all": {"dtype": "'U1'", "shape": [7]}},
        {"kind": "one", "all": {"dtype": "'S1'", "shape": ["a"]}},
        {"kind": "one", "all": {"dtype": "V99999999999999999999"}},
    ):
        with pytest.raises(CorruptFile):
            object_of(Tensors(BytesSource(b"abcd"), "npy", (entry,), made_of))


def test_bytes_of_any_kind(tmp_path):
    with open(tmp_path / "x", "w+b") as file:
        file.write(b"abc" * 2000)
        file.flush()
        with mmap.mmap(file.fileno(), 0) as mapped:
            assert round_trip(mapped) == round_trip(bytearray(b"abc" * 2000)) == round_trip(memoryview(mapped)) == b"abc" * 2000


def pictures():
    colour = pillow.fromarray(photo(20, 33))
    made = {mode: colour.convert(mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA")}
    made["I;16"] = pillow.fromarray(photo(20, 33, 1, 65535)[:, :, 0])
    made["few colours"] = colour.quantize(5)
    made["few colours"].info["transparency"] = 3
    return made


@pytest.mark.parametrize("mode", pictures())
def test_pictures_of_pillow(mode, tmp_path):
    picture = pictures()[mode]
    picture.info |= {"dpi": (72, 72.5), "gamma": 0.45, "icc_profile": b"not a real one", "comment": "ü", "list": [1, (2, None)]}
    encoded = lacodec.encode(picture, effort=1)
    found = lacodec.decode(encoded)
    assert isinstance(found, pillow.Image)
    assert (found.mode, found.size, found.info) == (picture.mode, picture.size, picture.info)
    assert found.tobytes() == picture.tobytes() and found.getpalette() == picture.getpalette()
    assert found.convert("RGBA").tobytes() == picture.convert("RGBA").tobytes()
    with lacodec.open(encoded) as opened:
        assert opened.shape[:2] == (20, 33) and np.array_equal(opened[3, -1], np.asarray(found.crop((32, 3, 33, 4))).reshape(-1))
    (tmp_path / "x.lac").write_bytes(encoded)
    lacodec.decode_file(tmp_path / "x.lac", tmp_path / "x.png")
    with pillow.open(tmp_path / "x.png") as written:
        assert written.size == picture.size and written.info["icc_profile"] == b"not a real one"


def test_pictures_that_cannot_be_kept():
    colour = pillow.fromarray(photo(20, 33))
    for mode in ("CMYK", "F", "I", "HSV"):
        with pytest.raises(BadInput, match=mode):
            lacodec.encode(colour.convert("L" if mode in ("F", "I") else "RGB").convert(mode))
    colour.info["thing"] = object()
    with pytest.raises(BadInput, match=r"info\['thing'\]"):
        lacodec.encode(colour)


def test_arrays_are_pictures_where_that_is_asked_for():
    gray = photo(9, 12, 1)[:, :, 0]
    found = lacodec.decode(lacodec.encode(gray, "image.lossless", effort=1))
    assert isinstance(found, lacodec.Image) and np.array_equal(np.asarray(found)[:, :, 0], gray)
    assert np.asarray(found, np.float32).dtype == np.float32
    for wrong in (gray.astype(np.int32), gray.astype(bool), photo(9, 12)[None]):
        with pytest.raises(BadInput):
            lacodec.encode(wrong, "image.lossless")


def test_values_are_arrays():
    samples = np.arange(600, dtype=np.int16).reshape(-1, 2)
    sound = lacodec.decode(lacodec.encode(lacodec.Audio.from_samples(samples, 8000), effort=1))
    assert isinstance(sound, lacodec.Audio) and np.array_equal(np.asarray(sound), samples)
    assert np.array_equal(np.asarray(sound[10:50:3]), samples[10:50:3]) and np.array_equal(sound[5, 1], samples[5, 1])
    one = Tensors(BytesSource(b"abcd"), "npy", (TensorEntry("array", "U8", (2, 2), 0, 4),))
    assert np.asarray(one).tolist() == [[97, 98], [99, 100]]
    with pytest.raises(TypeError, match="0 tensors"):
        np.asarray(Tensors(BytesSource(b""), "npy", ()))
