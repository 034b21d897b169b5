"""What arrays.py compares with, each array -> bytes -> array on one thread, and the measuring of one of them on a group."""

import importlib.util
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
PATIENCE_S = 4.0  # of processor time, after which two rounds do
PCODEC_DEFAULT, PCODEC_BEST = 8, 12
WIDEST_TABLE = 64


@dataclass(frozen=True)
class Peer:
    """A compressor. `decode` is given an array like the one that comes back, flat or not."""

    name: str
    needs: str
    encode: Callable[[Array], bytes]
    decode: Callable[[bytes, Array], object]


@dataclass(frozen=True)
class Row:
    """One candidate on one group: bytes, and seconds of processor time."""

    kind: str
    group: str
    candidate: str
    raw: int
    encoded: int
    encode_s: float
    decode_s: float


def peers() -> list[Peer]:
    """Those that are installed. Blosc2 makes one chunk of each array."""
    found = [_pcodec("pcodec", PCODEC_DEFAULT), _pcodec("pcodec 12", PCODEC_BEST)]
    found += [_pcodec_columns()]
    found += [_blosc2(f"blosc2 bitshuffle zstd {level}", "ZSTD", "BITSHUFFLE", level) for level in (5, 9)]
    found += [_blosc2("blosc2 shuffle lz4", "LZ4", "SHUFFLE", 5), _zstd()]
    return [peer for peer in found if importlib.util.find_spec(peer.needs)]


def best_of(rounds: int, run: Callable[[], object]) -> float:
    """Processor time of the quickest round, after one that warms up; fewer rounds of what is slow."""
    run()
    best, spent = float("inf"), 0.0
    for done in range(rounds):
        start = time.process_time()
        run()
        took = time.process_time() - start
        best, spent = min(best, took), spent + took
        if spent > PATIENCE_S and done:
            break
    return best


def measured(peer: Peer, kind: str, group: str, arrays: Sequence[Array], rounds: int) -> Row:
    """A peer on all arrays of a group; exits where one does not come back."""
    encoded = [peer.encode(array) for array in arrays]
    both = list(zip(encoded, arrays, strict=True))
    for data, array in both:
        if np.asarray(peer.decode(data, array)).tobytes() != array.tobytes():
            raise SystemExit(f"{peer.name} does not restore an array of {group}")
    encode_s = best_of(rounds, lambda: [peer.encode(array) for array in arrays])
    decode_s = best_of(rounds, lambda: [peer.decode(data, array) for data, array in both])
    return Row(kind, group, peer.name, sum(array.nbytes for array in arrays), sum(map(len, encoded)), encode_s, decode_s)


def _pcodec(name: str, level: int) -> Peer:
    def encode(array: Array) -> bytes:
        from pcodec import ChunkConfig, standalone

        # Bytes are refused unless asked for.
        return standalone.simple_compress(array.ravel(), ChunkConfig(compression_level=level, enable_8_bit=array.itemsize == 1))

    def decode(data: bytes, _: Array) -> object:
        from pcodec import standalone

        return standalone.simple_decompress(data)

    return Peer(name, "pcodec", encode, decode)


def _pcodec_columns() -> Peer:
    whole = _pcodec("", PCODEC_DEFAULT)

    def encode(array: Array) -> bytes:
        parts = [whole.encode(column) for column in _columns(array)]
        return b"".join(len(part).to_bytes(4, "little") + part for part in parts)

    def decode(data: bytes, like: Array) -> object:
        back, at = np.empty_like(like), 0
        for column in _columns(back):
            size = int.from_bytes(data[at : at + 4], "little")
            column[:] = whole.decode(data[at + 4 : at + 4 + size], column)
            at += 4 + size
        return back

    return Peer("pcodec columns", "pcodec", encode, decode)


def _columns(array: Array) -> list[Array]:
    """Views of the columns of a narrow table, and otherwise of everything."""
    if array.ndim < 2 or array.shape[-1] > WIDEST_TABLE:
        return [array.reshape(-1)]
    return list(array.reshape(-1, array.shape[-1]).T)


def _blosc2(name: str, codec: str, shuffle: str, level: int) -> Peer:
    def encode(array: Array) -> bytes:
        import blosc2

        return blosc2.compress2(
            array,
            typesize=array.itemsize,
            codec=getattr(blosc2.Codec, codec),
            filters=[getattr(blosc2.Filter, shuffle)],
            filters_meta=[0],
            clevel=level,
            nthreads=1,
        )

    def decode(data: bytes, _: Array) -> object:
        import blosc2

        return np.frombuffer(blosc2.decompress2(data, nthreads=1), np.uint8)

    return Peer(name, "blosc2", encode, decode)


def _zstd() -> Peer:
    def encode(array: Array) -> bytes:
        import zstandard

        return zstandard.ZstdCompressor(level=3).compress(array.data)

    def decode(data: bytes, like: Array) -> object:
        import zstandard

        return np.frombuffer(zstandard.ZstdDecompressor().decompress(data, max_output_size=like.nbytes), np.uint8)

    return Peer("zstd 3", "zstandard", encode, decode)
