"""Measures compressors on the same bytes in the same run: (candidates, files) -> measurements -> totals."""

import resource
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

_SHORT_S = 1.0
"""A run shorter than this is repeated, and the quickest counts: timers and caches disturb short runs most."""


class Candidate(Protocol):
    """A method to measure: a `Peer`, or one of our codecs at one setting."""

    @property
    def name(self) -> str:
        """Shown in the table."""

    @property
    def encode(self) -> Callable[[bytes], bytes]:
        """One file's bytes -> its stream."""

    @property
    def decode(self) -> Callable[[bytes], bytes]:
        """The way back."""


@dataclass(frozen=True)
class Ours:
    """A lacodec codec at one setting, as a candidate."""

    name: str
    encode: Callable[[bytes], bytes]
    decode: Callable[[bytes], bytes]


@dataclass(frozen=True)
class Measurement:
    """One candidate on one file (or on all of them: `total`). Sizes in bytes, times in seconds of wall clock."""

    candidate: str
    file: str
    size: int
    encoded: int
    encode_s: float
    decode_s: float
    identical: bool

    @property
    def ratio(self) -> float:
        """Original size over encoded size; 0 for an empty stream."""
        return self.size / self.encoded if self.encoded else 0.0

    @property
    def encode_mb_s(self) -> float:
        """Encoding speed in 10^6 original bytes per second."""
        return self.size / 1e6 / max(self.encode_s, 1e-9)

    @property
    def decode_mb_s(self) -> float:
        """Decoding speed in 10^6 original bytes per second."""
        return self.size / 1e6 / max(self.decode_s, 1e-9)

    def as_dict(self) -> dict[str, object]:
        """For JSON; the derived figures included."""
        return {
            "candidate": self.candidate,
            "file": self.file,
            "size": self.size,
            "encoded": self.encoded,
            "ratio": round(self.ratio, 4),
            "encode_s": round(self.encode_s, 6),
            "decode_s": round(self.decode_s, 6),
            "encode_mb_s": round(self.encode_mb_s, 3),
            "decode_mb_s": round(self.decode_mb_s, 3),
            "identical": self.identical,
        }


def our_candidate(codec: str, threads: int = 1, **options: object) -> Ours:
    """A codec of ours as a candidate, named by the options that were given."""
    import lacodec

    coder = lacodec.codec(codec, **options)
    label = "".join(f" --{key.replace('_', '-')} {value}" for key, value in options.items())

    def encode(data: bytes) -> bytes:
        return bytes(coder.encode(data, threads=threads))

    def decode(data: bytes) -> bytes:
        return bytes(coder.decode(data, threads=threads))

    return Ours(f"{codec}{label}", encode, decode)


def processor_time() -> float:
    """Seconds of processor time of this process and of those that it has run: little disturbed by what else the machine does."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in used)


def measure(
    candidate: Candidate, file: str, data: bytes, repeats: int = 3, clock: Callable[[], float] = time.perf_counter
) -> Measurement:
    """Encode and decode `data`; short runs up to `repeats` times each, of which the quickest counts."""
    stream, encode_s = _timed(candidate.encode, data, repeats, clock)
    back, decode_s = _timed(candidate.decode, stream, repeats, clock)
    return Measurement(candidate.name, file, len(data), len(stream), encode_s, decode_s, back == data)


def measure_all(candidates: Iterable[Candidate], files: Iterable[tuple[str, bytes]], repeats: int = 3) -> Iterator[Measurement]:
    """Every candidate on every file, candidate by candidate. Each runs once unmeasured first: imports, compiled kernels."""
    contents = list(files)
    for candidate in candidates:
        if contents:
            sample = contents[0][1][:4096]
            candidate.decode(candidate.encode(sample))
        for name, data in contents:
            yield measure(candidate, name, data, repeats)


def total(measurements: Iterable[Measurement]) -> Measurement:
    """Sum over files of one candidate; the file is named by the count."""
    rows = list(measurements)
    return Measurement(
        candidate=rows[0].candidate,
        file=f"{len(rows)} files" if len(rows) != 1 else rows[0].file,
        size=sum(row.size for row in rows),
        encoded=sum(row.encoded for row in rows),
        encode_s=sum(row.encode_s for row in rows),
        decode_s=sum(row.decode_s for row in rows),
        identical=all(row.identical for row in rows),
    )


def _timed(function: Callable[[bytes], bytes], argument: bytes, repeats: int, clock: Callable[[], float]) -> tuple[bytes, float]:
    best, begin = float("inf"), time.perf_counter()
    for _ in range(max(1, repeats)):
        start = clock()
        result = function(argument)
        best = min(best, clock() - start)
        if time.perf_counter() - begin > _SHORT_S:
            break
    return result, best
