"""Method 2 of codec `log`: blocks in and out of the line model.

payload = u8 effort, range coder's bytes
"""

import numpy as np

from lacodec.codecs.bytes.mixed.block import cm_encode
from lacodec.codecs.bytes.mixed.start import primer_text
from lacodec.codecs.log.mixed.kernel import code_lines
from lacodec.codecs.log.mixed.setup import Setup, setup
from lacodec.codecs.log.mixed.start import primed
from lacodec.entropy.mixing import POSITION, READ_AHEAD
from lacodec.errors import CorruptFile
from lacodec.io.progress import Report, ignore

EFFORTS = range(7, 10)
_TRIAL = 1 << 16  # bytes
_SLICE = 1 << 18  # bytes between two reports of progress


def suits(block: bytes, effort: int) -> bool:
    """Whether the line model makes a sample from the middle of a block smaller than codec `bytes` does, at the same effort."""
    begin = max(0, len(block) - _TRIAL) // 2
    sample = np.frombuffer(block, np.uint8)[begin : begin + _TRIAL]
    return len(encode_lines(sample, effort)) < len(cm_encode(sample, effort))


def encode_lines(block: bytes | np.ndarray, effort: int, on_work: Report = ignore) -> bytes:
    """Code bytes; the result may be longer than they are, and is then useless.

    Effort 7 to 9. `on_work` is told how many bytes were coded since its last call. Memory: see `lines_memory`.
    """
    data = np.frombuffer(block, np.uint8)
    coded = np.zeros(max(data.size, 64), np.uint8)
    used = _run(setup(effort), data, coded, on_work, decoding=False)
    return bytes([effort]) + bytes(coded[: min(used, coded.size)]) + bytes(max(0, used - coded.size))


def decode_lines(payload: bytes, size: int, on_work: Report = ignore) -> bytes:
    """The `size` bytes of the result of `encode_lines`. Raises `CorruptFile` if the payload is invalid, or not of this size."""
    if not payload or payload[0] not in EFFORTS:
        raise CorruptFile("a payload of the line model names no effort from 7 to 9")
    coded = np.frombuffer(payload, np.uint8, offset=1).copy()
    data = np.zeros(size, np.uint8)
    if _run(setup(payload[0]), data, coded, on_work, decoding=True) != coded.size + READ_AHEAD:
        raise CorruptFile("a stream of the line model does not end with its content")
    return data.tobytes()


def lines_memory(size: int, payload: bytes | None, effort: int) -> int:
    """Bytes that coding `size` bytes at an effort, or decoding a payload of theirs, needs at most."""
    if payload is not None:
        effort = (
            payload[0] if payload and payload[0] in EFFORTS else EFFORTS[0]
        )  # others are refused before anything is allocated
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
