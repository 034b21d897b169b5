"""Tensors of two values in codec `weights`: found by content, restored byte for byte, told by filters like them."""

import io
import time
import zlib

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import lacodec
from lacodec import api
from lacodec.codecs.pieces import Writer
from lacodec.codecs.weights import _chunks as plan
from lacodec.codecs.weights.filters import _kernel as kernels
from lacodec.codecs.weights.filters import coder
from lacodec.codecs.weights.filters.coder import Shape, decode_bits, encode_bits
from lacodec.codecs.weights.filters.payload import Filters, decode_filters
from lacodec.errors import BadInput, CorruptFile
from lacodec.io.source import BytesSource
from lacodec.media.tensors.safetensors import build_header
from lacodec.media.tensors.value import DTYPES, TensorEntry
from reference.decode import restore
from reference.stream import Damaged, Stream
from reference.weights_filters import read_filters
from tests.strength import examples
from tools.golden import gguf

NAMES = {np.dtype("?"): "BOOL", np.dtype("i1"): "I8", np.dtype("u1"): "U8", np.dtype("f2"): "F16", np.dtype("f4"): "F32"} | {
    np.dtype(f"{kind}{size}"): f"{kind.upper()}{8 * size}" for kind in "iu" for size in (2, 4, 8)
}


def signs(*shape, seed=1, share=0.5):
    return np.where(np.random.default_rng(seed).random(shape) < share, 1, -1).astype(np.int8)


def like(rows, row, turned=0.1, seed=1):
    """Each row like one before it, in any order; u8[rows, row]."""
    rng = np.random.default_rng(seed)
    found = np.empty((rows, row), np.uint8)
    found[0] = rng.integers(0, 2, row)
    for i in range(1, rows):
        found[i] = found[rng.integers(i)] ^ (rng.random(row) < turned)
    return found[rng.permutation(rows)]


def file(**tensors):
    """A safetensors file."""
    head = build_header([(name, NAMES[array.dtype], array.shape, array.nbytes) for name, array in tensors.items()], None)
    return head + b"".join(array.tobytes() for array in tensors.values())


def check(data, **options):
    """Encode and decode a file, with any number of threads, also by the plain reader; returns the encoded bytes."""
    coded = lacodec.encode(data, "weights", **options)
    assert lacodec.encode(data, "weights", threads=2, **options) == coded
    out = io.BytesIO()
    api.decode_file(BytesSource(coded), out)
    assert out.getvalue() == data
    if len(data) < 100_000:
        assert restore(coded).content == data
    return coded


def version(coded):
    return lacodec.info(coded).stream_version


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4"])
@pytest.mark.parametrize("shape", [(5, 20), (7, 3, 3, 3), (4, 6, 5), (3, 2, 2, 3, 3), (9, 40, 1, 1), (1, 1, 12, 30), (64, 2)])
def test_types_and_shapes(dtype, shape):
    values = signs(*shape)
    array = (values > 0).astype(dtype) if dtype[0] in "?u" else values.astype(dtype)
    coded = check(file(a=array))
    assert version(coded) == 3
    with lacodec.open(coded) as opened:
        assert np.array_equal(opened["a"].astype(dtype), array)


@pytest.mark.parametrize("dtype", ["f2", "f4"])
def test_a_scale_for_each_filter(dtype):
    scales = np.random.default_rng(2).uniform(0.01, 0.1, (200, 1, 1, 1))
    array = (scales * signs(200, 32, 3, 3)).astype(dtype)
    again = (scales * signs(200, 32, 3, 3, seed=2)).astype(dtype)
    other = (0.25 * signs(200, 32, 3, 3, seed=3)).astype(dtype)
    coded = check(file(a=array, b=again, c=other))
    assert version(coded) == 3
    assert len(coded) < array.size * 3 // 8 + 2 * 200 * array.itemsize + 400
    zeros = np.concatenate([array[:20] * 0, -array[:20] * 0, array[20:40]]).astype(dtype)  # of both signs
    check(file(a=zeros, b=np.abs(array)))


def test_bf16_and_f64():
    bits = (signs(20, 4, 3, 3) < 0).astype(np.uint16) << 15 | 0x3F80
    head = build_header([("a", "BF16", bits.shape, bits.nbytes), ("b", "F64", bits.shape, 4 * bits.nbytes)], None)
    wide = signs(20, 4, 3, 3).astype("f8") * np.arange(1, 21).reshape(-1, 1, 1, 1) / 7
    assert version(check(head + bits.tobytes() + wide.tobytes())) == 3


def test_only_files_with_two_values_have_the_new_version():
    rng = np.random.default_rng(1)
    normal = rng.normal(0, 1, (30, 4, 3, 3)).astype("f4")
    for array in (normal, np.zeros((30, 36), "f4"), rng.integers(0, 3, (30, 36)).astype("i1"), signs(63, 1), signs(900)):
        assert version(check(file(a=array))) == 1
    third = signs(30, 36).astype("f4")
    third[29, 35] = 0.5
    assert version(check(file(a=third))) == 1
    assert version(check(file(a=signs(30, 36)), effort=2)) == 1
    assert version(lacodec.encode(gguf.content("blocks"), "weights")) == 2
    mixed = check(file(a=normal, b=signs(30, 4, 3, 3).astype("f4"), c=third, d=normal[0, 0, 0]))
    assert version(mixed) == 3


def test_a_checkpoint_needs_no_flags(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(file(conv=signs(64, 32, 3, 3), mean=np.random.default_rng(1).normal(0, 1, 64).astype("f4")))
    coded = tmp_path / "a.lac"
    api.encode_file(path, coded, force=True)
    assert lacodec.info(coded).codec == "weights" and version(coded) == 3
    assert lacodec.decode(coded)["conv"].shape == (64, 32, 3, 3)


def saved(save, *arrays, **named):
    out = io.BytesIO()
    save(out, *arrays, **named)
    return out.getvalue()


def test_numpy_files_of_filters_are_chosen_by_content(tmp_path):
    filters = signs(64, 32, 3, 3)
    for name, data in (("a.npy", saved(np.save, filters)), ("a.npz", saved(np.savez, a=filters, b=np.arange(9.0)))):
        path = tmp_path / name
        path.write_bytes(data)
        coded = tmp_path / f"{name}.lac"
        api.encode_file(path, coded, force=True)
        assert lacodec.info(coded).codec == "weights" and version(coded) == 3
        out = io.BytesIO()
        api.decode_file(coded, out)
        assert out.getvalue() == data
    assert np.array_equal(lacodec.decode(tmp_path / "a.npy.lac"), filters)
    with lacodec.open(tmp_path / "a.npy.lac") as opened:
        assert np.array_equal(opened[5:9], filters[5:9])
    normal = np.random.default_rng(1).normal(0, 1, (64, 32, 3, 3))
    others = [normal, filters.reshape(64, -1) > 0, filters.astype("V1"), np.array([{}, None], object)]
    for data in [*(saved(np.save, array) for array in others), saved(np.savez, a=filters, b=normal)]:
        path.write_bytes(data)
        api.encode_file(path, coded, force=True)
        assert lacodec.info(coded).codec in ("arrays", "bytes")
    path.write_bytes(saved(np.save, filters))
    api.encode_file(path, coded, force=True, effort=2)
    assert lacodec.info(coded).codec == "arrays"


def test_the_tree_finds_filters_like_others():
    data = file(a=like(200, 288).reshape(200, 32, 3, 3))
    tree, rows = check(data), check(data, filters="rows")
    assert len(tree) < 0.75 * len(rows)  # 0.47 bits each and a number of 8 bits; rows in any order are told by nothing
    drift = np.cumsum(np.random.default_rng(1).random((200, 288)) < 0.1, axis=0).astype(np.uint8) & 1
    data = file(a=drift.reshape(200, 32, 3, 3))
    assert len(check(data)) == len(check(data, filters="rows")) < 0.5 * 200 * 288 / 8 + 300  # no numbers
    data = file(a=signs(200, 32, 3, 3))
    assert len(check(data)) == len(check(data, filters="rows"))


def test_signs_of_a_network(data_dir):
    """The entropy by rows of these signs is 33,334 bytes, that along the spanning tree 33,111 with the parents."""
    path = data_dir / "models/resnet-cifar10/resnet20-12fca82f.th"
    if not path.exists():
        pytest.skip(f"{path.name} is not there")
    with lacodec.open(lacodec.encode(path.read_bytes(), "weights")) as opened:
        names = opened.keys()
        layers = {name: opened[name] for name in names if len(opened[name].shape) == 4}
    data = file(**{name: np.where(array > 0, 1, -1).astype(np.int8) for name, array in layers.items()})
    tree, rows = check(data), check(data, filters="rows")
    assert len(tree) < len(rows) - 40 and len(tree) < 30_000


def test_neighbours_in_the_kernel_tell():
    kernels_ = np.random.default_rng(1).random((64, 32, 1, 1)) + np.random.default_rng(2).normal(0, 0.15, (64, 32, 3, 3)) > 0.5
    assert len(check(file(a=kernels_))) < 0.8 * kernels_.size / 8


def test_what_tensors_share_is_learned_once():
    kernels_ = [(signs(16, 8, 1, 1, seed=i) * signs(16, 8, 3, 3, seed=-i % 97, share=0.85)) for i in range(12)]
    alone = [len(encode_bits((a > 0).astype(np.uint8).ravel(), (Shape(*a.shape),), True)) for a in kernels_]
    together = np.concatenate([(a > 0).astype(np.uint8).ravel() for a in kernels_])
    assert len(encode_bits(together, (Shape(16, 8, 3, 3),) * 12, True)) < 0.97 * sum(alone)


def test_repeated_sequences_are_kept_as_such():
    part = signs(1, 500)
    coded = check(file(a=np.tile(part, (64, 1)).reshape(40, 800)))
    assert len(coded) < 500


def test_large_tensors_are_cut_between_filters(monkeypatch):
    monkeypatch.setattr(plan, "CHUNK", 1 << 14)
    data = file(a=like(400, 90).reshape(400, 10, 3, 3), b=signs(3, 40_000), c=like(400, 90, seed=2))
    coded = lacodec.encode(data, "weights")
    out = io.BytesIO()
    api.decode_file(BytesSource(coded), out)
    assert out.getvalue() == data
    with lacodec.open(coded) as opened:
        assert opened["a", 300:310].tobytes() == like(400, 90)[300:310].tobytes()


def test_fortran_order():
    array = np.asfortranarray(signs(3, 3, 16, 64))
    data = saved(np.save, array)
    coded = check(data)
    assert version(coded) == 3
    assert np.array_equal(lacodec.decode(coded), array)


def test_tied_filters():
    array = like(256, 288).reshape(256, 32, 3, 3)
    coded = check(file(a=array, b=signs(8, 9), c=array))
    assert len(coded) < 1.3 * len(check(file(a=array)))


def test_differences_to_a_base(tmp_path):
    before = signs(64, 32, 3, 3)
    after = before.copy()
    after[3] = -after[3]
    (tmp_path / "base").write_bytes(file(a=before))
    data = file(a=after, new=signs(64, 32, 3, 3, seed=4))
    coded = lacodec.encode(data, "weights", base=tmp_path / "base")
    out = io.BytesIO()
    api.decode_file(BytesSource(coded), out, base=tmp_path / "base")
    assert out.getvalue() == data


@given(
    shapes=st.lists(st.tuples(*[st.integers(1, 9)] * 4), min_size=1, max_size=4),
    seed=st.integers(0, 99),
    share=st.sampled_from([0.5, 0.9, 0.999, 1.0]),
    tree=st.booleans(),
)
@examples(60)
def test_any_bits(shapes, seed, share, tree):
    shapes = tuple(Shape(*shape) for shape in shapes)
    bits = (np.random.default_rng(seed).random(sum(shape.size for shape in shapes)) < share).astype(np.uint8)
    stream = encode_bits(bits.copy(), shapes, tree)
    if stream is not None:
        assert np.array_equal(decode_bits(stream, shapes), bits)


@given(
    dtype=st.sampled_from(["F32", "F16", "BF16", "F64", "I8", "BOOL", "I64"]),
    rows=st.integers(1, 40),
    row=st.tuples(*[st.integers(1, 5)] * 3),
    scaled=st.booleans(),
    seed=st.integers(0, 99),
)
@examples(60)
def test_any_values(dtype, rows, row, scaled, seed):
    """Any two bit patterns; of floats also any magnitude for each row."""
    width, rng = DTYPES[dtype] // 8, np.random.default_rng(seed)
    shape = Shape(rows, *row)
    assume(shape.size >= 64 and shape.row >= 4)  # with fewer in a row, the first values may all be different
    bits = rng.integers(0, 2, shape.size)
    bits[:2] = 0, 1
    if scaled and dtype in ("F32", "F16", "BF16", "F64"):
        sizes = np.frombuffer(rng.bytes(rows * width), f"<u{width}") >> 1
        values = np.repeat(sizes, shape.row) | bits.astype(f"<u{width}") << (8 * width - 1)
    else:
        pair = np.frombuffer(rng.bytes(2 * width), f"<u{width}").copy()
        pair[1] ^= pair[0] == pair[1]
        values = pair[bits]
    data = values.view(np.uint8)
    coded = Filters(data, dtype, width, (shape,)).encode(True).data
    out = np.empty_like(data)
    decode_filters(memoryview(coded), out)
    assert np.array_equal(out, data)
    assert read_filters(Stream(coded), len(data)) == data.tobytes()


@pytest.mark.parametrize(("rows", "row"), [(2, 9), (40, 30), (130, 64), (75, 200)])
def test_the_tree_is_minimal(rows, row):
    """By Kruskal's algorithm, in plain Python."""
    bits = like(rows, row, seed=rows)
    parents = coder._tree(bits.ravel(), Shape(rows, 1, 1, row), range(rows))
    edges = sorted((int((bits[i] ^ bits[j]).sum()), i, j) for i in range(rows) for j in range(i))
    part, least = list(range(rows)), 0
    for distance, i, j in edges:
        if part[i] != part[j]:
            least += distance
            part = [part[j] if number == part[i] else number for number in part]
    assert parents[0] == -1
    assert sum(int((bits[i] ^ bits[parents[i]]).sum()) for i in range(1, rows)) == least


def test_trees_are_walked_depth_first():
    parents = np.array([-1, 3, 0, 0, 3, 2], np.int64)
    order, first, following = (np.empty(6, np.int64) for _ in range(3))
    assert kernels.walk(parents, first, following, order) == 6
    assert order.tolist() == [0, 2, 5, 3, 1, 4]
    assert kernels.walk(np.array([-1, 2, 1, 0, 3, 4], np.int64), first, following, order) == 4


def group(head=(1, 1, 0), columns=(30, 4, 3, 3, 1), stream=None):
    """The data of a group of one tensor, (bytes of a value, tensors, packed) before its columns."""
    made = Writer()
    made.write(bytes(head))
    made.piece(bytes(columns))
    made.write(b"\xff\x01")
    made.piece(encode_bits(like(30, 36).ravel(), (Shape(30, 4, 3, 3),), True) if stream is None else stream)
    return made.data


def test_a_group_by_hand():
    data = np.where(like(30, 36), 1, 255).astype(np.uint8).tobytes()
    out = np.empty(len(data), np.uint8)
    decode_filters(memoryview(group()), out)
    assert out.tobytes() == data == read_filters(Stream(group()), len(data))


@pytest.mark.parametrize(
    "forged",
    [
        {"columns": (30, 4, 3, 0, 1)},
        {"columns": (31, 4, 3, 3, 1)},
        {"columns": (30, 4, 3, 3, 3)},
        {"columns": (30, 4, 3, 3, 0)},
        {"columns": (30, 4, 3, 3, 1, 1)},
        {"columns": (30, 4, 3, 3)},
        {"columns": (*[255] * 9, 4, 3, 3, 1)},
        {"head": (3, 1, 0)},
        {"head": (2, 1, 0)},
        {"head": (1, 0, 0)},
        {"head": (1, 2, 0)},
        {"head": (1, 1, 1)},
        {"stream": b"\0\0"},
        {"stream": bytes(200)},
    ],
)
def test_forged(forged):
    data = group(**forged)
    with pytest.raises(CorruptFile):
        decode_filters(memoryview(data), np.empty(1080, np.uint8))
    with pytest.raises((Damaged, zlib.error)):
        read_filters(Stream(data), 1080)


def test_parents_that_are_no_tree():
    """Two filters that are each other's parent."""
    from lacodec.codecs.weights.filters._state import new_coder
    from lacodec.entropy.mixing import POSITION, finish, start

    shape = Shape(30, 4, 3, 3)
    state = new_coder(np.zeros(500, np.uint8), decoding=False)
    start(state)
    kernels.code_number(state, coder.TREE, 3)
    parents = np.zeros(30, np.int64)
    parents[7], parents[9] = 9, 7
    kernels.code_parents(state, parents)
    finish(state)
    with pytest.raises(CorruptFile, match="no tree"):
        decode_bits(state.stream[: int(state.registers[POSITION])].tobytes(), (shape,))


def test_damage_is_noticed_or_harmless():
    bits, rng = like(60, 36), np.random.default_rng(1)
    data = np.where(bits, 1, 255).astype(np.uint8).ravel()
    whole, refusals = Filters(data, "I8", 1, (Shape(60, 4, 3, 3),)).encode(True).data, 0
    for _ in range(300):
        broken = bytearray(whole)
        broken[rng.integers(len(broken))] ^= 1 << rng.integers(8)
        try:
            decode_filters(memoryview(bytes(broken)), np.empty(len(data), np.uint8))
        except CorruptFile:
            refusals += 1
    assert refusals > 20


def test_time_grows_with_the_bits_only():
    """Many filters: trees are found in blocks of them."""
    bits = like(2000, 32)
    rows = np.tile(bits, (30, 1))[np.random.default_rng(1).permutation(60_000)].ravel()
    shape = (Shape(60_000, 32, 1, 1),)
    encode_bits(bits.ravel(), (Shape(2000, 32, 1, 1),), True)  # compiled
    begin = time.process_time()
    stream = encode_bits(rows, shape, True)
    assert time.process_time() - begin < 300
    assert len(stream) < 0.85 * len(rows) / 8
    assert np.array_equal(decode_bits(stream, shape), rows)


def test_options():
    with pytest.raises(BadInput, match="tree"):
        lacodec.codec("weights", filters="columns")
    assert lacodec.codec("weights", filters="rows").options["filters"] == "rows"


def test_rows_of_any_tensor():
    from lacodec.media.tensors.two_values import row_of

    def of(dtype, *shape, order="C"):
        return row_of(TensorEntry("a", dtype, shape, 0, DTYPES[dtype] * int(np.prod(shape)) // 8, order))

    assert of("F32", 8, 4, 3, 5) == (4, 3, 5)
    assert of("F32", 8, 4, 3, 5, order="F") == (3, 4, 8)
    assert of("I8", 8, 4, 2, 3, 5) == (8, 3, 5)
    assert of("I8", 8, 4, 7) == (4, 1, 7)
    assert of("BOOL", 8, 4) == (1, 1, 4)
    assert of("BOOL", 8, 4, 1, 1) == (1, 1, 4)
    assert of("F32", 8) is None and of("F4", 8, 4) is None and of("C64", 8, 4) is None and of("F32", 8, 0) is None
