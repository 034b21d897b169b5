"""`lacodec.kv.Store`: prefixes that are found again, the limit, damage, and two processes at once."""

import subprocess
import sys
import time
import warnings

import numpy as np
import pytest

import lacodec.kv
from lacodec.errors import BadInput
from lacodec.media.kv.value import Model

CHUNK = 16


def cache(tokens, layers=2):
    """Keys and values that depend on the tokens so far, as those of a model do."""
    state = np.cumsum(np.asarray(tokens, "f8") * 1e-3)
    turns = np.arange(1, 9)
    array = np.sin(state[:, None] * turns)[None, None].repeat(2, 1).astype("f4")
    return [(array + layer, array - layer) for layer in range(layers)]


def same(found, tokens):
    return all(
        (one == two[:, :, : one.shape[2]]).all()
        for pair, other in zip(found, cache(tokens), strict=True)
        for one, two in zip(pair, other, strict=True)
    )


def test_the_longest_stored_prefix(tmp_path):
    store = lacodec.kv.Store(tmp_path / "new" / "folder", 1 << 20, chunk=CHUNK)
    tokens = list(range(100))
    assert store.get(tokens, to="numpy") == (0, None)
    assert store.put(tokens, cache(tokens)) == 96
    for asked, n in ((tokens, 96), (tokens[:95], 80), (tokens[:15], 0), (tokens[:40] + [7] * 60, 32), ([7, *tokens], 0)):
        found, pairs = store.get(asked, to="numpy")
        assert found == n and (pairs is None if n == 0 else same(pairs, asked) and pairs[0][0].shape == (1, 2, n, 8))
    other = tokens[:40] + [7] * 60
    size = store.size()
    assert store.put(other, cache(other)) == 96
    assert size < store.size() < 2 * size, "what two prefixes share is there once"
    assert same(store.get(np.array([other]), to="numpy")[1], other) and same(store.get(tokens, to="numpy")[1], tokens)


def test_who_shares_what(tmp_path):
    tokens = list(range(64))

    def store(**how):
        return lacodec.kv.Store(tmp_path, 1 << 20, **{"chunk": CHUNK, **how})

    store(model=Model(fingerprint="a")).put(tokens, cache(tokens))
    assert store(model=Model("name", "a"), effort=1).get(tokens, to="numpy")[0] == 64
    for other in ({}, {"model": Model(fingerprint="b")}, {"model": Model(fingerprint="a"), "chunk": 8}):
        assert store(**other).get(tokens, to="numpy") == (0, None)


def test_the_limit_holds_and_the_least_used_goes(tmp_path):
    prompts = [list(range(1000 * n, 1000 * n + 64)) for n in range(4)]
    sizes = []
    for number, prompt in enumerate(prompts):
        one = lacodec.kv.Store(tmp_path / str(number), 1 << 20, chunk=CHUNK)
        one.put(prompt, cache(prompt))
        sizes.append(one.size())
    store = lacodec.kv.Store(tmp_path, sizes[0] + sizes[2] + sizes[1] // 2, chunk=CHUNK)
    for prompt in prompts[:3]:
        time.sleep(0.02)
        assert store.put(prompt, cache(prompt)) == 64 and store.size() <= store.limit
        if prompt is prompts[1]:
            assert store.get(prompts[0], to="numpy")[0] == 64  # so the second one is the least used
    assert store.get(prompts[0], to="numpy")[0] == 64
    assert 0 < store.get(prompts[1], to="numpy")[0] < 64, "a prefix goes from its end"
    assert same(store.get(prompts[2], to="numpy")[1], prompts[2])
    small = lacodec.kv.Store(tmp_path / "small", sizes[3] // 2, chunk=CHUNK)
    assert 0 < small.put(prompts[3], cache(prompts[3])) < 64 and small.size() <= small.limit
    assert same(small.get(prompts[3], to="numpy")[1], prompts[3])
    assert lacodec.kv.Store(tmp_path / "none", 10, chunk=CHUNK).put(prompts[0], cache(prompts[0])) == 0


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "other codec", "other cache", "other model"])
def test_damaged_entries_are_misses(tmp_path, damage):
    store, tokens = lacodec.kv.Store(tmp_path, 1 << 20, chunk=CHUNK), list(range(64))
    store.put(tokens, cache(tokens))
    place = sorted(tmp_path.glob("*.lac"), key=lambda path: path.stat().st_mtime_ns)[1]  # the one before the last: ends go first
    data = bytearray(place.read_bytes())
    data[len(data) // 2] ^= 1
    other = lacodec.kv.encode(cache(range(8)))
    place.write_bytes(
        {
            "flip": bytes(data),
            "cut": bytes(data[:-9]),
            "empty": b"",
            "other codec": lacodec.encode(b"x" * 999),
            "other cache": other,
            "other model": lacodec.kv.encode(cache(range(CHUNK)), Model(fingerprint="a")),
        }[damage]
    )
    with pytest.warns(RuntimeWarning, match="damaged entry was removed"):
        n, found = store.get(tokens, to="numpy")
    assert n == 32 and same(found, tokens) and not place.exists()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert store.get(tokens, to="numpy")[0] == 32
        assert store.put(tokens, cache(tokens)) == 64 and same(store.get(tokens, to="numpy")[1], tokens)


def test_two_processes(tmp_path):
    """Both put and get prompts that begin alike, in a folder too small for them: what is found is right, and the limit holds."""
    code = (
        "import sys, warnings, random\n"
        "warnings.simplefilter('error')\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from test_store import CHUNK, cache, same\n"
        "import lacodec.kv\n"
        "store = lacodec.kv.Store(sys.argv[2], 20000, chunk=CHUNK)\n"
        "chance, found = random.Random(int(sys.argv[3])), 0\n"
        "for _ in range(20):\n"
        "    tokens = list(range(chance.choice((32, 48)))) + [chance.randrange(4)] * 40\n"
        "    n, pairs = store.get(tokens, to='numpy')\n"
        "    assert not n or same(pairs, tokens)\n"
        "    found += n\n"
        "    store.put(tokens, cache(tokens))\n"
        "    assert store.size() <= store.limit\n"
        "assert found\n"
    )
    from pathlib import Path

    here = Path(__file__).parent
    arguments = [sys.executable, "-c", code, str(here), str(tmp_path)]
    running = [subprocess.Popen([*arguments, str(seed)], stderr=subprocess.PIPE, text=True) for seed in (1, 2)]
    for process in running:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    assert not [path for path in tmp_path.iterdir() if path.suffix != ".lac" and path.name != ".lock"], (
        "temporary files were left"
    )


def test_refused(tmp_path):
    store, tokens = lacodec.kv.Store(tmp_path, 1 << 20, chunk=CHUNK), list(range(64))
    for wrong in ({"limit": 0}, {"limit": 1.5}, {"limit": 9, "chunk": 0}, {"limit": 9, "effort": 0}, {"limit": 9, "nonsense": 1}):
        with pytest.raises(BadInput):
            lacodec.kv.Store(tmp_path, **wrong)
    for ids, value in ((tokens, cache(tokens[:40])), ([0.5], cache(tokens)), ([tokens, tokens], cache(tokens)), (tokens, 3)):
        with pytest.raises(BadInput):
            store.put(ids, value)
    two = [(k.repeat(2, 0), v.repeat(2, 0)) for k, v in cache(tokens)]
    with pytest.raises(BadInput, match="batch of 2"):
        store.put(tokens, two)
    with pytest.raises(BadInput, match="give one of"):
        store.get(tokens, to="jax")
