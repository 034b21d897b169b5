"""Frames in and out of the fast model.

payload = effort (1 byte), number of 32-bit words that hold symbols (4 bytes), those (two rANS states first), words of plain bits
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lacodec.codecs.image.jpeg.model.fast import code_fast_rows
from lacodec.codecs.image.jpeg.model.fast_setup import fast_component, new_symbols, pair_component, start_rows
from lacodec.codecs.image.jpeg.model.pairs import code_pair_rows
from lacodec.codecs.image.jpeg.model.symbols import BITS, FREE, HELD, LOWEST, NOTES, OTHER, POSITION, STATE, Symbols, write_notes
from lacodec.errors import CorruptFile
from lacodec.io.progress import Report, parts
from lacodec.kernels.scratch import chunk_memory, scratch

FAST = (1, 2)  # efforts
_HEAD, _STATES = 5, 4  # bytes, words


def encode_fast(arrays: Sequence[np.ndarray], quants: Sequence[np.ndarray], effort: int, report: Report) -> bytes:
    """Code coefficients (int16[rows, columns, 64] each)."""
    size = sum(array.size for array in arrays)
    with chunk_memory():
        notes, plain = scratch(8 * size + size // 2 + 64).view(np.uint32), scratch((size * 5 // 8 + 16) * 4).view(np.uint32)
        c = new_symbols(start_rows(), effort, notes=notes, plain=plain)
        _code(c, start_rows().chances.copy(), arrays, quants, effort, False, report)
        words = np.empty(int(c.registers[NOTES]) + _STATES, np.uint32)
        used = words[write_notes(c, words) :]
        ending = np.array([c.registers[HELD]], np.uint32)[: int(c.registers[FREE] > 0)]
        coded = np.concatenate([used, plain[: int(c.registers[BITS])], ending])
    return bytes([effort]) + used.size.to_bytes(4, "little") + coded.astype("<u4", copy=False).tobytes()


def decode_fast(data: bytes, arrays: Sequence[np.ndarray], quants: Sequence[np.ndarray], report: Report) -> None:
    """Fill arrays of zeros with what `encode_fast` coded; raises `CorruptFile` if the data are invalid."""
    count = int.from_bytes(data[1:_HEAD], "little")
    if (len(data) - _HEAD) % 4 or not _STATES <= count <= (len(data) - _HEAD) // 4:
        raise CorruptFile("its coefficients have no valid head")
    stored = np.frombuffer(data, "<u4", offset=_HEAD).astype(np.uint32)
    c = new_symbols(start_rows(), data[0], words=np.append(stored[:count], np.uint32(0)), plain=stored[count:])
    c.registers[STATE] = (int(stored[0]) << 32) | int(stored[1])
    c.registers[OTHER] = (int(stored[2]) << 32) | int(stored[3])
    c.registers[POSITION] = _STATES
    _code(c, start_rows().chances.copy(), arrays, quants, data[0], True, report)
    ended = [int(c.registers[i]) for i in (STATE, OTHER, POSITION, BITS)]
    if ended != [LOWEST, LOWEST, count, stored.size - count]:
        raise CorruptFile("its coefficients do not end with their last block")


def _code(
    c: Symbols,
    chances: np.ndarray,
    arrays: Sequence[np.ndarray],
    quants: Sequence[np.ndarray],
    effort: int,
    decoding: bool,
    report: Report,
) -> None:
    for index, (array, quant) in enumerate(zip(arrays, quants, strict=True)):
        kind = int(index in (1, 2))
        of: Any = pair_component(array, kind, decoding) if effort == 1 else fast_component(array, quant, kind, decoding, chances)
        code_rows: Any = code_pair_rows if effort == 1 else code_fast_rows
        for start, stop in parts(array.shape[0], array.size, report):
            code_rows(of, c, start, stop)
