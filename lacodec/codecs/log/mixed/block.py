"""Method 2 of codec `log`: blocks in and out of the line model.

payload = u8 effort, range coder's bytes
"""

import numpy as np

from lacodec.codecs.bytes.mixed.start import primer_text
from lacodec.codecs.log.mixed.kernel import code_lines
from lacodec.codecs.log.mixed.setup import Setup, setup
from lacodec.codecs.log.mixed.start import primed
from lacodec.entropy.mixing import POSITION, READ_AHEAD
from lacodec.errors import CorruptFile
from lacodec.io.progress import Report, ignore

EFFORTS = range(7, 10)
_SLICE = 1 << 18  # bytes between two reports of progress


def encode_lines(data: np.ndarray, effort: int, on_work: Report = ignore) -> bytes:
    """Code uint8[n]; the result may be longer than the input, and is then useless.

    Effort 7 to 9. `on_work` is told how many bytes were coded since its last call. Memory: see `lines_memory`.
    """
    coded = np.zeros(max(data.size, 64), np.uint8)
    used = _run(setup(effort), data, coded, on_work, decoding=False)
    return bytes([effort]) + bytes(coded[: min(used, coded.size)]) + bytes(max(0, used - coded.size))


def decode_lines(payload: bytes, size: int, on_work: Report = ignore) -> np.ndarray:
    """uint8[size] from the result of `encode_lines`. Raises `CorruptFile` if the payload is invalid, or not of this size."""
    if not payload or payload[0] not in EFFORTS:
        raise CorruptFile("a payload of the line model names no effort from 7 to 9")
    coded = np.frombuffer(payload, np.uint8, offset=1).copy()
    data = np.zeros(size, np.uint8)
    if _run(setup(payload[0]), data, coded, on_work, decoding=True) != coded.size + READ_AHEAD:
        raise CorruptFile("a stream of the line model does not end with its content")
    return data


def lines_memory(size: int, effort: int) -> int:
    """Bytes that coding `size` bytes at an effort needs at most, in either direction."""
    return 5 * size + setup(effort).memory(size)


def _run(plan: Setup, data: np.ndarray, coded: np.ndarray, on_work: Report, *, decoding: bool) -> int:
    """Code `data` (in place when decoding) with a primed model; returns the position in the stream.

    The model, which may take hundreds of MiB, ends here: an error's traceback must not keep it.
    """
    primer = primer_text()
    engine, model = primed(plan, data.size, coded, decoding=decoding)
    whole = np.concatenate([primer, data])
    begin = at = primer.size
    while True:
        stop = min(at + _SLICE, whole.size)
        if not code_lines(engine, model, whole, at, stop, at == begin, stop == whole.size):
            break
        on_work(stop - at)
        at = stop
        if at == whole.size:
            break
    if decoding:
        data[:] = whole[begin:]
    return int(engine.registers[POSITION])
