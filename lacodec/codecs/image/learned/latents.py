"""Latents of a tile <-> one rANS stream: hyper-latents, then latents step by step as the entropy networks ask for them."""

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from lacodec.entropy.distributions import load
from lacodec.entropy.rans import RansDecoder, RansEncoder
from lacodec.entropy.tables import Tables, cost_bits
from lacodec.errors import CorruptFile
from lacodec.models.exact import exactly
from lacodec.models.image.entropy import Part as Step
from lacodec.models.image.model import ImageModel
from lacodec.models.image.options import HYPER, PATCH
from lacodec.models.image.rate import bits_of_each
from lacodec.models.image.rounding import towards_zero

MOST = (1 << 15) - 1
"""The largest magnitude of a coded latent."""
SHORT = 1 << 14
"""Bytes of a stream for which one lane is fast enough."""

Pushed = tuple[np.ndarray, np.ndarray]
"""Symbols i32[n], and the numbers of their tables u16[n]."""


def device_of(network: ImageModel) -> torch.device:
    """The device of a network; a decoder's may be on a GPU, an encoder's is on the CPU."""
    return network.synthesis.gain.device


class Encoder:
    """Quantises latents float32[latents, rows, columns] as the entropy networks predict them, and collects the symbols.

    level: of the quality, int64[1] or [1, rows, columns]. latents: `y` as float32[1, latents, rows, columns]. values: the
    decoded latents, of the shape of `y`.
    hyper: float32[1, hyper_latents, rows / 4, columns / 4].
    """

    def __init__(self, network: ImageModel, y: Tensor, level: Tensor) -> None:
        self._family = network.options.family
        self._tables = load(self._family)
        self.pushed_hyper: Pushed = (np.zeros(0, np.int32), np.zeros(0, np.uint16))
        self._pushed: list[Pushed] = []
        self.level, self.latents = level, y[None]
        self.values = torch.zeros_like(y)
        size = (y.shape[1], y.shape[2])
        with exactly(y.device):
            self.hyper = torch.zeros((1, network.options.hyper_latents, *hyper_size(size)))
            if network.hyper_analysis is not None:
                padded = torch.nn.functional.pad(self.latents, (0, -size[1] % HYPER, 0, -size[0] % HYPER))
                self.hyper = torch.floor(network.hyper_analysis(padded) + 0.5).clamp(-MOST, MOST)
                part = network.entropy.hyper_part(level, tuple(self.hyper.shape))
                self.pushed_hyper = _pushed([self.hyper], [part])
            network.entropy.walk(self.hyper, level, size, self._code)

    def stream(self) -> bytes:
        """The rANS stream."""
        return coded(self._tables, [self.pushed_hyper, *self._pushed])

    def bits(self) -> float:
        """The model's estimate."""
        return sum(cost_bits(symbols, self._tables, index) for symbols, index in [self.pushed_hyper, *self._pushed])

    def bits_by_table(self) -> np.ndarray:
        """float64[tables]: the bits of the latents that each table codes."""
        found = np.zeros(len(self._tables))
        for symbols, index in self._pushed:
            bits = bits_of_each(torch.from_numpy(symbols).float(), torch.from_numpy(index).float(), self._family)
            found += np.bincount(index, bits.numpy(), len(found))
        return found

    def content(self) -> bytes:
        """The integers, as they are hashed."""
        return as_content(symbols for symbols, _ in [self.pushed_hyper, *self._pushed])

    def _code(self, parts: list[Step]) -> list[Tensor]:
        symbols = [self._rounded(part) for part in parts]
        self._pushed.append(_pushed(symbols, parts))
        return _keep(self.values, symbols, parts)

    def _rounded(self, part: Step) -> Tensor:
        rest = part.of(self.latents) - part.means / 16
        return towards_zero(rest, part.scales, self._family).clamp(-MOST, MOST)


class Decoder:
    """Reads the symbols again, with the same predictions; `values` are the latents. level: as in `Encoder`, on the device."""

    def __init__(self, network: ImageModel, stream: bytes, size: tuple[int, int], level: Tensor) -> None:
        self._rans, self._tables = RansDecoder(stream), load(network.options.family)
        self._check_count(network, size)
        self._pulled: list[np.ndarray] = []
        self._device = device_of(network)
        self.values = torch.zeros((network.options.latents, *size), device=self._device)
        with exactly(self._device):
            hyper = torch.zeros((1, network.options.hyper_latents, *hyper_size(size)), device=self._device)
            if network.hyper_analysis is not None:
                (hyper,) = self._pull([network.entropy.hyper_part(level, tuple(hyper.shape))])
            network.entropy.walk(hyper, level, size, lambda parts: _keep(self.values, self._pull(parts), parts))
        self._rans.finish()

    def content(self) -> bytes:
        """The integers, as they are hashed."""
        return as_content(self._pulled)

    def _check_count(self, network: ImageModel, size: tuple[int, int]) -> None:
        """A stream that holds another number of symbols is refused before anything is computed."""
        hyper = hyper_size(size)
        expected = network.options.latents * size[0] * size[1]
        if network.hyper_analysis is not None:
            expected += network.options.hyper_latents * hyper[0] * hyper[1]
        if self._rans.count != expected or self._rans.width != 32:
            raise CorruptFile(f"its stream holds {self._rans.count} symbols, the tile has {expected}")

    def _pull(self, parts: list[Step]) -> list[Tensor]:
        index = flat([part.scales for part in parts], np.uint16)
        symbols = pulled(self._rans, self._tables, index)
        self._pulled.append(symbols)
        found, at = [], 0
        for part in parts:
            count = part.scales.numel()
            values = torch.from_numpy(symbols[at : at + count].astype(np.float32))
            found.append(values.to(self._device).reshape(part.scales.shape))
            at += count
        return found


def coded(tables: Tables, pushed: list[Pushed]) -> bytes:
    """The rANS stream, of few lanes: the last symbols cost next to nothing, so they fill no lane's start state."""
    stream = _in_lanes(1, tables, pushed)
    return stream if len(stream) < SHORT else _in_lanes(8, tables, pushed)


def _in_lanes(lanes: int, tables: Tables, pushed: list[Pushed]) -> bytes:
    encoder = RansEncoder(32, lanes)
    for symbols, index in pushed:
        encoder.push(symbols, tables, index)
    return encoder.finish()


def pulled(rans: RansDecoder, tables: Tables, index: np.ndarray) -> np.ndarray:
    """The next symbols; raises CorruptFile."""
    symbols = rans.pull(len(index), tables, index)
    if len(symbols) and (int(symbols.max()) > MOST or int(symbols.min()) < -MOST):
        raise CorruptFile("it holds a latent that no encoder produces")
    return symbols


def as_content(parts: Iterable[np.ndarray]) -> bytes:
    """Integers, as they are hashed."""
    return b"".join(symbols.astype("<i2").tobytes() for symbols in parts)


def _pushed(symbols: list[Tensor], parts: list[Step]) -> Pushed:
    return flat(symbols, np.int32), flat([part.scales for part in parts], np.uint16)


def _keep(values: Tensor, symbols: list[Tensor], parts: list[Step]) -> list[Tensor]:
    """Put the meaning of the symbols into `values`; returns it in sixteenths."""
    sixteenths = [symbol * 16 + part.means for symbol, part in zip(symbols, parts, strict=True)]
    for value, part in zip(sixteenths, parts, strict=True):
        part.of(values[None]).copy_(value / 16)
    return sixteenths


def flat(tensors: list[Tensor], dtype: type) -> np.ndarray:
    """Their values, one after another."""
    if not tensors:
        return np.zeros(0, dtype)
    return np.concatenate([tensor.cpu().numpy().astype(dtype).ravel() for tensor in tensors])


def latent_count(pixels: int) -> int:
    """Latents along so many pixels."""
    return -(-pixels // PATCH)


def hyper_size(size: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of hyper-latents, of so many latents."""
    return -(-size[0] // HYPER), -(-size[1] // HYPER)
