"""Pictures <-> vectors of 16x16 pixels, and the books that vectors are looked up in.

    pixels --analysis--> 320 channels at 1/16 --project--> vectors z[D] --nearest of a book--> indices
    indices --book, or sum of two layers' words--> vectors --expand--> 320 channels --synthesis, which knows the book--> pixels
    vectors, some of them lost --conceal--> vectors

Analysis and synthesis are those of `image.learned`. Floating point: indices are what a file stores, so none of this is exact.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lacodec.models.image.transforms import Analysis, Synthesis, reach
from lacodec.models.vq.options import BOOKS, LEVELS, RESIDUAL, VectorOptions

KNOTS = (0, 2, 4, 6, 8, 7)
"""Of the nine qualities that the synthesis of `image.learned` knows, those that stand for the books, and for two layers."""
_ROWS = 4096  # of a search at a time


class VectorNetwork(nn.Module):
    """Analysis, books, synthesis, and what guesses lost vectors. prices: what encoders give for a bit at each level, as a
    squared distance. residual: the second layer's book; residual_bits: about what its words cost."""

    def __init__(self, options: VectorOptions) -> None:
        super().__init__()
        self.options = options
        self.analysis, self.synthesis = Analysis(options.of_analysis()), Synthesis(options.of_synthesis())
        self.project = nn.Conv2d(options.latents, options.vector, 1)
        self.expand = nn.Conv2d(options.vector, options.latents, 1)
        self.conceal = Conceal(options.vector, options.concealed)
        for size in BOOKS:
            self.register_buffer(f"book{size}", torch.zeros(size, options.vector))
        self.register_buffer("residual", torch.zeros(RESIDUAL, options.vector))
        self.register_buffer("residual_bits", torch.zeros(RESIDUAL))
        self.register_buffer("prices", torch.zeros(LEVELS))

    def book(self, size: int) -> Tensor:
        """float32[size, D]."""
        found: Tensor = getattr(self, f"book{size}")
        return found

    def vectors(self, pixels: Tensor) -> Tensor:
        """float32[n, 3, h, w] of 0..255, sides multiples of 16 -> float32[n, D, h / 16, w / 16]."""
        result: Tensor = self.project(self.analysis(pixels, pixels.new_zeros(len(pixels))))
        return result

    def pixels(self, vectors: Tensor, levels: Tensor) -> Tensor:
        """The inverse, neither rounded nor clamped. levels: int64[n], places in `BOOKS`, or len(BOOKS) for two layers."""
        knots = torch.tensor(KNOTS, device=vectors.device)[levels]
        return self.synthesis(self.expand(vectors), knots / (len(self.synthesis.gain) - 1))

    @property
    def reach(self) -> int:
        """Vectors around a window that its pixels, or its vectors, can depend on."""
        return max(reach(self.options.of_analysis()), reach(self.options.of_synthesis()))


class Conceal(nn.Module):
    """Lost vectors from those around them, up to three places away."""

    def __init__(self, vector: int, channels: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(vector + 1, channels, 1)
        self.near = nn.Conv2d(channels, channels, 5, padding=2)
        self.nearer = nn.Conv2d(channels, channels, 3, padding=1)
        self.leave = nn.Conv2d(channels, vector, 1)

    def forward(self, vectors: Tensor, known: Tensor) -> Tensor:
        """float32[n, D, h, w] with something where it is lost; known: float32[n, 1, h, w], 0 where lost."""
        x = F.relu(self.enter(torch.cat([vectors * known, known], 1)))
        x = F.relu(self.near(x))
        x = F.relu(self.nearer(x))
        return vectors * known + self.leave(x) * (1 - known)


def nearest_pairs(
    vectors: Tensor, books: tuple[Tensor, Tensor], costs: tuple[Tensor, Tensor], tried: int = 8
) -> tuple[Tensor, Tensor]:
    """int64[n] twice: words whose sum is near to float32[n, D], and which cost little besides; of the first book, the cheapest
    by themselves are tried."""
    first, second = books
    between, found = first @ second.t(), []
    for part in vectors.split(_ROWS // 4):
        alone = _halves(first, costs[0]) - part @ first.t()
        least, words = alone.topk(tried, 1, largest=False)
        both = least[:, :, None] + (_halves(second, costs[1]) - part @ second.t())[:, None] + between[words]
        best = both.flatten(1).argmin(1)
        found.append((words.gather(1, (best // len(second))[:, None])[:, 0], best % len(second)))
    if not found:
        return (torch.zeros(0, dtype=torch.int64),) * 2
    return torch.cat([one for one, _ in found]), torch.cat([other for _, other in found])


def nearest(vectors: Tensor, book: Tensor, costs: Tensor | None = None) -> Tensor:
    """int64[n] of float32[n, D]: the nearest word of a book, of equally near ones the first.

    costs: float32[K], what each word costs besides its squared distance.
    """
    half = _halves(book, costs)
    found = [(half - part @ book.t()).argmin(1) for part in vectors.split(_ROWS)]
    return torch.cat(found) if found else torch.zeros(0, dtype=torch.int64)


def _halves(book: Tensor, costs: Tensor | None) -> Tensor:
    half = book.square().sum(1) / 2
    return half if costs is None else half + costs / 2
