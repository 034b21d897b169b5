"""Many hypothesis round trips through the coders and codec `bytes`: exact, at every lane count, effort and kind of content.

python benchmarks/roundtrips.py [--examples 10000]
"""

import argparse
import itertools
import time
from collections import Counter
from collections.abc import Callable

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lacodec
from lacodec.entropy.rans import RansDecoder, RansEncoder
from lacodec.entropy.segments import decode_segments, encode_segments
from lacodec.entropy.tables import Tables, normalise

LANES = (1, 2, 4, 8, 16, 32, 64)
short = st.integers(0, 300)
small = st.binary(max_size=300)
#: Content that repeats, so that matches and contexts come into play.
woven = st.builds(lambda parts, order: b"".join(parts[i % len(parts)] for i in order), st.lists(small, min_size=1, max_size=4),
                  st.lists(st.integers(0, 9), max_size=8))  # fmt: skip


def rans(width: int, bits: int) -> Callable[[], None]:
    """Random tables with an escape, values inside and outside, pushed in two parts and pulled in two others."""

    @given(st.data(), short, st.sampled_from(LANES), st.lists(st.integers(0, 1000), min_size=1, max_size=40), st.integers(1, 4))
    def check(data: st.DataObject, n: int, lanes: int, counts: list[int], tables: int) -> None:
        rows = np.tile(np.array([*counts, 1]), tables)
        offsets = np.arange(tables + 1) * (len(counts) + 1)
        stack = Tables.from_counts([*counts, 1], bits, escape=True) if tables == 1 else _stack(rows, offsets, bits)
        values = np.array(
            data.draw(st.lists(st.integers(-(2**20), 2**20) | st.integers(0, len(counts)), min_size=n, max_size=n)), np.int32
        )
        index = np.arange(n) % tables if tables > 1 else None
        encoder, half = RansEncoder(width, lanes), n // 2
        for a, b in ((0, half), (half, n)):
            encoder.push(values[a:b], stack, None if index is None else index[a:b])
        decoder, cut = RansDecoder(encoder.finish()), n // 3
        parts = [decoder.pull(b - a, stack, None if index is None else index[a:b]) for a, b in ((0, cut), (cut, n))]
        decoder.finish()
        assert (np.concatenate(parts) == values).all()

    return check


def _stack(rows: np.ndarray, offsets: np.ndarray, bits: int) -> Tables:
    freqs = np.concatenate(
        [normalise(rows[a:b] + (np.arange(a, b) == b - 1), bits) for a, b in itertools.pairwise(offsets.tolist())]
    )
    return Tables(freqs, offsets, bits, True)


@given(st.binary(max_size=300), st.integers(0, 2))
def segments(content: bytes, repeats: int) -> None:
    """Bytes in segments, about their borders too."""
    symbols = np.frombuffer(content * (1 + repeats * 500), np.uint8)
    tables = Tables.from_counts(np.bincount(symbols, minlength=256) + 1, 12)
    assert (decode_segments(encode_segments(symbols, tables), tables, symbols.size) == symbols).all()


def bytes_at(effort: int) -> Callable[[], None]:
    """A whole file in memory: codec and container."""

    @given(small | woven)
    def check(content: bytes) -> None:
        stream = lacodec.encode(content, effort=effort)
        assert lacodec.decode(stream) == content
        assert len(stream) <= len(content) * 1.001 + 64

    return check


def main() -> None:
    """Run every subject and print how many round trips were exact."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=10_000)
    total = parser.parse_args().examples
    subjects = {f"rans R{width}, {bits}-bit tables": rans(width, bits) for width, bits in ((32, 8), (32, 12), (32, 14), (64, 20))}
    subjects |= {"segments": segments} | {f"bytes, effort {effort}": bytes_at(effort) for effort in range(1, 10)}
    done: Counter[str] = Counter()
    for name, check in subjects.items():
        begin = time.perf_counter()
        counted = _counting(check, done, name)
        relaxed = settings(
            max_examples=-(-total // len(subjects)), deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        relaxed(counted)()
        print(f"{name:28} {done[name]:6} round trips  {time.perf_counter() - begin:6.1f} s", flush=True)
    print(f"{'all exact':28} {done.total():6}")


def _counting(check: Callable[[], None], done: Counter[str], name: str) -> Callable[[], None]:
    inner = check.hypothesis.inner_test  # type: ignore[attr-defined]

    def counted(*arguments: object, **named: object) -> None:
        inner(*arguments, **named)
        done[name] += 1

    check.hypothesis.inner_test = counted  # type: ignore[attr-defined]
    return check


if __name__ == "__main__":
    main()
