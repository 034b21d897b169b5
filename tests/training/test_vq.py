"""Training of codec `image.vq`: words by distance and bits; predictors that code as well as their training says."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lacodec.codecs.image.vq._payload import encode_indices  # noqa: E402
from lacodec.models.vq.network import VectorNetwork, nearest_pairs  # noqa: E402
from lacodec.models.vq.options import BOOKS, VectorOptions  # noqa: E402
from lacodec.training.vq import network as training  # noqa: E402
from lacodec.training.vq.network import Usage  # noqa: E402
from lacodec.training.vq.predictor import Parents, split, train_predictor  # noqa: E402

_OPTIONS = VectorOptions(
    vector=3, latents=4, analysis_coarse=0, analysis_fine=0, synthesis_coarse=0, synthesis_fine=0, concealed=2
)


def quiet(text):
    pass


def test_common_words_are_cheap():
    usage = Usage(VectorNetwork(_OPTIONS))
    usage.network.book(8)[1] = 1
    usage.network.prices.fill_(0.1)
    between = torch.full((64, 3), 0.5001)  # a little nearer to word 1
    assert (usage.choose(between, 8) == 1).all()
    usage.counts[8][0] = 10_000
    assert (usage.choose(between, 8) == 0).all()


class Noise:
    """Pictures of one colour each, near a few."""

    def sample(self, count, side, generator):
        base = torch.randint(0, 4, (count, 3, 1, 1), generator=generator) * 64.0
        return (base + torch.randn(count, 3, 1, 1, generator=generator)).expand(-1, -1, side, side)


def test_books_are_near_the_vectors(monkeypatch):
    torch.manual_seed(1)
    monkeypatch.setattr(training, "_BATCHES", 2000)
    usage, said = Usage(VectorNetwork(_OPTIONS).requires_grad_(False)), []
    training.make_books(usage, Noise(), training.NetworkTraining(1, side=16), said.append)
    network, prices = usage.network, usage.network.prices
    drawn = network.vectors(Noise().sample(4096, 16, torch.Generator().manual_seed(2)))[:, :, 0, 0]
    assert len(said) == len(BOOKS) + 1 and prices[0] > prices[1] > prices[4] > 0 and prices[5] > 0
    far, further = ((drawn - usage.decoded(drawn, level)).square().sum(1).mean() for level in (4, 5))
    assert float(far) < 0.01 * float(drawn.var(0).sum())
    assert float(further) < 0.02 * float(drawn.var(0).sum())


def test_the_synthesis_learns(monkeypatch):
    torch.manual_seed(1)
    monkeypatch.setattr(training, "_WARM", 1)
    network = VectorNetwork(VectorOptions(3, 4, 0, 0, 0, 1, 4, 4, 2)).requires_grad_(False)
    network.book(4096).normal_()
    usage, pictures = Usage(network), Noise().sample(64, 16, torch.Generator().manual_seed(3))

    def error():
        vectors = usage.decoded(network.vectors(pictures)[:, :, 0, 0], 4)
        return float((network.pixels(vectors[:, :, None, None], torch.full((64,), 4)) - pictures).square().mean())

    before = error()
    training.train_synthesis(usage, Noise(), None, training.NetworkTraining(0.05, side=16, rate=0.02), quiet)
    assert error() < 0.8 * before and not any(value.requires_grad for value in network.parameters())


def test_pairs_are_as_cheap_as_any():
    torch.manual_seed(1)
    vectors, first, second = torch.randn(50, 3), torch.randn(20, 3), torch.randn(9, 3) / 4
    costs = torch.rand(20), torch.rand(9)
    one, other = nearest_pairs(vectors, (first, second), costs, tried=20)
    sums = (first[:, None] + second).view(-1, 3)
    every = (vectors[:, None] - sums).square().sum(2) + (costs[0][:, None] + costs[1]).view(-1)
    assert torch.equal(one * 9 + other, every.argmin(1))
    assert [len(found) for found in nearest_pairs(vectors[:0], (first, second), costs)] == [0, 0]


def series(rng, size):
    """Each index is mostly the next of the one to its left."""
    steps = (rng.random((12, 20)) < 0.1) * rng.integers(0, size, (12, 20)) + 1
    return (np.cumsum(steps, axis=1) % size).astype(np.int32)


def test_a_predictor_codes_as_well_as_it_learned():
    rng = np.random.default_rng(1)
    predictor, _ = train_predictor([series(rng, 8) for _ in range(20)], 8, 2, quiet)
    again, bits = train_predictor([series(rng, 8) for _ in range(20)], 8, 2, quiet, predictor)
    assert bits < 1.5
    new = [series(rng, 8) for _ in range(20)]
    coded = 8 * sum(len(encode_indices(one[None], [again], False)) for one in new) / sum(one.size for one in new)
    assert abs(coded - bits) < 0.4
    finer = split(again, np.arange(16) // 2, np.ones(16))
    doubled = [(2 * one + rng.integers(0, 2, one.shape)).astype(np.int32) for one in new]
    more = 8 * sum(len(encode_indices(one[None], [finer], False)) for one in doubled) / sum(one.size for one in new)
    assert abs(more - coded - 1) < 0.2


def test_a_second_layer_is_told_by_the_first():
    rng = np.random.default_rng(2)
    firsts = [rng.integers(0, 8, (12, 20)).astype(np.int32) for _ in range(20)]
    noise = [(rng.random(one.shape) < 0.05) * rng.integers(0, 16, one.shape) for one in firsts]
    seconds = [((2 * one + other) % 16).astype(np.int32) for one, other in zip(firsts, noise, strict=True)]
    first, _ = train_predictor(firsts, 8, 1, quiet)
    second, bits = train_predictor(seconds, 16, 3, quiet, parents=Parents(firsts, first.embed))
    again, _ = train_predictor(seconds, 16, 0.1, quiet, second, Parents(firsts, first.embed))
    assert bits < 1
    for layer in (second, again):
        alone = sum(len(encode_indices(one[None], [first], False)) for one in firsts)
        pairs = zip(firsts, seconds, strict=True)
        both = sum(len(encode_indices(np.stack(pair), [first, layer], False)) for pair in pairs)
        assert abs(8 * (both - alone) / sum(one.size for one in firsts) - bits) < 0.4
