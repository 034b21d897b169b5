"""Pictures <-> the payload of a chunk: a method byte and its data, by the circuit or, if that is no smaller, by codec `bytes`."""

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.embedded import embed, unembed
from lacodec.codecs.session import DEFAULT, Session
from lacodec.container.types import Header
from lacodec.errors import CorruptFile
from lacodec.models.circuits.circuit import Circuit
from lacodec.models.circuits.walk import FAILED, LANES, MOST_BYTES, walk

PLAIN, WALKED = range(2)


def encode(pixels: NDArray[np.uint8], circuit: Circuit, session: Session = DEFAULT) -> bytes:
    """The payload of pictures u8[n, D]."""
    if pixels.max(initial=0) < circuit.levels:
        buffer = np.empty(MOST_BYTES * pixels.size + 16, np.uint8)
        used = _walk(_whole_lanes(pixels), len(pixels), circuit, buffer, 0, False)
        if used < pixels.size:
            return bytes([WALKED]) + buffer[:used].tobytes()
    return bytes([PLAIN]) + embed("bytes", pixels.tobytes(), session)


def decode(payload: bytes, count: int, circuit: Circuit, header: Header, session: Session = DEFAULT) -> NDArray[np.uint8]:
    """The pictures, u8[count, D]; raises CorruptFile."""
    size = len(circuit.order)
    method, data = payload[:1], payload[1:]
    if method == bytes([PLAIN]):
        return np.frombuffer(unembed("bytes", data, count * size, header, session), np.uint8).reshape(count, size)
    if method != bytes([WALKED]):
        raise CorruptFile("its method is unknown; if a newer lacodec wrote it, update")
    pixels = _whole_lanes(np.zeros((count, size), np.uint8))
    if _walk(pixels, count, circuit, np.frombuffer(bytearray(data), np.uint8), len(data), True) == FAILED:
        raise CorruptFile("its pictures do not end where its bytes do")
    return pixels[:count]


def _walk(pixels: NDArray[np.uint8], count: int, c: Circuit, buffer: NDArray[np.uint8], length: int, decoding: bool) -> int:
    scratch = np.ones((2, int(c.depths.max()) + 1, c.states, LANES))
    tree, sizes = np.stack([c.order, c.parents, c.depths, c.tables]).astype(np.int32), np.array([length, count], np.int64)
    return int(walk(pixels, tree, c.neighbours, c.steps, c.cumulative, c.moves, scratch, buffer, sizes, decoding))


def _whole_lanes(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A copy with black pictures behind, to whole LANES."""
    return np.pad(pixels, ((0, -len(pixels) % LANES), (0, 0)))
