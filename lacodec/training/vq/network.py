"""Training of the network and books of codec `image.vq`.

    start      transforms of an `image.learned` model; main components of its latents as the synthesis sees them
    books      k-means with bits (entropy-constrained vector quantisation, Chou, Lookabaugh and Gray 1989) of photos' vectors;
               the second layer's of what the first leaves
    synthesis  vectors --words by distance and bits, some of them lost--> pixels: squared error, and a task loss

A word costs its squared distance and its bits, by how often it is chosen, at a price that is in proportion to what errors are.
The smaller books are k-means of the largest. Only the synthesis learns by gradients: where the analysis did, vectors and words
drifted apart. Each picture of a batch draws its book, or two layers, and how much a bit is worth; of some, vectors are lost and
guessed from others. What is kept is the mean of the weights over the last steps.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from lacodec.models.image.model import ImageModel
from lacodec.models.vq.network import VectorNetwork, nearest, nearest_pairs
from lacodec.models.vq.options import BOOKS, RESIDUAL, VectorOptions
from lacodec.training.pictures import Pictures
from lacodec.training.task_loss import TaskLoss
from lacodec.training.vq.conceal import known_places

_LARGEST = BOOKS[-1]
_SHARES = (0.02, 0.03, 0.05, 0.2, 0.1, 0.6)  # of the levels in training
_PRICE = 0.06  # of a bit, of the mean squared distance, while books are made
_LAYERED = 3.0 / 49  # with two layers, of the mean squared distance that the first one leaves
_SPREAD = 0.6  # of the logarithm of prices in training
_LOST = 0.15  # of pictures lose some vectors in training
_LOWER = (1, 1, 1, 0.33, 0.12)  # prices that are kept, by book: bits are for the largest ones to spend
_START_BATCHES = 150
_BATCHES, _ROUNDS, _SMALL_ROUNDS = 1200, 12, 16  # of vectors for books; of k-means for the largest, and for the others
_FIRST_ROUNDS = 4  # of bits of the first layer's words, before the second layer's are made
_KEPT = 0.998  # of how often words have been chosen, at each step
_MEAN = 0.999  # of the mean of the weights, at each step
_MOST_GRADIENT = 2000.0
_WARM, _REPORT = 100, 100  # steps: of a rising rate, between reports


@dataclass(frozen=True)
class NetworkTraining:
    """minutes: by the clock. side, batch: of crops."""

    minutes: float
    side: int = 256
    batch: int = 2
    rate: float = 5e-4
    seed: int = 1


class Usage:
    """How often the words of each book are chosen, which tells their bits."""

    def __init__(self, network: VectorNetwork) -> None:
        self.network = network
        self.counts = {size: torch.ones(size) for size in BOOKS}
        self.pairs = torch.ones(_LARGEST), torch.ones(RESIDUAL)

    @torch.no_grad()
    def choose(self, vectors: Tensor, size: int, kept: float = _KEPT, factor: float = 1) -> Tensor:
        """Words of float32[n, D], by distance and bits. kept: what is left of the counts before. factor: of the price."""
        price = factor * self.network.prices[BOOKS.index(size)]
        words = nearest(vectors, self.network.book(size), price * bits(self.counts[size]))
        _count(self.counts[size], words, kept)
        return words

    @torch.no_grad()
    def choose_pairs(self, vectors: Tensor, kept: float = _KEPT, factor: float = 1) -> tuple[Tensor, Tensor]:
        """Words of both layers."""
        price = factor * self.network.prices[-1]
        books = self.network.book(_LARGEST), self.network.residual
        one, other = (price * bits(counts) for counts in self.pairs)
        words = nearest_pairs(vectors, books, (one, other))
        for counts, found in zip(self.pairs, words, strict=True):
            _count(counts, found, kept)
        return words

    @torch.no_grad()
    def decoded(self, vectors: Tensor, level: int, factor: float = 1) -> Tensor:
        """What float32[n, D] become. level: a place in `BOOKS`, or the one after."""
        if level < len(BOOKS):
            return self.network.book(BOOKS[level])[self.choose(vectors, BOOKS[level], factor=factor)]
        first, second = self.choose_pairs(vectors, factor=factor)
        return self.network.book(_LARGEST)[first] + self.network.residual[second]


def bits(counts: Tensor) -> Tensor:
    """Of words that have occurred so often."""
    return -_chances(counts).log2()


def _count(counts: Tensor, words: Tensor, kept: float) -> None:
    counts.mul_(kept).add_(torch.bincount(words, minlength=len(counts)))


def _chances(counts: Tensor) -> Tensor:
    return (counts + 0.5) / (counts + 0.5).sum()


def start_network(free: ImageModel, pictures: Pictures, training: NetworkTraining) -> VectorNetwork:
    """Transforms of a model of `image.learned` at its lowest quality, and components; books are still to be made."""
    generator = torch.Generator().manual_seed(training.seed)
    network = VectorNetwork(VectorOptions(latents=free.options.latents))
    for new, old in ((network.analysis, free.analysis), (network.synthesis, free.synthesis)):
        names = set(new.state_dict())
        state = {name: value for name, value in old.state_dict().items() if name in names}
        lowest = {name: value[:1].expand_as(value) for name, value in state.items() if name.endswith(("quality", "gain"))}
        new.load_state_dict({**state, **lowest}, strict=False)
    with torch.no_grad():
        found = []
        for _ in range(_START_BATCHES):
            batch = pictures.sample(2 * training.batch, training.side, generator)
            found.append(network.analysis(batch, batch.new_zeros(len(batch))).permute(0, 2, 3, 1).flatten(0, 2))
        latents = torch.cat(found).double()
        mean = latents.mean(0)
        seen = network.synthesis.linear.weight[:, :, 0, 0].double() * network.synthesis.gain[0].double().exp()
        shown = (latents - mean) @ seen.t()
        _, axes = torch.linalg.eigh(shown.t() @ shown / len(shown))
        project = axes.flip(1)[:, : network.options.vector].t() @ seen
        vectors = (latents - mean) @ project.t()
        expand = torch.linalg.solve(vectors.t() @ vectors, vectors.t() @ (latents - mean)).t()
        for layer, weight, bias in ((network.project, project, -project @ mean), (network.expand, expand, mean)):
            assert layer.bias is not None
            layer.weight.copy_(weight.float()[:, :, None, None])
            layer.bias.copy_(bias.float())
    return network


@torch.no_grad()
def make_books(usage: Usage, pictures: Pictures, training: NetworkTraining, report: Callable[[str], None]) -> None:
    """Give all books words that suit the vectors of the pictures, and prices."""
    generator = torch.Generator().manual_seed(training.seed)
    network, prices = usage.network, dict(zip(BOOKS, usage.network.prices[: len(BOOKS)], strict=True))
    found = [_vectors(network, pictures.sample(2 * training.batch, training.side, generator)) for _ in range(_BATCHES)]
    everything, largest = torch.cat(found).flatten(0, 2), network.book(_LARGEST)
    largest.copy_(everything[torch.randperm(len(everything), generator=generator)[:_LARGEST]])
    for _ in range(_ROUNDS):
        words = usage.choose(everything, _LARGEST, 0)
        total, counts = torch.zeros_like(largest).index_add_(0, words, everything), usage.counts[_LARGEST]
        prices[_LARGEST].fill_(_PRICE * _distance(everything, largest[words]))
        largest.copy_(torch.where(counts[:, None] > 0, total / counts[:, None].clamp(min=1), largest))
    for size in BOOKS[-2::-1]:
        first = largest[torch.randperm(_LARGEST, generator=generator)[:size]]
        book = network.book(size).copy_(k_means(largest, first, counts.clamp(min=1e-3), _SMALL_ROUNDS))
        for _ in range(3):
            prices[size].fill_(_PRICE * _distance(everything, book[usage.choose(everything, size, 0)]))
    network.prices[: len(BOOKS)].mul_(torch.tensor(_LOWER))
    for size in BOOKS:
        usage.choose(everything, size, 0)
        report(f"book of {size}: {_entropy(usage.counts[size]):.2f} bits, a bit for a squared distance of {prices[size]:.2f}")
    make_residual(usage, everything, report)


@torch.no_grad()
def make_residual(usage: Usage, vectors: Tensor, report: Callable[[str], None], seed: int = 0) -> None:
    """Give the second layer words that suit what the first leaves of float32[n, D], and two layers their price."""
    network, generator = usage.network, torch.Generator().manual_seed(seed)
    largest, residual = network.book(_LARGEST), network.residual
    price = network.prices[-1].fill_(_LAYERED * _distance(vectors, largest[nearest(vectors, largest)]))
    one, other = usage.pairs
    for _ in range(_FIRST_ROUNDS):
        words = nearest(vectors, largest, price * bits(one))
        _count(one, words, 0)
    left = vectors - largest[words]
    residual.copy_(left[torch.randperm(len(left), generator=generator)[:RESIDUAL]])
    for _ in range(_ROUNDS):
        words = nearest(left, residual, price * bits(other))
        _count(other, words, 0)
        total = torch.zeros_like(residual).index_add_(0, words, left)
        residual.copy_(torch.where(other[:, None] > 0, total / other[:, None].clamp(min=1), residual))
    for _ in range(_ROUNDS):
        first, second = usage.choose_pairs(vectors, 0)
    network.residual_bits.copy_(bits(other))
    far = _distance(vectors, largest[first] + residual[second])
    report(f"two layers: {_entropy(one):.2f} and {_entropy(other):.2f} bits, squared distance {far:.1f}")


def _entropy(counts: Tensor) -> float:
    return float((_chances(counts) * bits(counts)).sum())


def _distance(vectors: Tensor, words: Tensor) -> float:
    """The mean squared distance."""
    return float((vectors - words).square().sum(1).mean())


def train_synthesis(
    usage: Usage, pictures: Pictures, task: TaskLoss | None, training: NetworkTraining, report: Callable[[str], None]
) -> None:
    """Train what makes pixels of words, in place; `network.conceal` has been trained."""
    rng, generator = np.random.default_rng(training.seed), torch.Generator().manual_seed(training.seed + 1)
    network = usage.network
    if task is not None:
        task.measure(pictures.sample(2 * training.batch, training.side, generator))
    for part in (network.expand, network.synthesis):
        part.requires_grad_(True)
    parameters = [*network.expand.parameters(), *network.synthesis.parameters()]
    optimiser = torch.optim.AdamW(parameters, training.rate, betas=(0.9, 0.98), weight_decay=0)
    means = [parameter.detach().clone() for parameter in parameters]
    begun, step, shown = time.monotonic(), 0, torch.zeros(2)
    while (done := (time.monotonic() - begun) / 60 / training.minutes) < 1:
        for group in optimiser.param_groups:
            group["lr"] = training.rate * min(1, (step + 1) / _WARM) * (1 - done) ** 0.7 + 1e-6
        pixels = pictures.sample(training.batch, training.side, generator)
        levels = torch.multinomial(torch.tensor(_SHARES), len(pixels), True, generator=generator)
        factors = (torch.rand(len(pixels), generator=generator) * 2 - 1).mul(_SPREAD).exp()
        with torch.no_grad():
            chosen = _chosen(usage, _vectors(network, pixels), levels, factors).permute(0, 3, 1, 2)
            lossy = rng.random(len(chosen)) < _LOST
            known = [known_places(rng, *chosen.shape[2:]) if some else np.ones(chosen.shape[2:], np.float32) for some in lossy]
            chosen = network.conceal(chosen, torch.from_numpy(np.stack(known))[:, None])
        with torch.autocast("cpu", torch.bfloat16):
            decoded = network.pixels(chosen, levels).float()
        error = (decoded - pixels).square().mean()
        features = error.new_zeros(()) if task is None else task(pixels, decoded.clamp(-20, 275)).mean()
        optimiser.zero_grad()
        (error + features).backward()
        nn.utils.clip_grad_norm_(parameters, _MOST_GRADIENT)
        optimiser.step()
        for mean, parameter in zip(means, parameters, strict=True):
            mean.lerp_(parameter.detach(), max(1 - _MEAN, 1 / (step + 1)))
        shown += torch.stack([error, features]).detach() / _REPORT
        step += 1
        if step % _REPORT == 0:
            report(f"synthesis: step {step}, {100 * done:.0f} %, squared error {shown[0]:.0f}, task {shown[1]:.0f}")
            shown.zero_()
    network.requires_grad_(False)
    for mean, parameter in zip(means, parameters, strict=True):
        parameter.copy_(mean)


def k_means(vectors: Tensor, words: Tensor, weights: Tensor, rounds: int) -> Tensor:
    """Words that have been moved so often to the mean of what is nearest to them; one without any takes a far vector's place."""
    for _ in range(rounds):
        choice = nearest(vectors, words)
        count = torch.zeros(len(words)).index_add_(0, choice, weights)
        total = torch.zeros_like(words).index_add_(0, choice, vectors * weights[:, None])
        far = ((vectors - words[choice]).square().sum(1) * weights).topk(len(words)).indices
        words = torch.where(count[:, None] > 0, total / count[:, None].clamp(min=1e-9), vectors[far])
    return words


def _chosen(usage: Usage, vectors: Tensor, levels: Tensor, factors: Tensor) -> Tensor:
    """What float32[n, h, w, D] become, each picture at its level and price."""
    told = zip(vectors, levels.tolist(), factors.tolist(), strict=True)
    return torch.stack([usage.decoded(one.flatten(0, 1), level, factor).view_as(one) for one, level, factor in told])


def _vectors(network: VectorNetwork, pixels: Tensor) -> Tensor:
    """float32[n, h, w, D]."""
    with torch.autocast("cpu", torch.bfloat16):
        return network.vectors(pixels).float().permute(0, 2, 3, 1)
