"""Short items with a dictionary: round trips, models that stay as they were, frames that nobody encoded, golden files."""

import pickle
import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import pytest

from lacodec.codecs.bytes.small.dictionary import LONGEST, Dictionary, is_frame
from lacodec.errors import CorruptFile, LacodecError
from tools.golden import small_items as golden

KINDS = [(kind, effort) for kind in golden.ITEMS for effort in golden.EFFORTS]


@pytest.fixture(scope="module")
def made() -> dict[tuple[str, int], Dictionary]:
    return {(kind, effort): golden.dictionary(kind, effort) for kind, effort in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_round_trips(made, kind):
    coder, items = made[kind], [*golden.content(kind[0]), random.Random(3).randbytes(LONGEST), b"ab" * 9000]
    frames = [coder.encode(item) for item in items]
    assert [coder.decode(frame) for frame in frames] == items
    assert all(is_frame(frame) for frame in frames)
    assert all(len(frame) <= len(item) + 8 for frame, item in zip(frames, items, strict=True))
    like, rest = sum(map(len, frames[:12])), sum(map(len, items[:12]))
    assert like < 0.85 * rest  # of such items as the dictionary was made from


@pytest.mark.parametrize("kind", KINDS)
def test_items_do_not_depend_on_those_before(made, kind):
    items = golden.content(kind[0])
    frames = [made[kind].encode(item) for item in items]
    other = pickle.loads(pickle.dumps(made[kind]))
    assert [other.encode(item) for item in items[::-1]] == frames[::-1]
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(made[kind].encode, items * 3)) == frames * 3
        assert list(pool.map(made[kind].decode, frames * 3)) == items * 3


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind[1] > 1])
def test_a_model_is_put_back_to_the_bit(made, kind):
    coder = made[kind]
    for item in golden.content(kind[0]):
        frame = coder.encode(item)
        coder.decode(frame)
        with pytest.raises(CorruptFile):
            coder.decode(frame[:-1] if len(frame) > 6 else frame + b"x")
    with pytest.raises(CorruptFile):
        coder.decode(bytes([2, 200, 1]) + bytes(4) + random.Random(4).randbytes(60))  # of what was never encoded
    items = coder._coder[1]
    work, (engine, model) = items._work(), items._kept
    assert work.clean
    for name in ("slots", "apm", "maps", "expect_maps", "weights", "final_weights"):
        assert np.array_equal(getattr(work.engine, name), getattr(engine, name)), name
    for name in ("heads", "recent"):
        assert np.array_equal(getattr(work.model, name), getattr(model, name)), name


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_frames(made, kind):
    coder, item = made[kind], golden.content(kind[0])[0]
    frame = coder.encode(item)
    chance = random.Random(5)
    for place in range(len(frame)):
        damaged = bytearray(frame)
        damaged[place] ^= 1 << chance.randrange(8)
        with suppress(CorruptFile):
            assert coder.decode(bytes(damaged)) == item  # a bit of zstd's head may mean nothing
    for damaged in (b"", frame[:3], frame[:-1], frame + b"\1", b"\1\xff\xff\xff\x7f" + frame):
        with pytest.raises(CorruptFile):
            coder.decode(damaged)
    assert coder.decode(frame) == item


def test_another_dictionary(made):
    text, items = made["text", 5], golden.content("text")
    other = Dictionary.made(golden.rows(200, 9), 1500, 5)
    for item in items:
        with pytest.raises(CorruptFile, match="another dictionary|end with its content"):
            other.decode(text.encode(item))
    with pytest.raises(CorruptFile, match="method"):
        made["text", 1].decode(text.encode(items[0]))


@pytest.mark.parametrize("kind", KINDS)
def test_forged_dictionaries(made, kind):
    content, frame = made[kind].content, made[kind].encode(golden.content(kind[0])[0])
    chance = random.Random(6)
    forged = [
        b"",
        content[:5],
        content[:9],
        content[:-1],
        b"LACe" + content[4:],
        b"LACd\2" + content[5:],
        b"LACd\1\3" + content[6:],
    ]
    for _ in range(12):
        damaged = bytearray(content)
        damaged[chance.randrange(min(40, len(content)))] = chance.randrange(256)
        forged.append(bytes(damaged))
    for damaged in forged:
        if damaged != content:
            with pytest.raises(LacodecError):
                Dictionary(damaged).decode(frame)


def test_too_few_samples():
    assert Dictionary.made([], 4096, 5) is None
    assert Dictionary.made([b"one"], 4096, 1) is None


@pytest.mark.parametrize(("name", "kind", "effort"), golden.names())
def test_golden(made, name, kind, effort):
    path = golden.FOLDER / f"{name}.dictionary"
    content, frames = path.read_bytes(), golden.unframed(path.with_suffix(".frames").read_bytes())
    old = Dictionary(content)
    assert [old.decode(frame) for frame in frames] == golden.content(kind)
    if effort > 1:  # zstd may find other matches from one version to the next
        assert made[kind, effort].content == content
        assert [old.encode(item) for item in golden.content(kind)] == frames, "the encoder writes other bytes: a new version"
