"""Plans for sending a cache, and tokens that are kept."""

import numpy as np
import pytest

import lacodec
import lacodec.kv
from lacodec.errors import BadInput
from lacodec.kv.keeping import attention_mass, keep, last_window
from lacodec.kv.plans import plan
from tests.codecs.kv.test_kv import cache


@pytest.fixture(scope="module")
def files():
    value = cache(4, tokens=100)
    return {quality: lacodec.encode(value, "kv", quality=quality, tokens=25) for quality in (20, 50, 80)}


def test_the_best_that_is_in_time(files):
    size = {quality: sum(c.size for c in plan({quality: data}, 1, 1e9).choices) for quality, data in files.items()}
    for budget in (size[20], (size[20] + size[50]) // 2, size[50], (size[50] + size[80]) // 2, size[80], 10 * size[80]):
        made = plan(files, budget / 4, 4)
        assert made.seconds <= 4
        chosen = [choice.quality for choice in made.choices]
        assert chosen == sorted(chosen, reverse=True) or made.seconds > 3.5
        assert min(chosen) == max(quality for quality in files if size[quality] <= budget)
        assert budget < size[80] or set(chosen) == {80}
    assert {choice.quality for choice in plan(files, 1, 1).choices} == {20}
    assert plan(files, 1, 1).seconds > 1


def test_what_is_read(files):
    size = sum(len(data) for data in files.values()) / 3
    made = plan(files, size, 1.0)
    assert len({choice.quality for choice in made.choices}) == 2
    for choice, (place, pairs) in zip(made.choices, made.read(), strict=True):
        (first, last), (start, stop) = place
        wanted = lacodec.kv.decode(files[choice.quality], layers=slice(first, last), tokens=slice(start, stop))
        assert all((a == b).all() for one, two in zip(pairs, wanted, strict=True) for a, b in zip(one, two, strict=True))
    rest = plan(files, size, 1.0, after=2)
    assert [choice.place for choice in rest.choices] == [choice.place for choice in made.choices[2:]]


def test_plans_refused(files):
    other = lacodec.encode(cache(4, tokens=100), "kv", quality=50, tokens=30)
    for wrong in ({}, {20: files[20], 50: other}, {1: lacodec.encode(b"text")}):
        with pytest.raises(BadInput):
            plan(wrong, 1, 1)
    with pytest.raises(BadInput):
        plan(files, 0, 1)


def attention(heads=2, tokens=60, seed=1):
    found = np.random.default_rng(seed).exponential(size=(heads, tokens, tokens)).astype("f4")
    found = np.tril(found)
    return found / found.sum(-1, keepdims=True)


def test_heavy_hitters_hold_the_most_attention():
    layers, seen = cache(2, tokens=60).layers, [attention(seed=1), attention(seed=2)]
    kept, places = keep(layers, seen, 20)
    rng = np.random.default_rng(3)
    for number, one in enumerate(seen):
        most = one[:, :, places[number]].sum()
        assert all(one[:, :, rng.permutation(60)[:20]].sum() <= most for _ in range(50))
        assert (np.diff(places[number]) > 0).all()
        assert (kept[number][0] == layers[number][0][:, :, places[number]]).all()


def test_the_last_queries_vote():
    """A token that only they look at is kept with its neighbours, though all attention together passes over it."""
    one = attention()
    one[:, :, 11] = 0
    one[:, -8:, 11] = 0.2
    one[:, :-8, 30:50] *= 5
    _, places = keep(cache(1, tokens=60).layers, [one], 16, last_window(window=8, pool=3))
    assert set(range(52, 60)) | {10, 11, 12} <= set(places[0].tolist())
    assert 11 not in np.argsort(-attention_mass(one))[:16]


def test_keeping_refused():
    layers = cache(2, tokens=60).layers
    for seen, count in (([attention()], 3), ([attention(tokens=50)] * 2, 3), ([attention()] * 2, 0), ([attention()] * 2, 61)):
        with pytest.raises(BadInput):
            keep(layers, seen, count)
