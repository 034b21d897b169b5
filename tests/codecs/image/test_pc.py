"""Codec `image.pc`: round trips, size against the circuit's likelihood, the plain reader, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import lacodec
from lacodec.codecs import model_files
from lacodec.codecs.image.pc import _models
from lacodec.codecs.image.pc.codec import CircuitPictures
from lacodec.container import stream
from lacodec.errors import BadInput, CorruptFile, LacodecError, MissingModel, UnsupportedFile
from lacodec.io.source import BytesSource, FileSource
from lacodec.media.pictures.files import PICTURE_SETS
from lacodec.media.pictures.value import Pictures
from lacodec.models.circuits.circuit import COUNT_BITS, Circuit, codes_of, counts
from lacodec.testing import check_codec
from reference import pictures_codec
from reference.container import read
from tests.circuits import circuit, marks, model_file
from tests.strength import examples

NOISE = np.random.default_rng(3).integers(0, 8, (70, 5, 4)).astype(np.uint8)
BRIGHT = (NOISE * 31).astype(np.uint8)
SETS = {"none": marks(0), "one": marks(1), "marks": marks(300), "noise": NOISE, "bright": BRIGHT, "whole lanes": marks(64)}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return model_file(tmp_path_factory.mktemp("circuit"))


@pytest.mark.parametrize("name", SETS)
def test_contract(path, name):
    check_codec("image.pc", {name: SETS[name]}, model=path, chunk=40)


@pytest.mark.plain
@pytest.mark.parametrize("name", SETS)
def test_plain_reader(path, name):
    coded = lacodec.encode(SETS[name], "image.pc", model=path, chunk=50)
    header, chunks = read(coded)
    found = pictures_codec.decode(header, chunks, circuit().arrays())
    assert found == b"".join(PICTURE_SETS.to_blocks(Pictures(SETS[name])))


@given(pixels=arrays(np.uint8, st.tuples(st.integers(0, 70), st.just(5), st.just(4)), elements=st.integers(0, 7)))
@examples(30)
def test_round_trips(path, pixels):
    assert np.array_equal(lacodec.decode(lacodec.encode(pixels, "image.pc", model=path)), pixels)


def bits_of(pixels, made):
    """-log2 of what the circuit gives pictures: sums over all states, from the leaves of the tree up."""
    moves, total = made.moves / 2**COUNT_BITS, 0.0
    chances = np.diff(made.cumulative, axis=2) / 2**COUNT_BITS
    for picture in pixels.reshape(len(pixels), -1):
        known = picture[made.order]
        told = np.empty((len(known), made.states))
        for node, value in enumerate(known):
            near = [int(known[i]) if i >= 0 else 0 for i in made.neighbours[node]]
            context = int("".join(str(sum(v >= step for step in made.steps)) for v in near), len(made.steps) + 1)
            told[node] = chances[node, context, value + len(near)]
            told[node] += sum(chances[node, context, k] for k, other in enumerate(near) if other == value)
        for node in range(len(known) - 1, 0, -1):
            told[made.parents[node]] *= moves[node] @ told[node]
        total -= np.log2(moves[0, 0] @ told[0])
    return total


def test_the_size_is_the_likelihood(path):
    pixels = np.concatenate([marks(2000), NOISE])
    coded = lacodec.encode(pixels, "image.pc", model=path)
    assert sum(len(chunk.payload) for chunk in stream(BytesSource(coded))[1]) * 8 < 1.001 * bits_of(pixels, circuit()) + 24
    assert len(coded) < 0.6 * pixels.size


def test_parts(path):
    pixels = marks(500)
    coded = lacodec.encode(pixels, "image.pc", model=path, chunk=64)
    with lacodec.open(coded) as opened:
        assert opened.shape == pixels.shape and opened.dtype == np.uint8
        for key in (0, -1, slice(60, 70), slice(None, None, 100), (7, 2), (slice(3, 5), slice(1, 3), 0)):
            assert np.array_equal(opened[key], pixels[key])
        assert len(opened._decoding.codec.select(opened.header, opened._reader.index, slice(64, 65))) == 1


def test_a_file_names_its_circuit(path, tmp_path, monkeypatch):
    coded = lacodec.encode(marks(9), "image.pc", model=path)
    monkeypatch.setattr(_models, "_named", {})
    with pytest.raises(MissingModel, match="LACODEC_MODELS"):
        lacodec.decode(coded)
    other = replace(circuit(), steps=np.array([3, 5], np.uint8))
    model_file(tmp_path, other)
    monkeypatch.setenv(model_files.VARIABLE, str(tmp_path))
    with pytest.raises(MissingModel):
        lacodec.decode(coded)
    monkeypatch.setenv(model_files.VARIABLE, path)
    assert np.array_equal(lacodec.decode(coded), marks(9))


def test_files(path, tmp_path):
    np.save(tmp_path / "a.npy", marks(30))
    lacodec.encode_file(tmp_path / "a.npy", tmp_path / "a.lac", "image.pc", model=path)
    lacodec.decode_file(tmp_path / "a.lac", tmp_path / "b.npy")
    assert np.array_equal(np.load(tmp_path / "b.npy"), marks(30))
    np.save(tmp_path / "f.npy", np.asfortranarray(marks(30)))
    assert np.array_equal(lacodec.decode(lacodec.encode(tmp_path / "f.npy", "image.pc", model=path)), marks(30))
    assert PICTURE_SETS.difference(FileSource(tmp_path / "a.npy"), FileSource(tmp_path / "f.npy")) is None
    np.save(tmp_path / "g.npy", marks(31))
    assert PICTURE_SETS.difference(FileSource(tmp_path / "a.npy"), FileSource(tmp_path / "g.npy"))


def test_colour(tmp_path):
    made = Circuit.from_arrays({**circuit().arrays(), "pc.shape": np.array([5, 1, 4], np.int32)})
    pixels = np.random.default_rng(1).integers(0, 8, (3, 5, 1, 4)).astype(np.uint8)
    coded = lacodec.encode(list(pixels), "image.pc", model=model_file(tmp_path, made))
    assert np.array_equal(lacodec.decode(coded), pixels) and made.id != circuit().id


def test_refused(path, tmp_path):
    with pytest.raises(MissingModel, match="lacodec train pc"):
        lacodec.encode(marks(3), "image.pc")
    with pytest.raises(BadInput, match="cannot be read"):
        lacodec.encode(marks(3), "image.pc", model=str(tmp_path / "none.lac"))
    with pytest.raises(BadInput, match=r"\[5, 4\]"):
        lacodec.encode(np.zeros((3, 4, 5), np.uint8), "image.pc", model=path)
    for wrong in (np.zeros((3, 4), np.uint8), np.zeros((3, 5, 4), np.float32), [marks(1)[0], np.zeros((2, 2), np.uint8)], "text"):
        with pytest.raises(LacodecError):
            lacodec.codec("image.pc", model=path).encode(wrong)
    for wrong in (0, -1, 1.5, True):
        with pytest.raises(BadInput):
            lacodec.codec("image.pc", model=path, chunk=wrong)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("parents", lambda a: np.roll(a, 1)),
        ("parents", lambda a: np.where(a == 9, 3, a)),
        ("order", lambda a: a // 2),
        ("neighbours", lambda a: a + 9),
        ("neighbours", lambda a: a - 5),
        ("steps", lambda a: a[::-1].copy()),
        ("steps", lambda a: a[:1]),
        ("emissions", lambda a: a[:, :2]),
        ("emissions", lambda a: a.astype(np.uint16)),
        ("transitions", lambda a: a[:, :, :2]),
        ("shape", lambda a: a + 1),
        ("shape", lambda a: -a),
    ],
)
def test_impossible_circuits(name, change):
    arrays = circuit().arrays()
    arrays[f"pc.{name}"] = change(arrays[f"pc.{name}"])
    with pytest.raises(UnsupportedFile):
        Circuit.from_arrays(arrays)


def test_counts():
    rng = np.random.default_rng(1)
    chances = rng.dirichlet(np.full(256, 0.3), 20)
    found = counts(codes_of(chances))
    assert (found.sum(axis=1) == 1 << COUNT_BITS).all() and found.min() >= 1
    assert (chances * np.log2(chances / found * 2**COUNT_BITS)).sum(axis=1).max() < 0.01
    assert (counts(np.full((1, 256), 255, np.uint8)).sum(axis=1) == 1 << COUNT_BITS).all()


def test_payloads_that_nobody_encoded(path):
    coded = lacodec.encode(marks(90), "image.pc", model=path)
    header, chunks = stream(BytesSource(coded))
    chunk = next(iter(chunks))
    rng = np.random.default_rng(5)
    for size in (0, 1, 2, 9, 300):
        for method in range(3):
            payload = bytes([method]) + rng.bytes(size) if size else b""
            with pytest.raises(CorruptFile):
                CircuitPictures().decode_chunk(header, replace(chunk, payload=payload))
