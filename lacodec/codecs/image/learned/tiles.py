"""Tiles of codec image.learned: pixels -> latents -> payload, and payload -> latents -> pixels.

payload = rANS stream (`latents`); with alpha: size of the stream (u32), rANS stream, alpha (as in image.lossless)

A progressive tile has segments instead (`segments`).
"""

import struct
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lacodec.codecs.embedded import embed, unembed
from lacodec.codecs.image.learned.boxes import Box
from lacodec.codecs.image.learned.latents import Decoder, Encoder, device_of, latent_count
from lacodec.codecs.image.learned.quality import Quality
from lacodec.codecs.image.learned.segments import front_of, read_segments, write_segments
from lacodec.codecs.session import DEFAULT, Session
from lacodec.container.types import Chunk, Header
from lacodec.errors import CorruptFile
from lacodec.models.exact import exactly
from lacodec.models.image.model import ImageModel
from lacodec.models.image.options import PATCH
from lacodec.models.image.transforms import reach

_SIZE = struct.Struct("<I")
_WINDOW = 64  # latents a side that are synthesised at a time
_ALPHA_EFFORT = 5

Place = tuple[int, int, int, int]
"""top, bottom, left, right in pixels."""


@dataclass(frozen=True)
class Part:
    """A decoded tile: values float32[latents, rows, columns], alpha uint8[height, width] or None, and its place.

    whole: no segment is missing.
    """

    top: int
    bottom: int
    left: int
    right: int
    values: Tensor
    alpha: np.ndarray | None
    whole: bool = True


@dataclass(frozen=True)
class Picture:
    """The input of the encoder: uint8[height, width, 1 to 4]."""

    network: ImageModel
    pixels: np.ndarray
    quality: Quality

    @property
    def alpha(self) -> np.ndarray | None:
        """uint8[height, width], or None."""
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
            y = self.network.analysis(batch, self.quality.positions(latents_of((y0, y1, x0, x1))))[0]
        rows, columns = latent_count(bottom - top), latent_count(right - left)
        first, start = (top - y0) // PATCH, (left - x0) // PATCH
        return y[:, first : first + rows, start : start + columns]

    def coded(self, latents: Tensor, place: Place) -> Encoder:
        """Latents of a tile, rounded and coded."""
        return Encoder(self.network, latents, self.quality.levels(latents_of(place)))


def encode_tile(
    picture: Picture, place: Place, coder: Encoder | None = None, session: Session = DEFAULT, progressive: bool = False
) -> tuple[bytes, bytes]:
    """(payload, content to be hashed). coder: has coded the latents; without one, those of analysis are."""
    coder = coder or picture.coded(picture.latents(place), place)
    alpha, coded_alpha = b"", b""
    if picture.alpha is not None:
        top, bottom, left, right = place
        pixels = np.ascontiguousarray(picture.alpha[top:bottom, left:right])
        alpha, coded_alpha = pixels.tobytes(), embed("image.lossless", (pixels[:, :, None], 8), session, effort=_ALPHA_EFFORT)
    if progressive:
        payload, content = write_segments(picture.network, coder, coded_alpha)
        return payload, content + alpha
    stream = coder.stream()
    return _SIZE.pack(len(stream)) + stream + coded_alpha if coded_alpha else stream, coder.content() + alpha


def decode_tile(
    network: ImageModel, payload: bytes, place: Place, channels: int, quality: Quality, header: Header, session: Session = DEFAULT
) -> tuple[Part, bytes]:
    """(part, content to be hashed); raises CorruptFile."""
    stream, rest = _split(payload) if channels in (2, 4) else (payload, b"")
    decoder = Decoder(network, stream, _size_of(place), quality.levels(latents_of(place), device_of(network)))
    alpha = _alpha(rest, place, channels, header, session)
    return Part(*place, decoder.values.cpu(), alpha), decoder.content() + _bytes_of(alpha)


def decode_segments(
    network: ImageModel, chunk: Chunk, channels: int, quality: Quality, header: Header, session: Session = DEFAULT
) -> tuple[Part, bytes]:
    """The same of a progressive tile, or of the beginning of one."""
    (top, bottom), (left, right) = chunk.covers
    place, front = (top, bottom, left, right), front_of(chunk.payload, channels in (2, 4))
    segments = front.segments(chunk.payload)
    whole = len(segments) == len(front.sizes) and front.size == len(chunk.payload)
    if not segments or not (whole or chunk.cut):
        raise CorruptFile("a segment differs from what was written")
    values, content = read_segments(
        network, front, segments, _size_of(place), quality.levels(latents_of(place), device_of(network))
    )
    alpha = _alpha(front.alpha[_SIZE.size :], place, channels, header, session)
    return Part(*place, values.cpu(), alpha, whole), content + _bytes_of(alpha)


def _alpha(payload: bytes, place: Place, channels: int, header: Header, session: Session) -> np.ndarray | None:
    if channels not in (2, 4):
        return None
    top, bottom, left, right = place
    return unembed("image.lossless", payload, ((bottom - top, right - left, 1), 8), header, session)[:, :, 0]


def _bytes_of(alpha: np.ndarray | None) -> bytes:
    return b"" if alpha is None else alpha.tobytes()


def latents_of(place: Place) -> Box:
    """The latents of a window of pixels, which begins at one."""
    top, bottom, left, right = place
    return top // PATCH, latent_count(bottom), left // PATCH, latent_count(right)


def _size_of(place: Place) -> tuple[int, int]:
    top, bottom, left, right = place
    return latent_count(bottom - top), latent_count(right - left)


def _split(payload: bytes) -> tuple[bytes, bytes]:
    """The stream, and the rest after it."""
    if len(payload) < _SIZE.size:
        raise CorruptFile("its payload is truncated")
    (size,) = _SIZE.unpack_from(payload)
    if size >= len(payload) - _SIZE.size:
        raise CorruptFile("its payload is truncated")
    return payload[_SIZE.size : _SIZE.size + size], payload[_SIZE.size + size :]


def margin(network: ImageModel) -> int:
    """Pixels around a window that it can depend on."""
    return reach(network.options) * PATCH


class Canvas:
    """Collects decoded tiles around a window of the picture, and turns them into its pixels."""

    def __init__(self, network: ImageModel, shape: tuple[int, int, int], window: Place, quality: Quality) -> None:
        self._network, self._window, self._quality, self._channels = network, window, quality, shape[2]
        top, bottom, left, right = window
        halo = reach(network.options)
        grid = latent_count(shape[0]), latent_count(shape[1])
        self._y0, self._y1 = max(0, top // PATCH - halo), min(grid[0], latent_count(bottom) + halo)
        self._x0, self._x1 = max(0, left // PATCH - halo), min(grid[1], latent_count(right) + halo)
        rows, columns = self._y1 - self._y0, self._x1 - self._x0
        self._values = torch.from_numpy(np.zeros((network.options.latents, rows, columns), np.float32))  # pages come when used
        self._pixels = np.zeros((bottom - top, right - left, shape[2]), np.uint8)
        self._there = np.zeros((rows, columns), bool)

    def put(self, part: Part) -> None:
        """Add a tile; the part outside is ignored."""
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
        for row in range(top // PATCH, latent_count(bottom), _WINDOW):
            for column in range(left // PATCH, latent_count(right), _WINDOW):
                self._synthesise(
                    row, min(row + _WINDOW, latent_count(bottom)), column, min(column + _WINDOW, latent_count(right))
                )
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
            decoded = self._network.synthesis(batch, self._quality.positions((y0, y1, x0, x1), device))[0]
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
