"""Progressive tiles of codec image.learned: latents in segments by importance; any beginning of the payload decodes.

    payload = u8 segments | u8 threshold, LEB128 size of each | u32 check of each | alpha, if any, after its u32 size | segments

The entropy networks walk over all latents once for each segment. Walk k codes those latents that have not been coded yet and
whose table number reaches threshold k: those of which most is unknown. All others count as their means, for the networks and
for the picture. The last threshold is 0. A segment is one rANS stream; the first one begins with the hyper-latents. Its check is
the low half of the xxh3-64 of the front up to the checks, of alpha with its size (first segment only), and of the segment.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lacodec.codecs.image.learned.latents import MOST, Encoder, Pushed, as_content, coded, device_of, flat, hyper_size, pulled
from lacodec.codecs.pieces import Reader, Writer
from lacodec.container.types import content_hash
from lacodec.entropy.distributions import SCALES, load
from lacodec.entropy.rans import RansDecoder
from lacodec.errors import CorruptFile
from lacodec.models.exact import exactly
from lacodec.models.image.entropy import Part as Step
from lacodec.models.image.model import ImageModel
from lacodec.models.image.rounding import towards_zero

_MOST_SEGMENTS = 8
_BYTES = 2400  # of a segment, about: with shorter ones, poorer contexts, checks and start states take more than a hundredth
_U32 = struct.Struct("<I")
_HALF = 0xFFFFFFFF


@dataclass(frozen=True)
class Front:
    """The start of a payload, parsed. begin: bytes before alpha, or before the first segment."""

    thresholds: tuple[int, ...]
    sizes: tuple[int, ...]
    checks: tuple[int, ...]
    alpha: bytes
    begin: int
    size: int

    def segments(self, payload: bytes) -> list[bytes]:
        """The segments that are there and whole, up to the first that is not."""
        found: list[bytes] = []
        at = self.begin + len(self.alpha)
        before = payload[: self.begin - _U32.size * len(self.sizes)]
        for size, check in zip(self.sizes, self.checks, strict=True):
            segment = payload[at : at + size]
            if len(segment) < size or content_hash(before, b"" if found else self.alpha, segment) & _HALF != check:
                break
            found.append(segment)
            at += size
        return found


def front_of(payload: bytes, has_alpha: bool) -> Front:
    """The start of a payload, or of its beginning; raises CorruptFile."""
    reader = Reader(payload)
    count = reader.take(1)[0]
    if not 1 <= count <= _MOST_SEGMENTS:
        raise CorruptFile(f"it has {count} segments; there are 1 to {_MOST_SEGMENTS}")
    facts = [(reader.take(1)[0], reader.number()) for _ in range(count)]
    checks = tuple(_U32.unpack(reader.take(_U32.size))[0] for _ in range(count))
    begin, alpha = len(payload) - len(reader), b""
    if facts[-1][0] or max(threshold for threshold, _ in facts) >= SCALES:
        raise CorruptFile("its segments have impossible thresholds")
    if has_alpha:
        size = bytes(reader.take(_U32.size))
        alpha = size + bytes(reader.take(_U32.unpack(size)[0]))
    total = begin + len(alpha) + sum(size for _, size in facts)
    return Front(tuple(t for t, _ in facts), tuple(size for _, size in facts), checks, alpha, begin, total)


def write_segments(network: ImageModel, coder: Encoder, alpha: bytes = b"") -> tuple[bytes, bytes]:
    """(payload, content to be hashed) of latents that were coded plainly before; alpha: its payload."""
    latents = coder.latents
    known, content = _Known(network, latents), b""
    thresholds, segments = _thresholds(coder), []
    for number, threshold in enumerate(thresholds):
        pushed = [coder.pushed_hyper] if number == 0 and network.hyper_analysis is not None else []

        def code(parts: list[Step], fresh: list[Tensor], pushed: list[Pushed] = pushed) -> Tensor:
            rest = torch.cat([(part.of(latents) - part.means / 16)[now] for part, now in zip(parts, fresh, strict=True)])
            scales = torch.cat([part.scales[now] for part, now in zip(parts, fresh, strict=True)])
            symbols = towards_zero(rest, scales, network.options.family).clamp(-MOST, MOST)
            pushed.append((flat([symbols], np.int32), flat([scales], np.uint16)))
            return symbols

        with exactly(latents.device):
            network.entropy.walk(coder.hyper, coder.level, (latents.shape[2], latents.shape[3]), known.coder(threshold, code))
        segments.append(coded(load(network.options.family), pushed))
        content += as_content(symbols for symbols, _ in pushed)
    return _payload(thresholds, segments, _U32.pack(len(alpha)) + alpha if alpha else b""), content


def read_segments(
    network: ImageModel, front: Front, segments: list[bytes], size: tuple[int, int], level: Tensor
) -> tuple[Tensor, bytes]:
    """(values float32[latents, *size], content to be hashed) of the first segments, with levels as for `Decoder`; CorruptFile."""
    device, tables = device_of(network), load(network.options.family)
    hyper = torch.zeros((1, network.options.hyper_latents, *hyper_size(size)), device=device)
    known = _Known(network, torch.zeros((1, network.options.latents, *size), device=device))
    taken: list[np.ndarray] = []
    for number, (threshold, segment) in enumerate(zip(front.thresholds, segments, strict=False)):
        rans = RansDecoder(segment)
        if rans.count > hyper.numel() + known.coded.numel() or rans.width != 32:
            raise CorruptFile(f"a segment holds {rans.count} symbols, more than the tile has")

        def pull(scales: Tensor, rans: RansDecoder = rans) -> Tensor:
            taken.append(pulled(rans, tables, flat([scales], np.uint16)))
            return torch.from_numpy(taken[-1].astype(np.float32)).to(device)

        def code(parts: list[Step], fresh: list[Tensor], pull: Callable[[Tensor], Tensor] = pull) -> Tensor:
            return pull(torch.cat([part.scales[now] for part, now in zip(parts, fresh, strict=True)]))

        with exactly(device):
            if number == 0 and network.hyper_analysis is not None:
                hyper = pull(network.entropy.hyper_part(level, tuple(hyper.shape)).scales).reshape(hyper.shape)
            network.entropy.walk(hyper, level, size, known.coder(threshold, code))
        rans.finish()
    return known.sixteenths[0] / 16, as_content(taken)


class _Known:
    """sixteenths float32[1, latents, rows, columns]: values, or means where `coded`, bool of the same shape, is not set."""

    def __init__(self, network: ImageModel, like: Tensor) -> None:
        self.sixteenths, self.coded = torch.zeros_like(like), torch.zeros_like(like, dtype=torch.bool)

    def coder(self, threshold: int, code: Callable[[list[Step], list[Tensor]], Tensor]) -> Callable[[list[Step]], list[Tensor]]:
        """For a walk. code(parts, fresh): the symbols of the latents of all parts for which `fresh` is set."""

        def step(parts: list[Step]) -> list[Tensor]:
            fresh = [~part.of(self.coded) & (part.scales >= threshold) for part in parts]
            symbols, values = code(parts, fresh), []
            for part, now in zip(parts, fresh, strict=True):
                count = int(now.sum())
                value = torch.where(part.of(self.coded), part.of(self.sixteenths), part.means)
                value[now] += 16 * symbols[:count]
                symbols = symbols[count:]
                part.of(self.sixteenths).copy_(value)
                part.of(self.coded).logical_or_(now)
                values.append(value)
            return values

        return step


def _thresholds(coder: Encoder) -> list[int]:
    """Those that part the bits of a plain stream about equally."""
    bits = coder.bits_by_table()
    total = coder.bits()
    count = int(np.clip(total / 8 // _BYTES, 1, _MOST_SEGMENTS))
    reached = total - bits.sum() + np.cumsum(bits[::-1])[::-1]  # with all tables from this one on; and the hyper-latents
    found = [int(np.flatnonzero(reached >= total * part / count)[-1]) for part in range(1, count)]
    return [*sorted({threshold for threshold in found if threshold > 0}, reverse=True), 0]


def _payload(thresholds: list[int], segments: list[bytes], alpha: bytes) -> bytes:
    out = Writer()
    out.write(bytes([len(segments)]))
    for threshold, segment in zip(thresholds, segments, strict=True):
        out.write(bytes([threshold]))
        out.number(len(segment))
    front = out.data
    checks = [content_hash(front, b"" if number else alpha, segment) & _HALF for number, segment in enumerate(segments)]
    return b"".join([front, *map(_U32.pack, checks), alpha, *segments])
