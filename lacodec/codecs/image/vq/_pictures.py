"""Pictures <-> indices, window by window, so that large pictures need little memory."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from lacodec.models.exact import exactly
from lacodec.models.vq.options import BOOKS, PATCH

if TYPE_CHECKING:
    from lacodec.models.vq.network import VectorNetwork

_WINDOW = 64  # vectors a side
_CPU = torch.device("cpu")
_CONCEALED = 3  # vectors around that a guess depends on
LOST = -1
"""An index that is not there."""


def vectors_of(pixels: np.ndarray, network: "VectorNetwork") -> NDArray[np.float32]:
    """[rows, columns, D] of u8[height, width, 1 or 3]."""
    height, width, _ = pixels.shape
    rows, columns = -(-height // PATCH), -(-width // PATCH)
    found = np.zeros((rows, columns, network.options.vector), np.float32)
    halo = network.reach
    for top, end, left, stop in _windows(rows, columns):
        y0, y1, x0, x1 = max(0, top - halo), min(rows, end + halo), max(0, left - halo), min(columns, stop + halo)
        part = pixels[y0 * PATCH : y1 * PATCH, x0 * PATCH : x1 * PATCH]
        part = np.pad(part, ((0, -part.shape[0] % PATCH), (0, -part.shape[1] % PATCH), (0, 0)), mode="edge")
        planes = np.broadcast_to(part.transpose(2, 0, 1), (3, *part.shape[:2]))
        with exactly(_CPU):
            vectors = network.vectors(torch.from_numpy(planes.astype(np.float32))[None])[0]
        found[top:end, left:stop] = vectors[:, top - y0 : end - y0, left - x0 : stop - x0].permute(1, 2, 0).numpy()
    return found


def pixels_of(indices: NDArray[np.int32], network: "VectorNetwork", book: int, shape: tuple[int, int, int]) -> np.ndarray:
    """u8[shape] of i32[layers, rows, columns]; where they are `LOST`, vectors are guessed from those around."""
    height, width, channels = shape
    layers, rows, columns = indices.shape
    out = np.empty(shape, np.uint8)
    books, level = [network.book(book), network.residual][:layers], BOOKS.index(book) + layers - 1
    for top, end, left, stop in _windows(rows, columns):
        halo = network.reach + _CONCEALED
        y0, y1, x0, x1 = max(0, top - halo), min(rows, end + halo), max(0, left - halo), min(columns, stop + halo)
        part = torch.from_numpy(indices[:, y0:y1, x0:x1].astype(np.int64))
        with exactly(_CPU):
            words = torch.stack([one[at.clamp(min=0)] for one, at in zip(books, part, strict=True)]).sum(0)
            vectors = words.permute(2, 0, 1)[None].contiguous()
            known = (part[0] != LOST)[None, None].float()
            if not bool(known.all()):
                vectors = network.conceal(vectors, known)
            decoded = network.pixels(vectors, torch.tensor([level]))
            if channels == 1:
                decoded = decoded.mean(1, keepdim=True)
            shown = torch.floor(decoded[0] + 0.5).clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy()
        target = out[top * PATCH : min(height, end * PATCH), left * PATCH : min(width, stop * PATCH)]
        y, x = (top - y0) * PATCH, (left - x0) * PATCH
        target[:] = shown[y : y + target.shape[0], x : x + target.shape[1]]
    return out


def _windows(rows: int, columns: int) -> list[tuple[int, int, int, int]]:
    return [
        (top, min(rows, top + _WINDOW), left, min(columns, left + _WINDOW))
        for top in range(0, rows, _WINDOW)
        for left in range(0, columns, _WINDOW)
    ]
