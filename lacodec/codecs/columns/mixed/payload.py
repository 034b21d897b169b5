"""Arrays in and out of the mixing model.

payload = effort, profile, shift (a byte each), near, above, columns (LEB128), first value (bytes of a value), length of the
          decisions (LEB128), decisions, plain bits
"""

import math
from collections.abc import Callable

import numpy as np

from lacodec.codecs.columns.mixed import state as st
from lacodec.codecs.columns.mixed.kernel import code_values
from lacodec.codecs.columns.mixed.plain import finish_plain
from lacodec.codecs.columns.mixed.profiles import CONTEXTS, PROFILES, Geometry
from lacodec.codecs.columns.mixed.setup import Settings, largest_pools, new_state
from lacodec.codecs.columns.mixed.trial import MOST_COLUMNS, MOST_SHIFT, choose
from lacodec.codecs.fields import Reader, Writer
from lacodec.entropy.mixing import POSITION, READ_AHEAD, finish, start
from lacodec.errors import CorruptFile

Report = Callable[[int], None]
_SLICE = 1 << 16  # values between two reports


def _ignore(_: int) -> None:
    """Ignores reports."""


def run_encoder(latents: np.ndarray, settings: Settings, report: Report = _ignore) -> tuple[bytes, bytes]:
    """(decisions, plain bits) of a flat array."""
    bits = latents.dtype.itemsize * 8
    stream = np.zeros(latents.nbytes + latents.nbytes // 8 + 64, np.uint8)
    raw = np.zeros(latents.nbytes + 8, np.uint8)
    s = new_state(settings, latents.size, bits, stream, raw, decoding=False)
    s.values[s.values.size - latents.size :] = latents.view(np.int64) if bits == 64 else latents
    start(s)
    for at in range(0, latents.size, _SLICE):
        stop = min(at + _SLICE, latents.size)
        code_values(s, at, stop)
        report((stop - at) * latents.dtype.itemsize)
    finish(s)
    finish_plain(s)
    return bytes(stream[: s.registers[POSITION]]), bytes(raw[: s.registers[st.RAW_AT]])


def encode_mixed(latents: np.ndarray, *, effort: int, report: Report = _ignore) -> bytes:
    """Code a C-contiguous array of unsigned integers whose order means something; effort 7 to 9."""
    flat = latents.reshape(-1)
    if not flat.size:
        return b""
    settings = choose(latents, effort, _coded_size)
    decisions, plain = run_encoder(flat, settings, report)
    out = Writer(bytes([effort, settings.profile, settings.shift]))
    g = settings.geometry
    out.numbers([g.near, g.above, g.columns])
    out.write(flat[:1].astype(f"<u{flat.itemsize}").tobytes())
    out.number(len(decisions))
    return out.data + decisions + plain


def decode_mixed(data: bytes, dtype: np.dtype, shape: tuple[int, ...], report: Report = _ignore) -> np.ndarray:
    """The array of that type and shape. Raises `CorruptFile` if the payload is invalid or of another array."""
    dtype, count = np.dtype(dtype), math.prod(shape)
    reader = Reader(data, 0)
    if not count:
        if data:
            raise CorruptFile("an array without values has a payload")
        return np.zeros(shape, dtype)
    settings = _read_settings(reader, dtype.itemsize, count)
    stream = np.frombuffer(reader.take(reader.number()), np.uint8).copy()
    raw = np.frombuffer(reader.rest(), np.uint8).copy()
    s = new_state(settings, count, dtype.itemsize * 8, stream, raw, decoding=True)
    start(s)
    for begin in range(0, count, _SLICE):
        stop = min(begin + _SLICE, count)
        if code_values(s, begin, stop) < stop:
            raise CorruptFile("a mixed column ends before its values")
        report((stop - begin) * dtype.itemsize)
    if int(s.registers[POSITION]) != stream.size + READ_AHEAD or int(s.registers[st.RAW_AT]) != raw.size:
        raise CorruptFile("a mixed column does not end with its last value")
    return s.values[s.values.size - count :].astype(dtype).reshape(shape)


def _coded_size(sample: np.ndarray, settings: Settings) -> int:
    return sum(map(len, run_encoder(sample, settings)))


def _read_settings(reader: Reader, width: int, count: int) -> Settings:
    """What the head of a payload says, checked."""
    effort, profile, shift = reader.take(3)
    near, above, columns = reader.number(), reader.number(), reader.number()
    if effort not in CONTEXTS or profile >= len(PROFILES) or shift > MOST_SHIFT:
        raise CorruptFile("a mixed column has no valid head")
    if not (1 <= near <= st.PAD_MOST and above <= st.PAD_MOST and 1 <= columns <= MOST_COLUMNS):
        raise CorruptFile("a mixed column has an invalid geometry")
    if max(near, above, columns) > count or 0 < above <= 2 * near:
        raise CorruptFile("a mixed column has a geometry that does not fit its values")
    first = np.frombuffer(reader.take(width), f"<u{width}").astype(np.uint64).view(np.int64)
    return Settings(effort, profile, Geometry(near, above, columns), shift, int(first[0]))


def memory_mixed(size: int, width: int, effort: int = 9) -> int:
    """Bytes that an array of `size` bytes with values of `width` bytes needs at most, besides its own."""
    return 3 * size + 8 * (size // width) + largest_pools(size // width, effort)
