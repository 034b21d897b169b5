"""Training of codec `image.vq`: words by distance and bits; predictors that code as well as their training says."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lacodec.codecs.image.vq._payload import encode_indices  # noqa: E402
from lacodec.models.vq.network import VectorNetwork  # noqa: E402
from lacodec.models.vq.options import BOOKS, VectorOptions  # noqa: E402
from lacodec.training.vq import network as training  # noqa: E402
from lacodec.training.vq.network import Usage  # noqa: E402
from lacodec.training.vq.predictor import split, train_predictor  # noqa: E402

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
    assert len(said) == len(BOOKS) and prices[0] > prices[1] > prices[-1] > 0
    far = (drawn - network.book(4096)[usage.choose(drawn, 4096)]).square().sum(1).mean()
    assert float(far) < 0.01 * float(drawn.var(0).sum())


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
    coded = 8 * sum(len(encode_indices(one, again, False)) for one in new) / sum(one.size for one in new)
    assert abs(coded - bits) < 0.4
    finer = split(again, np.arange(16) // 2, np.ones(16))
    doubled = [(2 * one + rng.integers(0, 2, one.shape)).astype(np.int32) for one in new]
    more = 8 * sum(len(encode_indices(one, finer, False)) for one in doubled) / sum(one.size for one in new)
    assert abs(more - coded - 1) < 0.2
