"""Tiles of codec image.learned: pixels -> latents -> payload, and payload -> latents -> pixels.

payload = rANS stream; with alpha: size of the stream (u32), rANS stream, alpha (as in image.lossless)

The stream holds the hyper-latents, then the latents step by step as the entropy networks ask for them, place by place.
"""

import struct
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lacodec.codecs.embedded import embed, unembed
from lacodec.codecs.session import DEFAULT, Session
from lacodec.container.types import Header
from lacodec.entropy.distributions import load
from lacodec.entropy.rans import RansDecoder, RansEncoder
from lacodec.entropy.tables import cost_bits
from lacodec.errors import CorruptFile
from lacodec.models.exact import exactly
from lacodec.models.image.entropy import Part as Step
from lacodec.models.image.model import ImageModel
from lacodec.models.image.options import HYPER, PATCH, level_of
from lacodec.models.image.rounding import towards_zero
from lacodec.models.image.transforms import reach

_SIZE = struct.Struct("<I")
_MOST = (1 << 15) - 1  # largest magnitude of a coded latent
_WINDOW = 64  # latents a side that are synthesised at once
_ALPHA_EFFORT = 5
_SHORT = 1 << 14  # bytes of a stream for which one lane is fast enough

Place = tuple[int, int, int, int]
"""top, bottom, left, right in pixels."""


@dataclass(frozen=True)
class Part:
    """What a tile decodes to: values float32[latents, rows, columns], alpha uint8[height, width] or None, and its place."""

    top: int
    bottom: int
    left: int
    right: int
    values: Tensor
    alpha: np.ndarray | None


@dataclass(frozen=True)
class Picture:
    """What is encoded: uint8[height, width, 1 to 4] at t, the quality from 0 to 1."""

    network: ImageModel
    pixels: np.ndarray
    t: float

    @property
    def alpha(self) -> np.ndarray | None:
        """uint8[height, width], if there is any."""
        return self.pixels[:, :, -1] if self.pixels.shape[2] in (2, 4) else None

    def latents(self, place: Place) -> Tensor:
        """float32[latents, rows, columns] of a tile, not rounded; the tile begins at a multiple of 16."""
        height, width, channels = self.pixels.shape
        halo = margin(self.network)
        top, bottom, left, right = place
        y0, x0 = max(0, top - halo), max(0, left - halo)
        y1, x1 = min(height, bottom + halo), min(width, right + halo)
        crop = self.pixels[y0:y1, x0:x1, : channels - (channels in (2, 4))]
        crop = np.pad(crop, ((0, -len(crop) % PATCH), (0, -crop.shape[1] % PATCH), (0, 0)), "edge")
        if crop.shape[2] == 1:
            crop = np.repeat(crop, 3, 2)
        with exactly(torch.device("cpu")):
            batch = torch.from_numpy(crop).permute(2, 0, 1)[None].float()
            y = self.network.analysis(batch, torch.tensor([self.t]))[0]
        rows, columns = _latents(bottom - top), _latents(right - left)
        first, start = (top - y0) // PATCH, (left - x0) // PATCH
        return y[:, first : first + rows, start : start + columns]


def encode_tile(
    picture: Picture, place: Place, coder: "Encoder | None" = None, session: Session = DEFAULT
) -> tuple[bytes, bytes]:
    """(payload, content to be hashed). coder: has coded the latents; without one, those of analysis are."""
    coder = coder or Encoder(picture.network, picture.latents(place), picture.t)
    stream = coder.stream()
    payload, content = stream, coder.content()
    if picture.alpha is not None:
        top, bottom, left, right = place
        alpha = np.ascontiguousarray(picture.alpha[top:bottom, left:right])
        payload = (
            _SIZE.pack(len(stream)) + stream + embed("image.lossless", (alpha[:, :, None], 8), session, effort=_ALPHA_EFFORT)
        )
        content += alpha.tobytes()
    return payload, content


def decode_tile(
    network: ImageModel, payload: bytes, place: Place, channels: int, t: float, header: Header, session: Session = DEFAULT
) -> tuple[Part, bytes]:
    """(part, content to be hashed); raises CorruptFile."""
    top, bottom, left, right = place
    stream, rest = _split(payload) if channels in (2, 4) else (payload, b"")
    decoder = _Decoder(network, stream, (_latents(bottom - top), _latents(right - left)), t)
    content, alpha = decoder.content(), None
    if channels in (2, 4):
        alpha = unembed("image.lossless", rest, ((bottom - top, right - left, 1), 8), header, session)[:, :, 0]
        content += alpha.tobytes()
    return Part(top, bottom, left, right, decoder.values.cpu(), alpha), content


def _split(payload: bytes) -> tuple[bytes, bytes]:
    """The stream, and what follows it."""
    if len(payload) < _SIZE.size:
        raise CorruptFile("its payload is truncated")
    (size,) = _SIZE.unpack_from(payload)
    if size >= len(payload) - _SIZE.size:
        raise CorruptFile("its payload is truncated")
    return payload[_SIZE.size : _SIZE.size + size], payload[_SIZE.size + size :]


def device_of(network: ImageModel) -> torch.device:
    """Where a network is; a decoder's may be on a GPU, an encoder's is on the CPU."""
    return network.synthesis.gain.device


def margin(network: ImageModel) -> int:
    """Pixels around a window that it can depend on."""
    return reach(network.options) * PATCH


class Canvas:
    """Collects decoded tiles around a window of the picture, and turns them into its pixels."""

    def __init__(self, network: ImageModel, shape: tuple[int, int, int], window: Place, t: float) -> None:
        self._network, self._window, self._t, self._channels = network, window, t, shape[2]
        top, bottom, left, right = window
        halo = reach(network.options)
        grid = _latents(shape[0]), _latents(shape[1])
        self._y0, self._y1 = max(0, top // PATCH - halo), min(grid[0], _latents(bottom) + halo)
        self._x0, self._x1 = max(0, left // PATCH - halo), min(grid[1], _latents(right) + halo)
        rows, columns = self._y1 - self._y0, self._x1 - self._x0
        self._values = torch.from_numpy(np.zeros((network.options.latents, rows, columns), np.float32))  # pages come when used
        self._pixels = np.zeros((bottom - top, right - left, shape[2]), np.uint8)
        self._there = np.zeros((rows, columns), bool)

    def put(self, part: Part) -> None:
        """Add a tile; what lies outside is left out."""
        row, column = part.top // PATCH - self._y0, part.left // PATCH - self._x0
        y0, x0 = max(0, row), max(0, column)
        y1 = min(row + part.values.shape[1], self._y1 - self._y0)
        x1 = min(column + part.values.shape[2], self._x1 - self._x0)
        if y0 < y1 and x0 < x1:
            self._values[:, y0:y1, x0:x1] = part.values[:, y0 - row : y1 - row, x0 - column : x1 - column]
            self._there[y0:y1, x0:x1] = True
        if part.alpha is not None:
            top, bottom, left, right = self._window
            y0, y1, x0, x1 = max(top, part.top), min(bottom, part.bottom), max(left, part.left), min(right, part.right)
            if y0 < y1 and x0 < x1:
                cut = part.alpha[y0 - part.top : y1 - part.top, x0 - part.left : x1 - part.left]
                self._pixels[y0 - top : y1 - top, x0 - left : x1 - left, -1] = cut

    def pixels(self) -> np.ndarray:
        """uint8[rows, columns, channels] of the window; black where tiles are missing."""
        top, bottom, left, right = self._window
        for row in range(top // PATCH, _latents(bottom), _WINDOW):
            for column in range(left // PATCH, _latents(right), _WINDOW):
                self._synthesise(row, min(row + _WINDOW, _latents(bottom)), column, min(column + _WINDOW, _latents(right)))
        return self._pixels

    def _synthesise(self, row: int, end: int, column: int, stop: int) -> None:
        """Latent positions row..end, column..stop of the whole picture."""
        if not self._there[row - self._y0 : end - self._y0, column - self._x0 : stop - self._x0].any():
            return
        halo = reach(self._network.options)
        y0, y1 = max(self._y0, row - halo), min(self._y1, end + halo)
        x0, x1 = max(self._x0, column - halo), min(self._x1, stop + halo)
        device = device_of(self._network)
        with exactly(device):
            values = self._values[:, y0 - self._y0 : y1 - self._y0, x0 - self._x0 : x1 - self._x0]
            batch = values[None].to(device).contiguous(memory_format=torch.channels_last)
            decoded = self._network.synthesis(batch, torch.tensor([self._t], device=device))[0]
            if self._channels < 3:
                decoded = decoded.mean(0, keepdim=True)
            rgb = torch.floor(decoded + 0.5).clamp(0, 255).to(torch.uint8).permute(1, 2, 0).cpu().numpy()
        top, bottom, left, right = self._window
        here_y, here_x = max(top, row * PATCH), max(left, column * PATCH)
        stop_y, stop_x = min(bottom, end * PATCH), min(right, stop * PATCH)
        rgb = rgb[here_y - y0 * PATCH : stop_y - y0 * PATCH, here_x - x0 * PATCH : stop_x - x0 * PATCH]
        there = self._there[here_y // PATCH - self._y0 : end - self._y0, here_x // PATCH - self._x0 : stop - self._x0]
        target = self._pixels[here_y - top : stop_y - top, here_x - left : stop_x - left, : rgb.shape[2]]
        if there.all():
            target[:] = rgb
        else:
            whole = np.repeat(np.repeat(there, PATCH, 0), PATCH, 1)
            mask = whole[here_y % PATCH :, here_x % PATCH :][: rgb.shape[0], : rgb.shape[1]]
            target[:] = np.where(mask[:, :, None], rgb, 0)


class Encoder:
    """Quantises latents float32[latents, rows, columns] as the entropy networks predict them, and collects the symbols.

    values: what the latents decode to, of the same shape. hyper: float32[1, hyper_latents, rows / 4, columns / 4].
    """

    def __init__(self, network: ImageModel, y: Tensor, t: float) -> None:
        self._family = network.options.family
        self._tables = load(self._family)
        self._pushed: list[tuple[np.ndarray, np.ndarray]] = []
        self._y = y[None]
        self.values = torch.zeros_like(y)
        size = (y.shape[1], y.shape[2])
        with exactly(y.device):
            level = torch.tensor([level_of(1 + 99 * t)])
            self.hyper = torch.zeros((1, network.options.hyper_latents, *_hyper_size(size)))
            if network.hyper_analysis is not None:
                padded = torch.nn.functional.pad(self._y, (0, -size[1] % HYPER, 0, -size[0] % HYPER))
                self.hyper = torch.floor(network.hyper_analysis(padded) + 0.5).clamp(-_MOST, _MOST)
                part = network.entropy.hyper_part(level, tuple(self.hyper.shape))
                self._push([self.hyper], [part])
            network.entropy.walk(self.hyper, level, size, self._code)

    def stream(self) -> bytes:
        """The rANS stream, of few lanes: the last symbols cost next to nothing, so they fill no lane's start state."""
        stream = self._coded(1)
        return stream if len(stream) < _SHORT else self._coded(8)

    def _coded(self, lanes: int) -> bytes:
        encoder = RansEncoder(32, lanes)
        for symbols, index in self._pushed:
            encoder.push(symbols, self._tables, index)
        return encoder.finish()

    def bits(self) -> float:
        """The model's estimate."""
        return sum(cost_bits(symbols, self._tables, index) for symbols, index in self._pushed)

    def content(self) -> bytes:
        """The integers, as they are hashed."""
        return b"".join(symbols.astype("<i2").tobytes() for symbols, _ in self._pushed)

    def _code(self, parts: list[Step]) -> list[Tensor]:
        symbols = [self._rounded(part) for part in parts]
        self._push(symbols, parts)
        return _keep(self.values, symbols, parts)

    def _rounded(self, part: Step) -> Tensor:
        rest = part.of(self._y) - part.means / 16
        return towards_zero(rest, part.scales, self._family).clamp(-_MOST, _MOST)

    def _push(self, symbols: list[Tensor], parts: list[Step]) -> None:
        self._pushed.append((_flat(symbols, np.int32), _flat([part.scales for part in parts], np.uint16)))


class _Decoder:
    """Reads the symbols again, with the same predictions; `values` are the latents."""

    def __init__(self, network: ImageModel, stream: bytes, size: tuple[int, int], t: float) -> None:
        self._rans, self._tables = RansDecoder(stream), load(network.options.family)
        self._check_count(network, size)
        self._pulled: list[np.ndarray] = []
        self._device = device_of(network)
        self.values = torch.zeros((network.options.latents, *size), device=self._device)
        with exactly(self._device):
            level = torch.tensor([level_of(1 + 99 * t)], device=self._device)
            hyper = torch.zeros((1, network.options.hyper_latents, *_hyper_size(size)), device=self._device)
            if network.hyper_analysis is not None:
                (hyper,) = self._pull([network.entropy.hyper_part(level, tuple(hyper.shape))])
            network.entropy.walk(hyper, level, size, lambda parts: _keep(self.values, self._pull(parts), parts))
        self._rans.finish()

    def content(self) -> bytes:
        """The integers, as they are hashed."""
        return b"".join(symbols.astype("<i2").tobytes() for symbols in self._pulled)

    def _check_count(self, network: ImageModel, size: tuple[int, int]) -> None:
        """A stream that holds another number of symbols is refused before anything is computed."""
        hyper = _hyper_size(size)
        expected = network.options.latents * size[0] * size[1]
        if network.hyper_analysis is not None:
            expected += network.options.hyper_latents * hyper[0] * hyper[1]
        if self._rans.count != expected or self._rans.width != 32:
            raise CorruptFile(f"its stream holds {self._rans.count} symbols, the tile has {expected}")

    def _pull(self, parts: list[Step]) -> list[Tensor]:
        index = _flat([part.scales for part in parts], np.uint16)
        symbols = self._rans.pull(len(index), self._tables, index)
        if len(symbols) and (int(symbols.max()) > _MOST or int(symbols.min()) < -_MOST):
            raise CorruptFile("it holds a latent that no encoder produces")
        self._pulled.append(symbols)
        found, at = [], 0
        for part in parts:
            count = part.scales.numel()
            values = torch.from_numpy(symbols[at : at + count].astype(np.float32))
            found.append(values.to(self._device).reshape(part.scales.shape))
            at += count
        return found


def _keep(values: Tensor, symbols: list[Tensor], parts: list[Step]) -> list[Tensor]:
    """Put what the symbols stand for into `values`; returns it in sixteenths."""
    sixteenths = [symbol * 16 + part.means for symbol, part in zip(symbols, parts, strict=True)]
    for value, part in zip(sixteenths, parts, strict=True):
        part.of(values[None]).copy_(value / 16)
    return sixteenths


def _flat(tensors: list[Tensor], dtype: type) -> np.ndarray:
    if not tensors:
        return np.zeros(0, dtype)
    return np.concatenate([tensor.cpu().numpy().astype(dtype).ravel() for tensor in tensors])


def _latents(pixels: int) -> int:
    return -(-pixels // PATCH)


def _hyper_size(size: tuple[int, int]) -> tuple[int, int]:
    return -(-size[0] // HYPER), -(-size[1] // HYPER)
