"""Short items by context mixing, each by a model that has read the dictionary's items, and so the same for every item.

dictionary's items --> kept model        item --> a thread's own copy of it --> coded bytes; then what changed is put back
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lacodec.codecs.bytes.mixed.kernel import Model
from lacodec.codecs.bytes.mixed.run import run
from lacodec.codecs.bytes.mixed.setup import Setup, setup
from lacodec.codecs.bytes.mixed.start import copied, fresh, primed, primer_text
from lacodec.codecs.bytes.mixed.undo import undo
from lacodec.entropy.mixing import DECODING, READ_AHEAD, Engine
from lacodec.errors import CorruptFile

_SPARE = 64  # bytes beyond its own that a coded item may take before it is given up


@dataclass
class _Work:
    """A thread's own: engine and model, the bytes before an item and room for it, whether all is as in the kept model."""

    engine: Engine
    model: Model
    data: np.ndarray
    clean: bool = True


class PrimedItems:
    """Codes items of at most `limit` bytes after `items`, at an effort from 4 to 9; from several threads at once."""

    def __init__(self, items: Sequence[bytes], effort: int, text: bool, stride: int, limit: int) -> None:
        self._plan, self._stride, self._limit = setup(effort, text), stride, limit
        self._before = _laid_out(self._plan, items, stride)
        self._begin = self._before.size
        self._kept = _read(self._plan, items, self._before, stride, limit)
        self._own = threading.local()

    def encode(self, item: bytes) -> bytes | None:
        """Its coded bytes; None where they would be more than its own."""
        coded = np.zeros(len(item) + _SPARE, np.uint8)
        used, _ = self._run(np.frombuffer(item, np.uint8), coded, decoding=False)
        return coded[:used].tobytes() if used <= len(item) else None

    def decode(self, coded: bytes, size: int) -> bytes:
        """The item of `size` bytes; CorruptFile for bytes that nobody coded."""
        stream = np.frombuffer(coded, np.uint8).copy()  # kernels take what could be written to
        used, item = self._run(np.zeros(size, np.uint8), stream, decoding=True)
        if used != stream.size + READ_AHEAD:
            raise CorruptFile("a context-mixing stream does not end with its content")
        return item

    def _run(self, item: np.ndarray, stream: np.ndarray, *, decoding: bool) -> tuple[int, bytes]:
        """(position in the stream, the item)"""
        work = self._work()
        data = work.data[: self._begin + item.size]
        data[self._begin :] = item
        work.engine.plan[DECODING] = decoding
        work.clean = False
        used = run(work.engine._replace(stream=stream), work.model, data, self._begin, self._stride)
        found = data[self._begin :].tobytes()
        undo(work.engine, work.model, self._kept, data, self._begin, self._stride)
        work.clean = True
        return used, found

    def _work(self) -> _Work:
        work: _Work | None = getattr(self._own, "work", None)
        if work is None or not work.clean:  # an item was interrupted
            data = np.concatenate([self._before, np.zeros(self._limit, np.uint8)])
            work = self._own.work = _Work(copied(self._kept[0]), copied(self._kept[1]), data)
        return work


def _laid_out(plan: Setup, items: Sequence[bytes], stride: int) -> np.ndarray:
    """uint8[n]: what stands before an item: the primer, for text, and the items, each from a multiple of the stride on."""
    out = bytearray(primer_text().tobytes() if plan.primed else b"")
    for item in items:
        out += bytes(-len(out) % stride) + item
    return np.frombuffer(out + bytes(-len(out) % stride), np.uint8)


def _read(plan: Setup, items: Sequence[bytes], before: np.ndarray, stride: int, limit: int) -> tuple[Engine, Model]:
    """Engine and model after the items."""
    size = sum(len(item) for item in items) + limit
    stream = np.zeros(max(map(len, items), default=0) * 2 + _SPARE, np.uint8)
    engine, model = (primed if plan.primed else fresh)(plan, size, stream, decoding=False)
    at = primer_text().size if plan.primed else 0
    for item in items:
        at += -at % stride
        run(engine, model, before[: at + len(item)], at, stride)
        at += len(item)
    engine.registers[:] = 0
    return engine, model
