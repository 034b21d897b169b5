"""Pictures <-> vectors of 16x16 pixels, and the books that vectors are looked up in.

    pixels --analysis--> 320 channels at 1/16 --project--> vectors z[D] --nearest of a book--> indices
    indices --book--> vectors --expand--> 320 channels --synthesis, which knows the book--> pixels
    vectors, some of them lost --conceal--> vectors

Analysis and synthesis are those of `image.learned`. Floating point: indices are what a file stores, so none of this is exact.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lacodec.models.image.transforms import Analysis, Synthesis, reach
from lacodec.models.vq.options import BOOKS, VectorOptions

KNOTS = (0, 2, 4, 6, 8)
"""Of the nine qualities that the synthesis of `image.learned` knows, those that stand for the books."""
_ROWS = 4096  # of a search at a time


class VectorNetwork(nn.Module):
    """Analysis, books, synthesis, and what guesses lost vectors. prices: what encoders give for a bit in each book, as a
    squared distance."""

    def __init__(self, options: VectorOptions) -> None:
        super().__init__()
        self.options = options
        self.analysis, self.synthesis = Analysis(options.of_analysis()), Synthesis(options.of_synthesis())
        self.project = nn.Conv2d(options.latents, options.vector, 1)
        self.expand = nn.Conv2d(options.vector, options.latents, 1)
        self.conceal = Conceal(options.vector, options.concealed)
        for size in BOOKS:
            self.register_buffer(f"book{size}", torch.zeros(size, options.vector))
        self.register_buffer("prices", torch.zeros(len(BOOKS)))

    def book(self, size: int) -> Tensor:
        """float32[size, D]."""
        found: Tensor = getattr(self, f"book{size}")
        return found

    def vectors(self, pixels: Tensor) -> Tensor:
        """float32[n, 3, h, w] of 0..255, sides multiples of 16 -> float32[n, D, h / 16, w / 16]."""
        result: Tensor = self.project(self.analysis(pixels, pixels.new_zeros(len(pixels))))
        return result

    def pixels(self, vectors: Tensor, books: Tensor) -> Tensor:
        """The inverse, neither rounded nor clamped. books: int64[n], places in `BOOKS`."""
        knots = torch.tensor(KNOTS, device=vectors.device)[books]
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


def nearest(vectors: Tensor, book: Tensor, costs: Tensor | None = None) -> Tensor:
    """int64[n] of float32[n, D]: the nearest word of a book, of equally near ones the first.

    costs: float32[K], what each word costs besides its squared distance.
    """
    half = book.square().sum(1) / 2
    if costs is not None:
        half = half + costs / 2
    found = [(half - part @ book.t()).argmin(1) for part in vectors.split(_ROWS)]
    return torch.cat(found) if found else torch.zeros(0, dtype=torch.int64)
