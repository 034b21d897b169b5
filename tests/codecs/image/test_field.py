"""Codec `image.field`: round trips, the same samples in another process, parts, forged files."""

import subprocess
import sys
from functools import partial

import numpy as np
import pytest

import lacodec
from lacodec.codecs.image.field import _fit, _start, codec
from lacodec.codecs.image.field import _network as net
from lacodec.codecs.image.field._kernel import OWN, PAD, PARENT
from lacodec.codecs.image.field._payload import Field, decode_field, encode_field
from lacodec.codecs.image.field._rows import soften
from lacodec.codecs.image.field._soap import Layer
from lacodec.container import Reader
from lacodec.errors import BadInput, CorruptFile, LacodecError
from lacodec.io.source import BytesSource
from lacodec.testing import photo


@pytest.fixture(autouse=True)
def short_fit(monkeypatch):
    """How well a picture is fitted is judged by one test."""
    monkeypatch.setitem(codec._STEPS, 1, 12)


def encode(pixels, **options):
    return lacodec.encode(pixels, "image.field", effort=1, **options)


def psnr(a, b):
    return 10 * np.log10(255**2 / max(1e-9, np.square(a.astype(float) - b).mean()))


def random_field(shape, seed=1, spread=3.0):
    """Latents and weights of all sizes."""
    rng = np.random.default_rng(seed)
    latents = [np.rint(rng.laplace(0, spread, each)).astype(np.int32) for each in net.level_shapes(*shape[:2])]
    found, number = [], int(rng.integers(len(_start.PRICES)))
    for start in _start.networks(shape[2], number):
        changes = [np.rint(rng.normal(0, 40, each.shape)).astype(np.int64) for each in start]
        found.append(net.Network(changes, rng.integers(5, 11, len(start)).tolist(), start))
    return Field(number, latents, *found)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 40, 3), (33, 2, 1), (24, 30, 2), (21, 35, 4)])
def test_round_trips_of_any_size(shape):
    pixels = photo(*shape)
    encoded = encode(pixels, quality=90, verify=True)
    decoded = lacodec.decode(encoded).pixels
    assert decoded.shape == pixels.shape and decoded.dtype == np.uint8
    if shape[2] in (2, 4):
        assert np.array_equal(decoded[:, :, -1], pixels[:, :, -1])


def test_quality_decides_size_and_error(monkeypatch):
    monkeypatch.setitem(codec._STEPS, 1, 100)
    pixels = photo(48, 64)
    small, large = (encode(pixels, quality=quality) for quality in (20, 90))
    assert len(small) < len(large)
    assert psnr(lacodec.decode(small).pixels, pixels) < psnr(lacodec.decode(large).pixels, pixels)


@pytest.mark.parametrize("spread", [0.3, 3.0, 900.0])
def test_latents_of_any_size_come_back(spread):
    field = random_field((37, 50, 3), spread=spread)
    restored = decode_field(encode_field(field), (37, 50, 3))
    for mine, other in zip(field.latents, restored.latents, strict=True):
        assert np.array_equal(mine, other)
    for mine, other in ((field.context, restored.context), (field.synthesis, restored.synthesis)):
        assert all(np.array_equal(a, b) for a, b in zip(mine.weights, other.weights, strict=True))


def test_another_process_gives_the_same_samples(tmp_path):
    pixels = photo(30, 44)
    (tmp_path / "x.lac").write_bytes(encode(pixels))
    command = "import sys, lacodec; sys.stdout.buffer.write(lacodec.decode(sys.argv[1]).pixels.tobytes())"
    done = subprocess.run([sys.executable, "-c", command, tmp_path / "x.lac"], check=True, capture_output=True)
    assert done.stdout == lacodec.decode(tmp_path / "x.lac").pixels.tobytes()


def test_tiles_decode_alone(monkeypatch):
    monkeypatch.setattr(codec, "_SIDE", 32)
    pixels = photo(50, 70)
    encoded = encode(pixels)
    whole = lacodec.decode(encoded).pixels
    with lacodec.open(encoded) as opened:
        assert np.array_equal(opened[20:45, 10:40], whole[20:45, 10:40])


def test_forged_files_raise_only_our_errors():
    encoded = encode(photo(20, 24))
    payload = Reader(BytesSource(encoded)).chunk(0).payload
    rng = np.random.default_rng(3)
    for _ in range(60):
        mutant = bytearray(payload)
        mutant[rng.integers(len(mutant))] ^= 1 << rng.integers(8)
        try:
            decode_field(bytes(mutant[2 : rng.integers(3, len(mutant))]), (20, 24, 3))
        except LacodecError:
            continue
    with pytest.raises(CorruptFile, match="no valid head"):
        decode_field(bytes([len(_start.PRICES)]) + bytes(payload[3:]), (20, 24, 3))
    with pytest.raises(CorruptFile):
        lacodec.decode(encoded.replace(payload, payload[:-1] + bytes([payload[-1] ^ 1])))


def test_wrong_options_are_refused():
    with pytest.raises(BadInput):
        lacodec.codec("image.field", quality=0)


@pytest.mark.parametrize("shape", [(9, 14, 3), (2, 5, 1)])
def test_gradients_are_those_of_error_and_bits(shape, monkeypatch):
    """Against differences of the cost, as plain numpy in double precision has it."""
    monkeypatch.setattr(_fit, "adam", lambda *_: None)
    monkeypatch.setattr(_fit.Layer, "step", lambda *_: None)
    model, rng = _fit.Model(photo(*shape), 300.0, 3), np.random.default_rng(2)
    model.latents.values[:] = np.rint(rng.normal(0, 2, model.latents.values.shape))
    for each in (*model.context, *model.synthesis):
        each.values += rng.normal(0, 0.1, each.values.shape).astype(np.float32)
    model.context[-1].values[:] = 0.3, 1.5
    model.step(_fit.Rates(0.0, 0.0, 0.0), None)
    groups = [[model.latents], model.context, model.synthesis]
    arrays = [[each.values.astype(np.float64) for each in group] for group in groups]
    for group, values in zip(groups, arrays, strict=True):
        for each, array in zip(group, values, strict=True):
            for _ in range(4):
                place = tuple(rng.integers(n) for n in array.shape)
                start, costs = array[place], []
                for apart in (-1e-5, 1e-5):
                    array[place] = start + apart
                    costs.append(cost(model._pixels, 300.0, arrays))
                array[place] = start
                slope, largest = (costs[1] - costs[0]) / 2e-5, float(np.abs(each.slopes).max())
                assert abs(slope - each.slopes[place]) <= 2e-3 * largest + 1e-4


def cost(pixels, price, arrays):
    """Mean squared error + price x bits per pixel of latents that are as they are, and of weights."""
    (flat,), context, (first, first_bias, second, second_bias, *filters) = arrays
    height, width = pixels.shape[:2]
    levels, at = [], 0
    for rows, columns in net.level_shapes(height, width):
        levels.append(flat[at : at + rows * columns].reshape(rows, columns))
        at += rows * columns
    features = [level * net.GAIN for level in levels]
    for k in range(net.LEVELS - 1, 0, -1):
        for coarse in range(k, net.LEVELS):
            features[coarse] = wider(wider(features[coarse], levels[k - 1].shape[0], 0), levels[k - 1].shape[1], 1)
    picture = np.maximum(np.stack(features, 2) @ first + first_bias, 0) @ second + second_bias
    for weights, bias in zip(filters[::2], filters[1::2], strict=True):
        padded = np.pad(picture, ((1, 1), (1, 1), (0, 0)), mode="edge")
        parts = [padded[dy : dy + height, dx : dx + width] @ weights[:, :, dy, dx].T for dy in range(3) for dx in range(3)]
        picture = picture + sum(parts) + bias
    parents = [*levels[1:], np.zeros((1, 1))]
    bits = sum(bits_of(level, parent, context, k) for k, (level, parent) in enumerate(zip(levels, parents, strict=True)))
    return np.square(picture * 255.0 - pixels).mean() + price * bits / (height * width)


def wider(level, size, axis):
    level = np.moveaxis(level, axis, 0)
    last, places = len(level) - 1, np.arange(size)
    other = np.clip(places // 2 + np.where(places % 2, 1, -1), 0, last)
    return np.moveaxis(0.75 * level[places // 2] + 0.25 * level[other], 0, axis)


def bits_of(level, parent, context, k):
    first, first_biases, second, second_bias, last, last_bias = context
    own, coarse, (rows, columns) = np.pad(level, PAD), np.pad(parent, PAD), level.shape
    seen = [own[PAD + dy : PAD + dy + rows, PAD + dx : PAD + dx + columns] for dy, dx in OWN]
    y, x = np.mgrid[0:rows, 0:columns] // 2 + PAD
    seen += [coarse[y + dy, x + dx] for dy, dx in PARENT]
    hidden = np.maximum(np.stack(seen, 2) @ first + first_biases[k], 0)
    mean, size = np.moveaxis(np.maximum(hidden @ second + second_bias, 0) @ last + last_bias, 2, 0)
    slope, apart = np.exp2(-np.clip(size, -6.0, 5.8)), np.abs(level - mean)
    chance = 1 / (1 + np.exp((apart - 0.5) * slope)) - 1 / (1 + np.exp((apart + 0.5) * slope))
    return -np.log2(np.maximum(chance, 1e-300)).sum()


@pytest.mark.parametrize("softness", [0.08, 0.3])
def test_soft_rounding(softness):
    """Whole numbers stay, others come nearer to one, and slopes are those of the result."""
    values = np.linspace(-3, 3, 601, dtype=np.float32)[None]
    out, slopes, other = (np.zeros_like(values) for _ in range(3))
    soften(values, np.zeros_like(values), softness, 1.0, out, slopes)
    assert np.all(np.abs(out - np.rint(values)) <= np.abs(values - np.rint(values)) + 1e-3)
    assert np.allclose(out[0, ::100], values[0, ::100], atol=1e-3)
    soften(values + np.float32(1e-3), np.zeros_like(values), softness, 1.0, other, np.zeros_like(values))
    inside = np.abs(values - np.floor(values) - 0.5) < 0.45
    assert np.allclose((other - out)[inside] / 1e-3, slopes[inside], rtol=0.1, atol=0.1)


def layer_of(shape, outputs):
    """A layer of zeros, and its weights and biases, each as (values, slopes)."""
    weights, biases = ((np.zeros(each, np.float32), np.zeros(each, np.float32)) for each in (shape, outputs))
    return Layer(weights, biases), weights, biases


@pytest.mark.parametrize("shape", [(6, 4), (4, 2, 3, 3)])
def test_soap_goes_down_a_narrow_valley(shape):
    """Where outputs depend on inputs that are nearly the same, which takes plain descent very long."""
    rng, is_filter = np.random.default_rng(5), len(shape) == 4
    layer, weights, biases = layer_of(shape, 4)
    inputs = np.ones((200, 1)) + rng.normal(0, 0.05, (200, int(np.prod(shape)) // 4))
    wanted = inputs @ rng.normal(0, 1, (inputs.shape[1], 4)) + 3.0
    for _ in range(600):
        matrix = weights[0].reshape(4, -1).T if is_filter else weights[0]
        error = inputs @ matrix + biases[0] - wanted
        slopes = inputs.T @ error / len(inputs)
        weights[1][:] = (slopes.T if is_filter else slopes).reshape(shape)
        biases[1][:] = error.mean(0)
        layer.step(0.05)
        assert not weights[1].any() and not biases[1].any()
    assert np.square(error).mean() < 0.02 * np.square(wanted - wanted.mean(0)).mean()


def test_soap_survives_any_gradient():
    layer, weights, biases = layer_of((4, 3), 3)
    for size in (0.0, 1e-20, 1.0, 1e15, 0.0, 1e-10):
        weights[1][:], biases[1][:] = size, -size
        layer.step(0.05)
        assert np.isfinite(weights[0]).all() and np.abs(weights[0]).max() < 1.0


def test_two_threads_find_the_same_field():
    fields = [_fit.fit(photo(20, 24, 3), 200.0, 12, lambda: None, threads) for threads in (1, 2)]
    assert encode_field(fields[0]) == encode_field(fields[1])


def test_long_fits_try_the_starts_of_the_next_prices(monkeypatch):
    """The one that costs least after a few steps is kept, whichever it is."""
    monkeypatch.setattr(_fit, "_TRIED_FROM", 40)
    pixels, best = photo(40, 56), {}
    for price in (1.0, 200.0, 1e5):
        tried = {}
        for begin in range(len(_start.PRICES)):
            model = _fit.Model(pixels, price, begin)
            _fit.fit_softly(model, int(60 * _fit._SOFT), lambda: None, (0, 3))
            tried[begin] = model.cost()
        near = _start.nearest(price)
        best[price] = min((k for k in tried if abs(k - near) < 2), key=tried.get)
        steps = []
        assert _fit.fit(pixels, price, 60, partial(steps.append, 1)).start == best[price]
        assert len(steps) == 60
    assert any(begin != _start.nearest(price) for price, begin in best.items())


def test_more_steps_pay():
    pixels, costs = photo(48, 64), []
    for steps in (10, 300):
        field = _fit.fit(pixels, 200.0, steps, lambda: None)
        error = np.square(net.synthesise(field.latents, field.synthesis) - pixels.astype(float)).mean()
        costs.append(error + 200.0 * 8 * len(encode_field(field)) / (48 * 64))
    assert costs[1] < 0.8 * costs[0]
