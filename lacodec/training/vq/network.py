"""Training of the network and books of codec `image.vq`.

    start      transforms of an `image.learned` model; main components of its latents as the synthesis sees them
    books      k-means with bits (entropy-constrained vector quantisation, Chou, Lookabaugh and Gray 1989) of photos' vectors
    synthesis  vectors --words by distance and bits--> pixels: squared error, and a task loss where there is one

A word costs its squared distance and its bits, by how often it is chosen, at a price that is in proportion to what errors are.
The smaller books are k-means of the largest. Only the synthesis learns by gradients: where the analysis did, vectors and words
drifted apart. Each picture of a batch draws its book.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lacodec.models.image.model import ImageModel
from lacodec.models.vq.network import VectorNetwork, nearest
from lacodec.models.vq.options import BOOKS, VectorOptions
from lacodec.training.pictures import Pictures
from lacodec.training.task_loss import TaskLoss

_LARGEST = BOOKS[-1]
_SHARES = (0.02, 0.04, 0.09, 0.3, 0.55)  # of the books in training
_PRICE = 0.06  # of a bit, of the mean squared distance, while books are made
_LOWER = (1, 1, 1, 0.33, 0.12)  # prices that are kept, by book: bits are for the largest ones to spend
_START_BATCHES = 150
_BATCHES, _ROUNDS, _SMALL_ROUNDS = 1200, 12, 16  # of vectors for books; of k-means for the largest, and for the others
_KEPT = 0.998  # of how often words have been chosen, at each step
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

    @torch.no_grad()
    def choose(self, vectors: Tensor, size: int, kept: float = _KEPT) -> Tensor:
        """Words of float32[n, D], by distance and bits. kept: what is left of the counts before."""
        words = nearest(vectors, self.network.book(size), self.costs(size))
        self.counts[size].mul_(kept).add_(torch.bincount(words, minlength=size))
        return words

    def costs(self, size: int) -> Tensor:
        """float32[size]: what each word's bits are worth as a squared distance."""
        return self.network.prices[BOOKS.index(size)] * -_chances(self.counts[size]).log2()


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
    network, prices = usage.network, dict(zip(BOOKS, usage.network.prices, strict=True))
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
    network.prices.mul_(torch.tensor(_LOWER))
    for size in BOOKS:
        usage.choose(everything, size, 0)
        bits = float(-(_chances(usage.counts[size]) * _chances(usage.counts[size]).log2()).sum())
        report(f"book of {size}: {bits:.2f} bits, a bit for a squared distance of {prices[size]:.2f}")


def _distance(vectors: Tensor, words: Tensor) -> float:
    """The mean squared distance."""
    return float((vectors - words).square().sum(1).mean())


def train_synthesis(
    usage: Usage, pictures: Pictures, task: TaskLoss | None, training: NetworkTraining, report: Callable[[str], None]
) -> None:
    """Train what makes pixels of words, in place."""
    generator = torch.Generator().manual_seed(training.seed + 1)
    network = usage.network
    if task is not None:
        task.measure(pictures.sample(2 * training.batch, training.side, generator))
    for part in (network.expand, network.synthesis):
        part.requires_grad_(True)
    parameters = [*network.expand.parameters(), *network.synthesis.parameters()]
    optimiser = torch.optim.AdamW(parameters, training.rate, betas=(0.9, 0.98), weight_decay=0)
    begun, step, shown = time.monotonic(), 0, torch.zeros(2)
    while (done := (time.monotonic() - begun) / 60 / training.minutes) < 1:
        for group in optimiser.param_groups:
            group["lr"] = training.rate * min(1, (step + 1) / _WARM) * (1 - done) ** 0.7 + 1e-6
        pixels = pictures.sample(training.batch, training.side, generator)
        books = torch.multinomial(torch.tensor(_SHARES), len(pixels), True, generator=generator)
        with torch.no_grad():
            chosen = _chosen(usage, _vectors(network, pixels), books).permute(0, 3, 1, 2)
        with torch.autocast("cpu", torch.bfloat16):
            decoded = network.pixels(chosen, books).float()
        error = (decoded - pixels).square().mean()
        features = error.new_zeros(()) if task is None else task(pixels, decoded.clamp(-20, 275)).mean()
        optimiser.zero_grad()
        (error + features).backward()
        nn.utils.clip_grad_norm_(parameters, _MOST_GRADIENT)
        optimiser.step()
        shown += torch.stack([error, features]).detach() / _REPORT
        step += 1
        if step % _REPORT == 0:
            report(f"synthesis: step {step}, {100 * done:.0f} %, squared error {shown[0]:.0f}, task {shown[1]:.0f}")
            shown.zero_()
    network.requires_grad_(False)


def k_means(vectors: Tensor, words: Tensor, weights: Tensor, rounds: int) -> Tensor:
    """Words that have been moved so often to the mean of what is nearest to them; one without any takes a far vector's place."""
    for _ in range(rounds):
        choice = nearest(vectors, words)
        count = torch.zeros(len(words)).index_add_(0, choice, weights)
        total = torch.zeros_like(words).index_add_(0, choice, vectors * weights[:, None])
        far = ((vectors - words[choice]).square().sum(1) * weights).topk(len(words)).indices
        words = torch.where(count[:, None] > 0, total / count[:, None].clamp(min=1e-9), vectors[far])
    return words


def _chosen(usage: Usage, vectors: Tensor, books: Tensor) -> Tensor:
    """Of float32[n, h, w, D], words in the book of each picture."""
    found = []
    for one, book in zip(vectors, books.tolist(), strict=True):
        size = BOOKS[book]
        found.append(usage.network.book(size)[usage.choose(one.flatten(0, 1), size)].view_as(one))
    return torch.stack(found)


def _vectors(network: VectorNetwork, pixels: Tensor) -> Tensor:
    """float32[n, h, w, D]."""
    with torch.autocast("cpu", torch.bfloat16):
        return network.vectors(pixels).float().permute(0, 2, 3, 1)
