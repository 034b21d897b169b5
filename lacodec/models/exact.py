"""Network layers whose results are the same integers on every machine, held in float32 tensors.

    activations -127..127 --integer weights--> sums below 2^24 --multiply, shift, round--> activations -127..127

A float32 holds every integer up to 2^24, so no order of addition, number of threads or layout can change such a sum, and
weights and activations of 8 bits stay exact even where a library multiplies in bfloat16 or TF32. Activations count sixteenths:
16 stands for 1.0. Every layer knows three modes:

    FLOAT       for the first part of a training: nothing is rounded, ranges are clamped
    SIMULATED   for the last part: weights and activations are rounded, gradients pass straight through
    EXACT       after `freeze`: integers only; encoders and decoders run it, inside `exactly`
"""

import enum
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lacodec.errors import CorruptFile
from lacodec.models._precision import full_precision

UNIT = 16
"""Activation that stands for 1.0."""
TOP = 127
"""Largest magnitude of an activation, and of a weight."""

_SUMS = 1 << 24  # a float32 holds all integers up to this one
_SHIFT = 24
_CODES_SPREAD = 20  # standard deviation of a row's codes, at most
_MULTIPLIERS = 1 << 28  # times a sum: below 2^52, exact in float64


class Mode(enum.IntEnum):
    """How layers compute."""

    FLOAT = 0
    SIMULATED = 1
    EXACT = 2


class ExactLayer(nn.Module):
    """Base of all these layers."""

    mode = Mode.FLOAT

    def freeze(self) -> None:
        """Make the integers from the trained parameters, as buffers."""

    def integers(self) -> dict[str, tuple[torch.dtype, tuple[int, ...]]]:
        """The result of `freeze`: dtype and shape of each buffer."""
        return {}

    def check(self) -> None:
        """Prove that no sum can leave the exact range; raises CorruptFile."""

    def prepare(self) -> None:
        """Called by `set_mode`, which a training calls before every step: do the work shared by all uses in the step."""

    def rounded(self, x: Tensor) -> Tensor:
        """To the nearest integer, halves upwards; in a training the gradient passes, or nothing is rounded."""
        if self.mode == Mode.FLOAT:
            return x
        whole = torch.floor(x + 0.5)
        return whole if self.mode == Mode.EXACT else x + (whole - x).detach()

    def _put(self, name: str, value: Tensor) -> None:
        if name in self._buffers:
            self._buffers[name] = value
        else:
            self.register_buffer(name, value, persistent=False)  # what training continues from has the weights


class Conv(ExactLayer):
    """Convolution of float32[n, inputs, h, w] (integers of at most 127) to `outputs` channels, zeros outside, clamped to +-top.

    depthwise: one filter per channel. `weight` and `bias` are in real units and trained; `codes` (int8), `offset` (int32, in
    units of the sum) and `multiplier` (int32, of 2^-24) are made of them by `freeze`.
    """

    _simulated: Tensor
    codes: Tensor
    offset: Tensor
    multiplier: Tensor

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 1, *, depthwise: bool = False, top: int = TOP, zero: bool = False
    ) -> None:
        super().__init__()
        if kernel % 2 == 0 or (depthwise and inputs != outputs):
            raise ValueError(f"no such convolution: kernel {kernel}, {inputs} to {outputs} channels, depthwise {depthwise}")
        fan_in = kernel * kernel * (1 if depthwise else inputs)
        shape = (outputs, 1 if depthwise else inputs, kernel, kernel)
        self.weight = nn.Parameter(torch.zeros(shape) if zero else torch.randn(shape) * fan_in**-0.5)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.kernel, self.groups, self.top = kernel, inputs if depthwise else 1, top

    def forward(self, x: Tensor) -> Tensor:
        """float32[n, outputs, h, w]."""
        if self.mode == Mode.EXACT:
            return self._exact(x)
        weight, bias = self.weight, self.bias * UNIT
        if self.mode == Mode.SIMULATED:
            weight = self._simulated
        if self.top > TOP:  # more digits than bfloat16 has
            with torch.autocast(x.device.type, enabled=False):
                y = F.conv2d(x.float(), weight, bias, padding=self.kernel // 2, groups=self.groups)
        else:
            y = F.conv2d(x, weight, bias, padding=self.kernel // 2, groups=self.groups)
        return F.hardtanh(self.rounded(y), -self.top, self.top)

    def prepare(self) -> None:
        """The rounded weights of a simulation, through which gradients pass."""
        if self.mode == Mode.SIMULATED:
            step = self.step()[:, None, None, None]
            codes = torch.round(self.weight.detach() / step).clamp(-TOP, TOP)
            self._simulated = self.weight + (codes * step - self.weight.detach())

    def step(self) -> Tensor:
        """f32[outputs]: the value of a weight code of 1.

        Such that the largest is at most 127, codes spread no wider than pays for the bytes they are stored in, and sums stay in
        range.
        """
        weight, bias = self.weight.detach().float().flatten(1), self.bias.detach().float()
        room = _SUMS // 4
        step = torch.maximum(weight.abs().amax(1) / TOP, weight.square().mean(1).sqrt() / _CODES_SPREAD)
        step = torch.maximum(step, torch.maximum(weight.abs().sum(1) * TOP, bias.abs() * UNIT) / room)
        return step.clamp(min=2.0**-20)

    def freeze(self) -> None:
        """Codes, offset and multiplier from weight and bias."""
        step = self.step().double()
        self._put("codes", torch.round(self.weight.detach().double() / step[:, None, None, None]).clamp(-TOP, TOP).to(torch.int8))
        self._put("offset", torch.round(self.bias.detach().double() * UNIT / step).to(torch.int32))
        self._put("multiplier", torch.round(step * (1 << _SHIFT)).clamp(1, _MULTIPLIERS - 1).to(torch.int32))

    def integers(self) -> dict[str, tuple[torch.dtype, tuple[int, ...]]]:
        """One code a weight, one offset and multiplier an output."""
        outputs = (self.weight.shape[0],)
        codes = torch.int8, tuple(self.weight.shape)
        return {"codes": codes, "offset": (torch.int32, outputs), "multiplier": (torch.int32, outputs)}

    def thaw(self) -> None:
        """Weight and bias from the integers, to continue training from a frozen model."""
        step = self.multiplier.double() / (1 << _SHIFT)
        with torch.no_grad():
            self.weight.copy_(self.codes.double() * step[:, None, None, None])
            self.bias.copy_(self.offset.double() * step / UNIT)

    def check(self) -> None:
        """Sums of magnitudes below 2^24, and multipliers in range."""
        most = self.codes.long().abs().flatten(1).sum(1) * TOP + self.offset.long().abs()
        if int(most.max()) >= _SUMS or int(self.multiplier.min()) < 1 or int(self.multiplier.max()) >= _MULTIPLIERS:
            raise CorruptFile("the model has weights whose sums would not be exact; it is damaged, or not a model of this codec")

    def _exact(self, x: Tensor) -> Tensor:
        n, channels, height, width = x.shape
        codes = self.codes.float()
        if self.groups > 1:
            total = _depthwise(x, codes)
        else:
            columns = x if self.kernel == 1 else F.unfold(x, self.kernel, padding=self.kernel // 2)
            total = torch.matmul(codes.flatten(1), columns.reshape(n, channels * self.kernel**2, height * width))
        return requantise(total.reshape(n, -1, height, width), self.offset, self.multiplier, self.top)


class Linear(Conv):
    """The same for float32[n, inputs]."""

    def __init__(self, inputs: int, outputs: int, *, top: int = TOP, zero: bool = False) -> None:
        super().__init__(inputs, outputs, top=top, zero=zero)

    def forward(self, x: Tensor) -> Tensor:
        """float32[n, outputs]."""
        return super().forward(x[:, :, None, None])[:, :, 0, 0]


class Gate(ExactLayer):
    """float32[n, 2c, h, w] -> [n, c, h, w]: the first half times the second where that is positive, clamped."""

    def forward(self, x: Tensor) -> Tensor:
        """Products of 14 bits: exact."""
        value, gate = x.chunk(2, 1)
        return F.hardtanh(self.rounded(value * F.relu(gate) * (1 / UNIT)), -TOP, TOP)


class Table(ExactLayer):
    """A function of one integer from -reach to reach (values outside are clamped), as a table of integers.

    `function` works on real tensors in the integers' units, and is differentiable; the table is part of the frozen model.
    """

    table: Tensor

    def __init__(self, reach: int, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.reach, self.function = reach, function

    def forward(self, x: Tensor) -> Tensor:
        """Of the same shape, at most 127."""
        x = x.clamp(-self.reach, self.reach)
        if self.mode == Mode.EXACT:
            return self.table[x.long() + self.reach].float()
        return self.rounded(self.function(x)).clamp(-TOP, TOP)

    def freeze(self) -> None:
        """The table."""
        values = self.function(torch.arange(-self.reach, self.reach + 1, dtype=torch.float64))
        self._put("table", torch.floor(values + 0.5).clamp(-TOP, TOP).to(torch.int8))

    def integers(self) -> dict[str, tuple[torch.dtype, tuple[int, ...]]]:
        """The table."""
        return {"table": (torch.int8, (2 * self.reach + 1,))}

    def check(self) -> None:
        """Its size, and values of at most 127."""
        if self.table.shape != (2 * self.reach + 1,) or int(self.table.min()) < -TOP:
            raise CorruptFile("the model has a damaged table")


class Embedding(ExactLayer):
    """channels integers for each of `levels`; trained at `knots` of them, evenly spaced, and linear in between."""

    table: Tensor

    def __init__(self, levels: int, knots: int, channels: int, top: int = TOP) -> None:
        super().__init__()
        self.levels, self.top = levels, top
        self.weight = nn.Parameter(torch.zeros(knots, channels))

    def forward(self, level: Tensor) -> Tensor:
        """int64[n] -> float32[n, channels, 1, 1], or int64[n, h, w] -> [n, channels, h, w]."""
        if self.mode == Mode.EXACT:
            return as_channels(self.table[level].float())
        return as_channels(self.rounded(self._values(level)).clamp(-self.top, self.top))

    def freeze(self) -> None:
        """All levels, rounded."""
        with torch.no_grad():
            values = self._values(torch.arange(self.levels, device=self.weight.device))
        self._put("table", torch.floor(values + 0.5).clamp(-self.top, self.top).to(torch.int16))

    def integers(self) -> dict[str, tuple[torch.dtype, tuple[int, ...]]]:
        """The table."""
        return {"table": (torch.int16, (self.levels, self.weight.shape[1]))}

    def thaw(self) -> None:
        """The knots from the table."""
        places = torch.linspace(0, self.levels - 1, len(self.weight)).round().long()
        with torch.no_grad():
            self.weight.copy_(self.table[places.to(self.table.device)].float() / UNIT)

    def check(self) -> None:
        """Its size and range."""
        if self.table.shape != (self.levels, self.weight.shape[1]) or int(self.table.abs().max()) > self.top:
            raise CorruptFile("the model has a damaged table")

    def _values(self, level: Tensor) -> Tensor:
        return interpolate(self.weight * UNIT, level / (self.levels - 1))


def add(x: Tensor, y: Tensor) -> Tensor:
    """Sum, clamped to activations."""
    return F.hardtanh(x + y, -TOP, TOP)


def interpolate(knots: Tensor, at: Tensor) -> Tensor:
    """Linear interpolation of [k, channels] at positions [...] from 0 to 1: [..., channels]. Not exact."""
    position = at.clamp(0, 1) * (len(knots) - 1)
    low = position.floor().clamp(max=len(knots) - 2).long()
    part = (position - low)[..., None].to(knots.dtype)
    return knots[low] * (1 - part) + knots[low + 1] * part


def as_channels(values: Tensor) -> Tensor:
    """[n, channels] -> [n, channels, 1, 1], or [n, h, w, channels] -> [n, channels, h, w]."""
    return values[:, :, None, None] if values.dim() == 2 else values.permute(0, 3, 1, 2)


def requantise(total: Tensor, offset: Tensor, multiplier: Tensor, top: int) -> Tensor:
    """floor((total + offset) * multiplier / 2^24 + 1/2) clamped to +-top, exact in float64."""
    wide = total.double() + offset.double()[:, None, None]
    wide.mul_(multiplier.double()[:, None, None] * 2.0**-_SHIFT).add_(0.5)  # in place: new memory takes longer than the numbers
    return wide.floor_().clamp_(-top, top).float()


def set_mode(network: nn.Module, mode: Mode) -> None:
    """Switch all exact layers of a network; going to EXACT checks the bounds of all of them (`freeze` comes before).

    In mode SIMULATED it must be called again whenever parameters have changed.
    """
    for layer in network.modules():
        if isinstance(layer, ExactLayer):
            if mode == Mode.EXACT:
                layer.check()
            layer.mode = mode
            layer.prepare()


def freeze(network: nn.Module) -> None:
    """Make the integers of all exact layers."""
    for layer in network.modules():
        if isinstance(layer, ExactLayer):
            layer.freeze()


_settings = threading.Lock()
_inside = 0
_restore: Callable[[], None] = lambda: None  # noqa: E731


@contextmanager
def exactly(device: torch.device) -> Iterator[None]:
    """Where exact networks run: no gradients, no autocast, full float32 products with any settings of the user.

    Precision of products is one setting for the whole process, so the users inside are counted.
    """
    global _inside, _restore
    with _settings:
        if _inside == 0:
            _restore = full_precision()
        _inside += 1
    try:
        with torch.inference_mode(), torch.autocast(device.type, enabled=False):
            yield
    finally:
        with _settings:
            _inside -= 1
            if _inside == 0:
                _restore()


def _depthwise(x: Tensor, codes: Tensor) -> Tensor:
    """One filter per channel. On GPUs as sums of shifted copies, since convolution libraries may transform (Winograd)."""
    kernel = codes.shape[-1]
    if x.device.type == "cpu":
        return F.conv2d(x, codes, padding=kernel // 2, groups=len(codes))
    height, width = x.shape[2:]
    padded = F.pad(x, [kernel // 2] * 4)
    total = torch.zeros_like(x)
    for row in range(kernel):
        for column in range(kernel):
            total += padded[:, :, row : row + height, column : column + width] * codes[:, 0, row, column, None, None]
    return total
