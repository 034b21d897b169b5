"""Training of the network and books of codec `image.vq`.

    start      transforms of an `image.learned` model; main components of its latents as the synthesis sees them; k-means
    together   pixels --network, words by distance and bits--> pixels: squared error, and a task loss where there is one
    settled    k-means with bits (entropy-constrained vector quantisation, Chou, Lookabaugh and Gray 1989) of the photos' vectors
    synthesis  as together, but only the synthesis learns

A word costs its squared distance and its bits, by how often it is chosen, at a price that is in proportion to what errors are.
The analysis keeps its fine blocks; what is at 1/16 and the synthesis learn. Words of the largest book follow the vectors that
choose them, by running means; the smaller books are k-means of it. Each picture of a batch draws its book.
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
_TOGETHER = 0.3  # of the time
_PRICE = 0.06  # of a bit, of the mean squared distance
_SETTLED, _SETTLED_BATCHES = 12, 400  # rounds of k-means; batches of vectors for it
_KEPT_COUNTS = 0.998  # of how often words have been chosen, at each step
_START_BATCHES, _ROUNDS = 150, 8
_KEPT = 0.995  # of running means
_SLOWEST = 0.005  # of its usual share: a word that is chosen less often gets another place
_COMMIT = 25.0  # of the vectors' mean square
_MOST_GRADIENT = 2000.0
_WARM, _EVERY, _REPORT = 100, 20, 100  # steps: of a rising rate, between looks at the books, between reports


@dataclass(frozen=True)
class NetworkTraining:
    """minutes: by the clock. side, batch: of crops."""

    minutes: float
    side: int = 256
    batch: int = 2
    rate: float = 5e-4
    seed: int = 1


class Usage:
    """How often the words of each book are chosen, and how far from them the vectors are, by running means."""

    def __init__(self, network: VectorNetwork) -> None:
        self.network = network
        self.counts = {size: torch.ones(size) for size in BOOKS}
        self.errors: dict[int, float] = {}

    @torch.no_grad()
    def choose(self, vectors: Tensor, size: int) -> Tensor:
        """Words of float32[n, D], by distance and bits."""
        book = self.network.book(size)
        words = nearest(vectors, book, self.costs(size))
        error = float((vectors - book[words]).square().sum(1).mean())
        self.errors[size] = 0.98 * self.errors.get(size, error) + 0.02 * error
        self.counts[size].mul_(_KEPT_COUNTS).add_(torch.bincount(words, minlength=size))
        return words

    def costs(self, size: int) -> Tensor:
        """float32[size]: what each word's bits are worth as a squared distance."""
        counts = self.counts[size] + 0.5
        return self.price(size) * -torch.log2(counts / counts.sum())

    def price(self, size: int) -> float:
        """Of a bit."""
        return _PRICE * self.errors.get(size, 0.0)


class Means:
    """Running means of the vectors that choose each word of the largest book."""

    def __init__(self, network: VectorNetwork, usage: Usage) -> None:
        self.network, self.usage = network, usage
        self.counts = torch.full((_LARGEST,), 2.0)
        self.totals = network.book(_LARGEST) * 2

    @torch.no_grad()
    def add(self, vectors: Tensor) -> None:
        """Of float32[n, D]."""
        words = nearest(vectors, self.network.book(_LARGEST), self.usage.costs(_LARGEST))
        part = (1 - _KEPT) * 4
        self.counts.mul_(_KEPT).index_add_(0, words, torch.full((len(words),), part))
        self.totals.mul_(_KEPT).index_add_(0, words, vectors * part)
        live = self.counts > 0.02
        self.network.book(_LARGEST)[live] = (self.totals / self.counts[:, None])[live]

    @torch.no_grad()
    def renew(self, vectors: Tensor, generator: torch.Generator) -> None:
        """Words that are hardly chosen become one of `vectors`; then the smaller books follow."""
        dead = self.counts < 4 * len(vectors) / _LARGEST * _SLOWEST
        count = int(dead.sum())
        if count:
            drawn = vectors[torch.randint(len(vectors), (count,), generator=generator)]
            self.network.book(_LARGEST)[dead] = drawn
            self.totals[dead], self.counts[dead] = drawn * 0.05, 0.05
        for size in BOOKS[:-1]:
            words = self.network.book(_LARGEST)
            self.network.book(size).copy_(k_means(words, self.network.book(size), self.counts.clamp(min=1e-3), 2))


def start_network(free: ImageModel, pictures: Pictures, training: NetworkTraining) -> VectorNetwork:
    """A network that works: transforms of a model of `image.learned` at its lowest quality, components, and k-means."""
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
        words = vectors.float()
        for size in reversed(BOOKS):
            first = words[torch.randperm(len(words), generator=generator)[:size]].clone()
            words = k_means(words, first, torch.ones(len(words)), _ROUNDS)
            network.book(size).copy_(words)
    return network


def train_network(
    network: VectorNetwork, pictures: Pictures, task: TaskLoss | None, training: NetworkTraining, report: Callable[[str], None]
) -> None:
    """Train it in place."""
    generator = torch.Generator().manual_seed(training.seed)
    if task is not None:
        task.measure(pictures.sample(2 * training.batch, training.side, generator))
    usage, begun = Usage(network), time.monotonic()
    _train_stage(network, pictures, task, training, report, usage, generator, begun, True)
    settle(network, pictures, training, usage, generator, report)
    _train_stage(network, pictures, task, training, report, usage, generator, begun, False)
    for size, price in zip(BOOKS, network.prices, strict=True):
        price.fill_(usage.price(size))


def _train_stage(
    network: VectorNetwork,
    pictures: Pictures,
    task: TaskLoss | None,
    training: NetworkTraining,
    report: Callable[[str], None],
    usage: Usage,
    generator: torch.Generator,
    begun: float,
    together: bool,
) -> None:
    network.requires_grad_(True)
    for part in (network.analysis.fine, network.analysis.linear, network.analysis.gain, network.conceal):
        part.requires_grad_(False)
    if not together:
        network.analysis.requires_grad_(False)
        network.project.requires_grad_(False)
    parameters = [value for value in network.parameters() if value.requires_grad]
    optimiser = torch.optim.AdamW(parameters, training.rate, betas=(0.9, 0.98), weight_decay=0)
    means, spread = Means(network, usage), float(network.book(_LARGEST).square().sum(1).mean())
    step, shown, until = 0, torch.zeros(2), _TOGETHER if together else 1
    while (done := (time.monotonic() - begun) / 60 / training.minutes) < until:
        for group in optimiser.param_groups:
            group["lr"] = training.rate * min(1, (step + 1) / _WARM) * (1 - done) ** 0.7 + 1e-6
        pixels = pictures.sample(training.batch, training.side, generator)
        books = torch.multinomial(torch.tensor(_SHARES), len(pixels), True, generator=generator)
        with torch.autocast("cpu", torch.bfloat16), torch.set_grad_enabled(together):
            vectors = network.vectors(pixels).float().permute(0, 2, 3, 1)
        chosen = _chosen(usage, vectors.detach(), books)
        passed = (vectors + (chosen - vectors).detach()).permute(0, 3, 1, 2)
        with torch.autocast("cpu", torch.bfloat16):
            decoded = network.pixels(passed, books).float()
        error = (decoded - pixels).square().mean()
        features = error.new_zeros(()) if task is None else task(pixels, decoded.clamp(-20, 275)).mean()
        commit = (vectors - chosen).square().sum(3).mean()
        optimiser.zero_grad()
        (error + features + _COMMIT / spread * commit).backward()
        nn.utils.clip_grad_norm_(parameters, _MOST_GRADIENT)
        optimiser.step()
        if together:
            flat = vectors.detach().flatten(0, 2)
            means.add(flat)
            if step % _EVERY == 0:
                means.renew(flat, generator)
        shown += torch.stack([error, features]).detach()
        step += 1
        if step % _REPORT == 0:
            report(
                f"network: step {step}, {100 * done:.0f} %, squared error {shown[0] / _REPORT:.0f}, task {shown[1] / _REPORT:.0f}"
            )
            shown.zero_()
    network.requires_grad_(False)


@torch.no_grad()
def settle(
    network: VectorNetwork,
    pictures: Pictures,
    training: NetworkTraining,
    usage: Usage,
    generator: torch.Generator,
    report: Callable[[str], None],
) -> None:
    """Give all books the words that suit the network as it is."""
    found = []
    for _ in range(_SETTLED_BATCHES):
        with torch.autocast("cpu", torch.bfloat16):
            vectors = network.vectors(pictures.sample(2 * training.batch, training.side, generator))
        found.append(vectors.float().permute(0, 2, 3, 1).flatten(0, 2))
    everything = torch.cat(found)
    for _ in range(_SETTLED):
        book, words = network.book(_LARGEST), usage.choose(everything, _LARGEST)
        count = torch.bincount(words, minlength=_LARGEST).float()
        total = torch.zeros_like(book).index_add_(0, words, everything)
        book.copy_(torch.where(count[:, None] > 0, total / count[:, None].clamp(min=1), book))
        usage.counts[_LARGEST] = count
        usage.errors[_LARGEST] = float((everything - book[words]).square().sum(1).mean())
    for size in BOOKS[:-1]:
        network.book(size).copy_(k_means(network.book(_LARGEST), network.book(size), count.clamp(min=1e-3), 2 * _ROUNDS))
        for _ in range(3):
            words = nearest(everything, network.book(size), usage.costs(size))
            usage.counts[size] = torch.bincount(words, minlength=size).float()
            usage.errors[size] = float((everything - network.book(size)[words]).square().sum(1).mean())
    for size in BOOKS:
        chances = (usage.counts[size] + 0.5) / (usage.counts[size] + 0.5).sum()
        bits = float(-(chances * chances.log2()).sum())
        report(f"book {size}: {bits:.2f} bits, squared distance {usage.errors[size]:.1f}")


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
