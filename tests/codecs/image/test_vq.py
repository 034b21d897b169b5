"""Codec `image.vq`: indices are exact, lost chunks are guessed, hostile payloads and models are refused."""

import numpy as np
import pytest

import lacodec
from benchmarks.mutations import Corpus, mutant
from lacodec.codecs import model_files
from lacodec.codecs.image.vq import _models
from lacodec.codecs.image.vq._payload import Books, choose_indices, decode_indices, encode_indices
from lacodec.codecs.image.vq.codec import VectorImage
from lacodec.errors import BadInput, CorruptFile, LacodecError, MissingModel, UnsupportedFile
from lacodec.models.vq.model import unpack
from lacodec.models.vq.predictor import Predictor
from lacodec.testing import check_codec, photo
from reference import vq_codec
from reference.container import read
from reference.range_coder import RangeDecoder
from tests.strength import mutants
from tests.vqs import arrays, model_file, predictor
from tools import golden
from tools.golden import vq as golden_vq

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return model_file(tmp_path_factory.mktemp("model"))


def near(one, other):
    one, other = (np.asarray(getattr(value, "pixels", value)) for value in (one, other))
    return one.shape == other.shape and (one.size < 50 or np.abs(one.astype(float) - other).mean() < 60)


@pytest.mark.parametrize("shape", [(1, 1, 1), (40, 33, 3), (70, 9, 1)])
def test_contract(path, shape):
    check_codec("image.vq", {"photo": photo(*shape)}, same=near, model=path)


@pytest.mark.parametrize("options", [{"book": 8}, {"book": 256, "chunks": 3}, {"book": 4096, "layers": 2, "chunks": 64}])
def test_options(path, options):
    check_codec("image.vq", {"photo": photo(90, 70)}, same=near, model=path, **options)


@pytest.mark.parametrize("words", [2, 8, 100, 1024])
@pytest.mark.parametrize("apart", [False, True])
def test_indices_come_back(words, apart):
    drawn = np.random.default_rng(words)
    for shape in ((1, 1), (3, 17), (11, 2)):
        for layers in ([predictor(words)], [predictor(words), predictor(50, parents=words)]):
            indices = np.stack([drawn.integers(0, len(one.last), shape) for one in layers])
            payload = encode_indices(indices, layers, apart)
            assert np.array_equal(decode_indices(payload, shape, layers, apart), indices)


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("price", [0.0, 0.7])
def test_words_cost_their_distance_and_their_bits(price, apart):
    """As by a search of all, with the plain reader's probabilities; of equal words the first."""
    drawn, numbers = np.random.default_rng(3), predictor(64)
    words, vectors = (drawn.normal(0, 1, (*shape, 5)).astype(np.float32) for shape in ((64,), (4, 6)))
    words[9] = words[4]
    (chosen,) = choose_indices(vectors, Books([words], words[:, 0], price), [numbers], apart)
    layer = plain_layer(numbers, apart, [])
    for y, x in np.ndindex(chosen.shape):
        costs = distances(vectors[y, x], words) + price * bits(layer, chosen, y, x)
        assert chosen[y, x] == costs.argmin()
        layer.seen[chosen[y, x]] = min(layer.seen[chosen[y, x]] + 1, 7)


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("price", [0.0, 0.7])
def test_words_of_two_layers_are_chosen_together(price, apart):
    drawn, numbers = np.random.default_rng(4), [predictor(64), predictor(32, parents=64)]
    words, others, vectors = (drawn.normal(0, 1, (*shape, 5)).astype(np.float32) for shape in ((64,), (32,), (4, 6)))
    usual = drawn.uniform(1, 9, 32).astype(np.float32)
    first, second = choose_indices(vectors, Books([words, others], usual, price), numbers, apart)
    one, two = plain_layer(numbers[0], apart, []), plain_layer(numbers[1], apart, [first.tolist()])
    for y, x in np.ndindex(first.shape):
        spent = price * bits(one, first, y, x)
        tried = (distances(vectors[y, x], words) + spent).argsort()[:8]
        costs = [
            spent[word] + (distances(vectors[y, x].astype(float) - words[word], others) + price * usual).min() for word in tried
        ]
        assert first[y, x] == tried[np.argmin(costs)]
        left = vectors[y, x] - words[first[y, x]]
        assert second[y, x] == (distances(left, others) + price * bits(two, second, y, x)).argmin()
        one.seen[first[y, x]] = min(one.seen[first[y, x]] + 1, 7)
        two.seen[second[y, x]] = min(two.seen[second[y, x]] + 1, 7)


def plain_layer(numbers, apart, before):
    stored = {name: array.tolist() for name, array in vars(numbers).items() if isinstance(array, np.ndarray)}
    return vq_codec.Layer(RangeDecoder(bytes(4)), stored, apart, before)


def bits(layer, chosen, y, x):
    chances = np.diff(layer.sums(chosen.tolist(), y, x, chosen.shape[1]))
    return -np.log2(chances / chances.sum())


def distances(vector, words):
    return ((vector.astype(float) - words) ** 2).sum(1)


def test_equally_near_words_the_first_is_taken():
    words, vectors = np.ones((64, 5), np.float32), np.zeros((1, 1, 5), np.float32)
    words[9:] = words[4] = 0
    assert choose_indices(vectors, Books([words], words[:, 0], 0.0), [predictor(64)], False) == 4


def test_a_second_layer_is_nearer(path):
    pixels = photo(96, 80)
    errors = []
    for layers in (1, 2):
        shown = lacodec.decode(lacodec.encode(pixels, "image.vq", model=path, book=4096, layers=layers)).pixels
        means = (np.mean(one.reshape(6, 16, 5, 16, 3).astype(float), axis=(1, 3)) for one in (pixels, shown))
        errors.append(float(np.square(np.subtract(*means)).mean()))
    assert errors[1] < 0.5 * errors[0]


@pytest.mark.parametrize("options", [{}, {"book": 4096, "layers": 2}, {"book": 64, "chunks": 3}])
def test_a_target_is_kept(path, options):
    pixels = photo(160, 128)
    whole = payloads(lacodec.encode(pixels, "image.vq", model=path, **options))
    for part in (0.95, 0.8):
        wanted = 8 * part * whole / (160 * 128)
        coded = lacodec.encode(pixels, "image.vq", model=path, target_bpp=wanted, **options)
        assert 0.5 * part * whole < payloads(coded) <= part * whole
    with pytest.raises(BadInput, match="smaller book"):
        lacodec.encode(pixels, "image.vq", model=path, target_bpp=1e-4, **options)


def payloads(coded):
    return sum(len(chunk.payload) for chunk in read(coded)[1])


def test_hostile_payloads(path):
    good = encode_indices(np.arange(24, dtype=np.int32).reshape(1, 4, 6), [predictor(64)], False)
    drawn = np.random.default_rng(1)
    for payload in (b"", good[:-1], good + b"\0", bytes(30), b"\xff" * 30, drawn.bytes(25), drawn.bytes(300)):
        try:
            found = decode_indices(payload, (4, 6), [predictor(64)], False)
        except CorruptFile:
            continue
        assert found.min() >= 0 and found.max() < 64


def test_a_lost_chunk_is_guessed(path, tmp_path):
    pixels = photo(96, 64)
    coded = bytearray(lacodec.encode(pixels, "image.vq", model=path, chunks=4))
    whole = lacodec.decode(bytes(coded)).pixels
    at = coded.find(b"\xc5\x4c\x63\x68", coded.find(b"\xc5\x4c\x63\x68") + 4)  # the second chunk
    coded[at + 76 - 16] ^= 255
    with pytest.raises(CorruptFile):
        lacodec.decode(bytes(coded))
    file = tmp_path / "damaged.lac"
    file.write_bytes(bytes(coded))
    from lacodec.cli import main

    main(["decode", "--salvage", str(file), "-o", str(tmp_path / "out.png")])
    from PIL import Image

    shown = np.asarray(Image.open(tmp_path / "out.png"))
    assert np.array_equal(shown[:16], whole[:16]) and not np.array_equal(shown[16:32], whole[16:32])


def test_indices(path):
    found = VectorImage(VectorImage.Options(book=64, model=path)).indices(photo(50, 41))
    assert found.shape == (4, 3) and found.min() >= 0 and found.max() < 64
    assert VectorImage(VectorImage.Options(book=4096, layers=2, model=path)).indices(photo(50, 41)).shape == (2, 4, 3)


def test_a_file_names_its_model(path, monkeypatch):
    coded = lacodec.encode(photo(20, 20), "image.vq", model=path)
    monkeypatch.setattr(_models, "_named", {})
    monkeypatch.delenv(model_files.VARIABLE, raising=False)
    with pytest.raises(MissingModel, match="LACODEC_MODELS"):
        lacodec.decode(coded)
    monkeypatch.setenv(model_files.VARIABLE, path)
    assert lacodec.decode(coded).pixels.shape == (20, 20, 3)


def test_refused(path):
    with pytest.raises(BadInput, match="alpha"):
        lacodec.encode(photo(9, 9, 4), "image.vq", model=path)
    wrong = [{"book": 9}, {"book": True}, {"chunks": 0}, {"chunks": 65}, {"chunks": True}]
    for options in (
        *wrong,
        {"layers": 2},
        {"layers": 3, "book": 4096},
        {"target_bpp": 0},
        {"target_bpp": float("inf")},
        {"target_bpp": True},
    ):
        with pytest.raises(BadInput):
            lacodec.encode(photo(9, 9), "image.vq", model=path, **options)
    with pytest.raises(UnsupportedFile):
        unpack({})
    good = arrays()
    for name, change in (
        ("vq.options", lambda a: a[:-1]),
        ("book64", lambda a: a[:5]),
        ("project.weight.codes", lambda a: a.astype(np.float32)),
        ("predict8.last", lambda a: a[:5]),
        ("predict8.last", lambda a: a.astype(np.int16)),
        ("predict8.seen", lambda a: a[:5]),
        ("predict64.last_bias", lambda a: a + (1 << 25)),
    ):
        with pytest.raises(CorruptFile):
            unpack({**good, name: change(good[name])})
    with pytest.raises(CorruptFile):
        unpack({**good, **predictor(64).arrays("predict8")})
    with pytest.raises(CorruptFile):
        unpack({**good, **predictor(64, parents=4096).arrays("predict_residual")})
    for parents in (np.int8(1), np.zeros((1, 2), np.int8), np.zeros((9, 3), np.int8)):
        with pytest.raises(CorruptFile):
            unpack({**good, "predict8.parents": np.array(parents)})
    with pytest.raises(LacodecError):
        Predictor.from_arrays({}, "predict8")


@pytest.mark.plain
@pytest.mark.parametrize("options", [{"book": 8}, {"book": 4096, "layers": 2}, {"book": 256, "chunks": 2}])
def test_plain_reader_finds_the_indices(path, options):
    pixels = photo(70, 57)
    header, chunks = read(lacodec.encode(pixels, "image.vq", model=path, **options))
    found = vq_codec.indices(header, chunks, arrays())
    wanted = VectorImage(VectorImage.Options(model=path, **options)).indices(pixels)
    assert np.array_equal(found.reshape(wanted.shape), wanted)


@pytest.mark.plain
def test_plain_reader_reads_golden_files():
    with np.load(golden.FOLDER / "vq.npz") as stored:
        model = dict(stored)
    for setting, name in golden_vq.WANTED:
        data = (golden.folder_of(golden_vq) / f"vq-{setting}-{name}.lac").read_bytes()
        vq_codec.indices(*read(data), model)


def test_mutants_give_only_our_errors():
    """In this process: torch does not survive the forks of `benchmarks/fuzz.py`."""
    corpus, outcomes = Corpus.make([5], ["image.vq"]), set()
    for number in mutants(200):
        try:
            lacodec.decode(mutant(corpus, 2026, number)[0], max_size=1 << 24)
            outcomes.add("decoded")
        except LacodecError as error:
            outcomes.add(type(error).__name__)
    assert {"decoded", "CorruptFile"} <= outcomes


def test_the_shipped_model():
    pixels = photo(128, 160)
    for options in ({"book": 8}, {"book": 1024}, {"book": 4096, "layers": 2}):
        data = lacodec.encode(pixels, "image.vq", **options)
        shown = lacodec.decode(data).pixels
        assert shown.shape == pixels.shape and len(data) < 250
