"""The payload of a chunk.

    0 | rule: coarseness (signed), slope, lift, tilt, up, down | noise | pace: limit, side limit, weights
      | for each group of channels: length of its stream (not of the last one), stream
    1 | samples                                stored: shorter for a file of a few samples, or of noise at a high quality

Numbers are LEB128. A group's stream holds sizes, angles, levels and coefficients of all its blocks (`_kernel.code`).
"""

import numpy as np

from lacodec.codecs.audio.transform import _state as st
from lacodec.codecs.audio.transform._analysis import find_angles, levels_of, rotated, sums, widths
from lacodec.codecs.audio.transform._chunks import Group, groups_of
from lacodec.codecs.audio.transform._kernel import code
from lacodec.codecs.audio.transform._options import Settings
from lacodec.codecs.audio.transform._setup import Pace, Rule, new_coder
from lacodec.codecs.audio.transform._synthesis import Symbols
from lacodec.codecs.audio.transform._tables import SIZES, SLOTS, bands_at
from lacodec.codecs.pieces import Reader, Writer
from lacodec.container.types import content_hash
from lacodec.entropy.mixing import POSITION, READ_AHEAD
from lacodec.errors import CorruptFile

_TRANSFORMED = 0
_MOST_COARSE = 255
_MOST_FALL = 1024  # eighths of an octave, from a band to the next
_MOST_COUNT = 102  # tens of a chance's count, which has ten bits
_MOST_PACE = 128
_PACE = Pace()


def encode_groups(groups: list[Group], rate: int, settings: Settings) -> tuple[bytes, list[Symbols]]:
    """(payload, what it decodes to)."""
    out, found = Writer(), []
    rule = settings.rule
    out.number(_TRANSFORMED)
    out.signed(rule.coarseness)
    for number in (rule.slope, rule.lift, rule.tilt, rule.up, rule.down, settings.noise):
        out.number(number)
    for number in (_PACE.limit, _PACE.side_limit, _PACE.weights):
        out.number(number)
    for i, group in enumerate(groups):
        stream, symbols = _encode_group(group, rate, settings)
        if i < len(groups) - 1:
            out.number(len(stream))
        out.write(stream)
        found.append(symbols)
    return bytes(out.data), found


def decode_groups(payload: bytes | memoryview, rate: int, channels: int, frames: int) -> list[Symbols]:
    """The symbols of all groups again; raises CorruptFile."""
    reader = Reader(payload)
    if reader.number() != _TRANSFORMED:
        raise CorruptFile("its method is unknown; if a newer lacodec wrote it, update")
    rule = Rule(reader.signed(), *(reader.number() for _ in range(5)))
    noise = reader.number()
    if abs(rule.coarseness) > _MOST_COARSE or max(rule.slope, rule.lift, rule.tilt) > 256 or noise > 16:
        raise CorruptFile("its rule for steps is invalid")
    if max(rule.up, rule.down) > _MOST_FALL:
        raise CorruptFile("its rule for masking is invalid")
    pace = Pace(*(reader.number() for _ in range(3)))
    if not (1 <= pace.limit <= _MOST_COUNT and 1 <= pace.side_limit <= _MOST_COUNT and pace.weights < _MOST_PACE):
        raise CorruptFile("its pace of learning is invalid")
    found = []
    for group in groups_of(channels):
        data = reader.piece() if group.stop < channels else reader.rest()
        stream = np.frombuffer(data, np.uint8).copy()
        coder = new_coder(rate, group.stop - group.start, frames, rule, pace, stream, decoding=True)
        code(coder, frames)
        if int(coder.registers[POSITION]) != len(data) + READ_AHEAD:
            raise CorruptFile("its stream does not end with its last coefficient")
        found.append(_symbols(coder, rule, noise))
    return found


def symbols_hash(found: list[Symbols]) -> int:
    """The content hash of a chunk: of its symbols, not of samples, which may differ in the last bit."""
    parts = [a.tobytes() for s in found for a in (s.sizes, s.angles, s.levels, s.quantised.astype("<i4"))]
    return content_hash(b"".join(parts))


def filled_coder(group: Group, rate: int, settings: Settings) -> st.Coder:
    """An encoder that has all it needs."""
    bands, sizes, spectra = bands_at(rate), group.sizes, group.spectra
    channels, n = spectra.shape
    frames = len(sizes) // SLOTS
    stream = np.zeros(12 * n * channels + frames * 16384 + 64, np.uint8)  # more than anything takes
    coder = new_coder(rate, channels, frames, settings.rule, _PACE, stream, decoding=False, prices=settings.prices)
    slots = np.flatnonzero(sizes < SIZES)
    coder.sizes[:] = sizes
    if channels == 2:
        angles = find_angles(spectra, sizes, bands)
        coder.angles[slots] = angles
        spectra = rotated(spectra, angles, sizes, bands)
    coder.wanted[:] = spectra
    coder.exact[:, slots] = levels_of(sums(spectra**2, sizes, bands), widths(sizes, bands))
    return coder


def _encode_group(group: Group, rate: int, settings: Settings) -> tuple[memoryview, Symbols]:
    coder = filled_coder(group, rate, settings)
    code(coder, len(group.sizes) // SLOTS)
    size, stream = int(coder.registers[POSITION]), coder.stream
    return memoryview(stream[:size].tobytes()), _symbols(coder, settings.rule, settings.noise)


def _symbols(coder: st.Coder, rule: Rule, noise: int) -> Symbols:
    return Symbols(rule, noise, coder.quantised, coder.sizes, coder.levels, coder.angles)
