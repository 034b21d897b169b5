"""The language model: pieces in, logits of the next piece out; gated linear recurrences, made to be run in integers.

    piece --embedding--> x            x += mix(norm(x))      norm -> last 3 steps -> value, gate a, gate g
                                                             h = a h + sqrt(1 - a^2) value;  h silu(g) -> out
                                      x += swiglu(norm(x))   ... four such blocks
    norm(x) --embedding, transposed; bias--> logits

Activations count sixteenths and are clamped to +-127 of them (int8), the stream x counts 256ths (24 bits), gates a have
16 bits, weights 8 with a step for each row. The norm divides by the root of the mean square, which IEEE arithmetic gives the
same everywhere. Modes are those of `lacodec.models.exact`: FLOAT only clamps, SIMULATED rounds as the integers will.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lacodec.models.exact import TOP, ExactLayer, Mode
from lacodec.models.text import ops
from lacodec.models.text.options import TextOptions

EMBEDDING_SCALE = 16.0
"""An embedding's weights times this are the stream's first values."""
TAPS = 3
"""Steps, this one included, that a mixer sees before its recurrence."""


class Matrix(ExactLayer):
    """[..., inputs] to [..., parts * outputs]; `weight` is [parts, outputs, inputs]."""

    _simulated: Tensor

    def __init__(self, inputs: int, outputs: int, parts: int = 1, *, zero: bool = False) -> None:
        super().__init__()
        shape = (parts, outputs, inputs)
        self.weight = nn.Parameter(torch.zeros(shape) if zero else torch.randn(shape) * inputs**-0.5)
        self.bias = nn.Parameter(torch.zeros(parts * outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Sums, not clamped; float32."""
        weight = self._simulated if self.mode == Mode.SIMULATED else self.weight
        return F.linear(x, weight.flatten(0, 1)).float() + self.bias

    def prepare(self) -> None:
        """The rounded weights of a simulation, through which gradients pass."""
        if self.mode == Mode.SIMULATED:
            self._simulated = simulated(self.weight)


class Mixer(nn.Module):
    """Along time: a gated linear recurrence."""

    def __init__(self, options: TextOptions) -> None:
        super().__init__()
        self.taps = nn.Parameter(torch.zeros(TAPS, options.width))
        self.inner = Matrix(options.width, options.recurrence, 3)
        self.outer = Matrix(options.recurrence, options.width, zero=True)
        with torch.no_grad():
            self.taps[0] = 1
            r = options.recurrence
            self.inner.bias[r : 2 * r] = torch.linspace(-0.5, 5.5, r)  # memories of 1 to 250 steps

    def forward(self, x: Tensor, rounding: bool) -> Tensor:
        """The sum to add to x [n, t, width]."""
        near = ops.taps(ops.norm(x, rounding), self.taps, rounding)
        return self.outer(ops.recurrence(self.inner(near), rounding))

    def step(self, x: Tensor, state: tuple[Tensor, Tensor], rounding: bool) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """The same for one time, x [n, width]; state: the norms before [n, TAPS - 1, width], newest first, and h [n, r]."""
        before, h = state
        normed = ops.norm(x, rounding)
        both = torch.cat([normed[:, None], before], 1)
        near = ops.rounded_to_unit((both * self.taps).sum(1), rounding)
        out, h = ops.recurrence_step(self.inner(near), h, rounding)
        return self.outer(out), (both[:, :-1], h)


class Block(nn.Module):
    """A mixer, then a gated layer."""

    def __init__(self, options: TextOptions) -> None:
        super().__init__()
        self.mixer = Mixer(options)
        self.inner = Matrix(options.width, options.hidden, 2)
        self.outer = Matrix(options.hidden, options.width, zero=True)

    def gated(self, x: Tensor, rounding: bool) -> Tensor:
        """The output of the gated layer, to add to x."""
        return self.outer(ops.swiglu(self.inner(ops.norm(x, rounding)), rounding))


class TextNetwork(ExactLayer):
    """The whole model."""

    _simulated: Tensor

    def __init__(self, options: TextOptions) -> None:
        super().__init__()
        self.options = options
        self.embedding = nn.Parameter(torch.randn(options.pieces, options.width) * 0.02)
        self.bias = nn.Parameter(torch.zeros(options.pieces))
        self.blocks = nn.ModuleList([Block(options) for _ in range(options.blocks)])

    def forward(self, pieces: Tensor) -> Tensor:
        """int64[n, t] -> normed float32[n, t, width], from which `weights` make logits. Memory is empty at first."""
        rounding = self.mode == Mode.SIMULATED
        x = ops.stream(F.embedding(pieces, self.weights()) * EMBEDDING_SCALE, rounding)
        for block in self.blocks:
            x = ops.stream(x + block.mixer(x, rounding), rounding)
            x = ops.stream(x + block.gated(x, rounding), rounding)
        return ops.norm(x, rounding)

    def loss(self, pieces: Tensor) -> Tensor:
        """Nats for each piece of int64[n, t + 1] but the first of a row, on average."""
        outputs = self(pieces[:, :-1])
        return ops.cross_entropy(outputs.flatten(0, 1), self.weights(), self.bias, pieces[:, 1:].flatten())

    def start(self, count: int) -> list[tuple[Tensor, Tensor]]:
        """States of `count` empty memories, for `step`."""
        o, device = self.options, self.embedding.device
        return [
            (torch.zeros(count, TAPS - 1, o.width, device=device), torch.zeros(count, o.recurrence, device=device))
            for _ in self.blocks
        ]

    def step(self, pieces: Tensor, states: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """int64[n] -> logits float32[n, pieces], and the states after it."""
        rounding = self.mode == Mode.SIMULATED
        x = ops.stream(F.embedding(pieces, self.weights()) * EMBEDDING_SCALE, rounding)
        after = []
        for block, state in zip(self.blocks, states, strict=True):
            out, state = block.mixer.step(x, state, rounding)
            x = ops.stream(x + out, rounding)
            x = ops.stream(x + block.gated(x, rounding), rounding)
            after.append(state)
        return F.linear(ops.norm(x, rounding), self.weights()) + self.bias, after

    def weights(self) -> Tensor:
        """Of embedding and logits, [pieces, width], in a simulation rounded."""
        return self._simulated if self.mode == Mode.SIMULATED else self.embedding

    def prepare(self) -> None:
        """The rounded embedding of a simulation."""
        if self.mode == Mode.SIMULATED:
            self._simulated = simulated(self.embedding)


def simulated(weight: Tensor) -> Tensor:
    """Weights as 8 bits with a step for each row have them; the gradient passes."""
    detached = weight.detach()
    step = (detached.abs().amax(-1, keepdim=True) / TOP).clamp(min=2.0**-20)
    return weight + (torch.round(detached / step).clamp(-TOP, TOP) * step - detached)
