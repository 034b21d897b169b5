"""Attacks on encoded values: damage, cuts, forged headers and sizes."""

import dataclasses
import io
import random
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import lacodec
from lacodec.codecs.base import Codec
from lacodec.container import CRITICAL, Chunk, Header, Reader, write_container
from lacodec.container.types import MAX_DECODED
from lacodec.errors import CorruptFile, LacodecError
from lacodec.io.source import BytesSource
from lacodec.testing.compare import alike, expect

_FLIPS = 30  # damaged copies of each file, of every sort

_SECONDS = 5.0  # allowed for a damaged file, in addition to twenty times the time of the sound one

CHUNK_COST = 160  # bytes that the container takes for each chunk

_CLAIM = 8 << 20  # extra bytes that a forged chunk claims

_SECONDS_PER_BYTE = 1e-6  # allowed for the claimed size of a chunk

_SLACK = 16 << 20  # bytes of memory allowed beyond the codec's `memory`

_FORGERIES: tuple[Any, ...] = (None, -1, 1 << 62, "", b"\xff" * 40, [], [1 << 40] * 3, {"a": []}, float("nan"))


class Hostile:
    """One encoded value, and the attacks on it."""

    def __init__(self, made: Codec[Any], encoded: bytes, seconds: float, rng: random.Random) -> None:
        self._made, self._encoded, self._rng = made, encoded, rng
        self._most_seconds = 20 * seconds + _SECONDS
        self._whole = lacodec.decode(encoded)
        reader = Reader(BytesSource(encoded))
        self._header, self._chunks = reader.header, [reader.chunk(i) for i in range(len(reader.index))]
        self._offsets = [head.payload_offset for head in reader.index]
        largest = max((chunk.decoded_size for chunk in self._chunks), default=0)
        total = sum(chunk.decoded_size for chunk in self._chunks)
        longest = max((chunk.payload for chunk in self._chunks), key=len, default=b"")
        self._most_memory = made.memory(largest, longest) + 6 * total + 2 * len(encoded) + _SLACK

    def check(self) -> None:
        """All attacks.

        Memory is traced from the first to the last one: CPython before 3.12.9 may crash when tracing stops while the thread of
        a decoder ends (gh-128679), so it does not stop after each.
        """
        tracemalloc.start(1)
        try:
            self.check_damage()
            self.check_forged()
            self.check_salvage()
        finally:
            tracemalloc.stop()

    def check_damage(self) -> None:
        """Flipped bits, missing and extra bytes: must be noticed or have no effect."""
        size = len(self._encoded)
        for _ in range(_FLIPS):
            at = self._rng.randrange(size)
            damaged = bytearray(self._encoded)
            damaged[at] ^= 1 << self._rng.randrange(8)
            self._read(bytes(damaged), f"a bit flipped in byte {at}", noticed=True)
        refused = self._made.cut_after(self._header, [chunk.covers for chunk in self._chunks]) is None
        cut_short = (dataclasses.replace(chunk, payload=chunk.payload[:-1], cut=True) for chunk in self._chunks)
        refused &= all(self._made.beginning(self._header, chunk) is None for chunk in cut_short)
        for cut in {1, size // 2, *(self._rng.randrange(size) for _ in range(6))}:
            self._read(self._encoded[:cut], f"cut off after {cut} bytes", noticed=refused, must_fail=refused)

    def check_forged(self) -> None:
        """Files with correct checksums and false content."""
        for number, chunk in enumerate(self._chunks[:4]):
            for _ in range(_FLIPS):
                payload = self._mutant(chunk.payload)
                self._read(self._with(number, payload=payload), f"chunk {number} with a forged payload", noticed=True)
            if chunk.kind == CRITICAL and chunk.covers:
                for grown in (1, chunk.decoded_size + 1, _CLAIM):
                    if 0 < grown <= MAX_DECODED - chunk.decoded_size:
                        self._check_size(number, chunk, grown)
        for metadata in self._forged_metadata():
            self._read(self._written(self._chunks, metadata), f"metadata forged to {str(metadata)[:80]}", noticed=False)

    def _check_size(self, number: int, chunk: Chunk, grown: int) -> None:
        start, stop = chunk.covers[-1]
        longer = (*chunk.covers[:-1], (start, stop + grown))
        what = f"chunk {number} that claims {grown} more"
        claimed, most, seconds = chunk.decoded_size + grown, self._most_memory, self._most_seconds
        self._most_seconds += claimed * _SECONDS_PER_BYTE
        self._most_memory += 2 * claimed + self._made.memory(claimed, chunk.payload)
        self._read(self._with(number, decoded_size=claimed), f"{what} bytes", noticed=True)
        self._read(self._with(number, covers=longer, decoded_size=claimed), f"{what}, covered", noticed=True)
        self._most_memory, self._most_seconds = most, seconds

    def check_salvage(self) -> None:
        """Each chunk lost in turn: the others are decoded, and the damage is reported."""
        for number, chunk in enumerate(self._chunks[:6]):
            if not chunk.payload:
                continue
            at, lost = self._offsets[number], bytes(255 - byte for byte in chunk.payload)
            data = self._encoded[:at] + lost + self._encoded[at + len(lost) :]
            out = io.BytesIO()
            what = f"with chunk {number} lost"
            with self._bounded(what):
                try:
                    done = lacodec.decode_file(BytesSource(data), out, salvage=True)
                except CorruptFile:
                    expect(len(self._chunks) == 1, f"{what}, nothing else is decoded (is `assemble` given a Lost?)")
                    continue
            expect(bool(done.damage), f"{what}, salvage reports no damage")

    def _mutant(self, payload: bytes) -> bytes:
        at = self._rng.randrange(len(payload) + 1)
        kind = self._rng.randrange(4)
        if kind == 0:
            return payload[:at]
        if kind == 1:
            return payload[:at] + self._rng.randbytes(3) + payload[at:]
        if kind == 2:
            return payload + bytes(self._rng.randrange(1, 40))
        changed = bytearray(payload)
        for _ in range(self._rng.randrange(1, 4) if payload else 0):
            changed[self._rng.randrange(min(len(payload), 64) if self._rng.random() < 0.5 else len(payload))] = (
                self._rng.randrange(256)
            )
        return bytes(changed)

    def _forged_metadata(self) -> Iterator[dict[str, Any]]:
        yield {}
        for key, value in self._header.metadata.items():
            yield {name: item for name, item in self._header.metadata.items() if name != key}
            for forged in _FORGERIES:
                if forged != value:
                    yield {**self._header.metadata, key: forged}

    def _with(self, number: int, **changes: Any) -> bytes:
        chunks = list(self._chunks)
        chunks[number] = dataclasses.replace(chunks[number], **changes)
        return self._written(chunks, self._header.metadata)

    def _written(self, chunks: list[Chunk], metadata: dict[str, Any]) -> bytes:
        """A file of these chunks; empty if the container does not allow it."""
        import msgspec

        header: Header = msgspec.structs.replace(self._header, metadata=metadata)
        out = io.BytesIO()
        try:
            write_container(header, iter(chunks), out)
        except LacodecError:
            return b""
        return out.getvalue()

    def _read(self, data: bytes, what: str, noticed: bool, must_fail: bool = False) -> None:
        """Decode; only LacodecErrors may be raised, and only the value returned if damage must be noticed."""
        with self._bounded(what):
            try:
                found = lacodec.decode(data)
            except LacodecError as error:
                expect("\n" not in str(error), f"{what}: the message has several lines")
                cause = error.__cause__
                blamed = type(error) is LacodecError and cause is not None
                expect(
                    not blamed, f"{what}: {type(cause).__name__}: {cause}; raise CorruptFile for data that no encoder produces"
                )
                return
        expect(not must_fail, f"{what}: goes unnoticed")
        expect(not noticed or alike(found, self._whole), f"{what}: decodes to something else unnoticed")

    def _bounded(self, what: str) -> "Bounded":
        return Bounded(what, self._most_seconds, self._most_memory)


class Bounded:
    """Limits the time, memory and errors of the code inside; memory is being traced."""

    def __init__(self, what: str, seconds: float, memory: int) -> None:
        self._what, self._seconds, self._memory = what, seconds, memory

    def __enter__(self) -> None:
        tracemalloc.clear_traces()
        self._started = time.perf_counter()

    def __exit__(self, _: Any, error: BaseException | None, __: Any) -> None:
        seconds, peak = time.perf_counter() - self._started, tracemalloc.get_traced_memory()[1]
        if isinstance(error, Exception) and not isinstance(error, LacodecError | AssertionError):
            text = f"{self._what}: {type(error).__name__}: {error}; only a LacodecError may be raised"
            raise AssertionError(text) from error
        expect(
            seconds <= self._seconds,
            f"{self._what}: took {seconds:.1f} s, the limit is {self._seconds:.1f} s (20 times the sound file)",
        )
        expect(
            peak <= self._memory, f"{self._what}: took {peak >> 20} MiB, but `memory` promises at most {self._memory >> 20} MiB"
        )
