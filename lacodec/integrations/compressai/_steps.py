"""The steps in which a model of CompressAI codes a picture, and what stands in for its entropy coder.

    compress --symbols, table numbers--> Encoding --one stream--> Decoding --symbols--> decompress

A step is one call of the coder: it returns a token, in place of a string, which the model puts where the string would go.
"""

import struct
from functools import cached_property
from typing import Any

import numpy as np

from lacodec.container.types import content_hash
from lacodec.entropy.rans import RansDecoder, RansEncoder
from lacodec.entropy.tables import Tables
from lacodec.errors import BadInput, CorruptFile, UnsupportedFile

TOKEN = struct.Struct("<I")
_COUNT = struct.Struct("<H")


class Encoding:
    """What one picture's `compress` hands to the coder, step by step."""

    def __init__(self) -> None:
        self.symbols: list[np.ndarray] = []
        self._digests: list[int] = []
        self._encoder = RansEncoder(64, 1)  # one lane keeps up with the lists that CompressAI makes, and ends in 8 bytes

    def code(self, values: Any, index: Any, tables: Tables) -> bytes:
        """The token that stands for the step in what the model returns."""
        symbols, numbers = np.asarray(values, np.int32), np.asarray(index, np.int32)
        self._encoder.push(symbols, tables, numbers)
        self._digests.append(content_hash(numbers.tobytes()))
        self.symbols.append(symbols)
        return TOKEN.pack(len(self.symbols) - 1)

    def read(self, token: bytes, index: Any, tables: Tables) -> np.ndarray:
        """Models read their hyper-latents back while they encode."""
        return self.symbols[TOKEN.unpack(token)[0]]

    def payload(self) -> bytes:
        """Digests and stream."""
        return _COUNT.pack(len(self._digests)) + struct.pack(f"<{len(self._digests)}Q", *self._digests) + self._encoder.finish()

    def content(self) -> bytes:
        """All symbols."""
        return b"".join(symbols.astype("<i4").tobytes() for symbols in self.symbols)


class Decoding:
    """The same for `decompress`: steps must come in the order in which they were coded."""

    def __init__(self, payload: bytes, machine: str) -> None:
        (count,) = _COUNT.unpack_from(payload) if len(payload) >= _COUNT.size else (0,)
        start = _COUNT.size + 8 * count
        if len(payload) < start:
            raise CorruptFile("its payload is truncated")
        self._digests = struct.unpack_from(f"<{count}Q", payload, _COUNT.size)
        self._rans, self._machine = RansDecoder(payload[start:]), machine
        self._pulled: list[np.ndarray] = []

    def code(self, values: Any, index: Any, tables: Tables) -> bytes:
        """Not while decoding."""
        raise BadInput("a model that encodes while it decodes cannot be used")

    def read(self, token: bytes, index: Any, tables: Tables) -> np.ndarray:
        """int32[n], the next step's symbols."""
        (number,), numbers = TOKEN.unpack(token), np.asarray(index, np.int32)
        if number != len(self._pulled) or number >= len(self._digests):
            raise CorruptFile("its steps are not in the order in which the model decodes them")
        if content_hash(numbers.tobytes()) != self._digests[number]:
            raise UnsupportedFile(
                f"the networks on this machine choose other tables (step {number + 1}) than on the machine that wrote the file "
                f"({self._machine}); decode it on that machine"
            )
        self._pulled.append(self._rans.pull(len(numbers), tables, numbers))
        return self._pulled[-1]

    def content(self) -> bytes:
        """All symbols; raises CorruptFile where not all were read."""
        self._rans.finish()
        return b"".join(symbols.astype("<i4").tobytes() for symbols in self._pulled)


class Coder:
    """In the place of an entropy model's `entropy_coder`. The tables that it is called with are those of `owner`."""

    def __init__(self, owner: Any, job: Encoding | Decoding) -> None:
        self._owner, self._job = owner, job

    @cached_property
    def tables(self) -> Tables:
        """Those of `owner`: its counts of 16 bits, the last of each table for all other values."""
        lengths = self._owner.cdf_length.cpu().numpy().astype(np.int64) - 1
        cdfs = np.diff(self._owner.quantized_cdf.cpu().numpy().astype(np.int64), axis=1)
        freqs = np.concatenate([row[:length] for row, length in zip(cdfs, lengths, strict=True)])
        ends = np.concatenate([[0], np.cumsum(lengths)])
        first = self._owner.offset.cpu().numpy().astype(np.int32)
        return Tables(freqs.astype(np.uint32), ends.astype(np.uint32), self._owner.entropy_coder_precision, True, first)

    def encode_with_indexes(self, symbols: Any, indexes: Any, *tables: Any) -> bytes:
        """As CompressAI calls it."""
        return self._job.code(symbols, indexes, self.tables)

    def decode_with_indexes(self, token: bytes, indexes: Any, *tables: Any) -> np.ndarray:
        """As CompressAI calls it."""
        return self._job.read(token, indexes, self.tables)
