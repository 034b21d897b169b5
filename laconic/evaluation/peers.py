"""The one list of compressors that laconic is compared with, how each is called, and whether it is installed here.

Every peer is bytes -> bytes, in both directions and on one thread, at the setting named in `how`.
"""

import bz2
import gzip
import importlib.util
import lzma
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_PPMD_ORDER, _PPMD_MEMORY = 8, 256 << 20


@dataclass(frozen=True)
class Peer:
    """A compressor: `encode` and `decode` take and return bytes.

    `how` is the call in words a reader can repeat; `needs` the Python module or, with a leading "$", the program it runs.
    """

    name: str
    how: str
    needs: str
    install: str
    encode: Callable[[bytes], bytes]
    decode: Callable[[bytes], bytes]

    @property
    def installed(self) -> bool:
        """Whether the module or program is here; imports nothing."""
        if self.needs.startswith("$"):
            return shutil.which(self.needs[1:]) is not None
        return importlib.util.find_spec(self.needs) is not None


def installed_peers() -> list[Peer]:
    """The peers that can run on this machine, in the order of `PEERS`."""
    return [peer for peer in PEERS if peer.installed]


def _zstd_encode(data: bytes, level: int) -> bytes:
    import zstandard

    return zstandard.ZstdCompressor(level=level).compress(data)


def _zstd_decode(data: bytes) -> bytes:
    import zstandard

    return zstandard.ZstdDecompressor().decompress(data)


def _brotli_encode(data: bytes, quality: int) -> bytes:
    import brotli

    return bytes(brotli.compress(data, quality=quality, lgwin=24))


def _brotli_decode(data: bytes) -> bytes:
    import brotli

    return bytes(brotli.decompress(data))


def _lz4_encode(data: bytes, level: int) -> bytes:
    import lz4.frame

    return bytes(lz4.frame.compress(data, compression_level=level))


def _lz4_decode(data: bytes) -> bytes:
    import lz4.frame

    return bytes(lz4.frame.decompress(data))


def _ppmd_encode(data: bytes) -> bytes:
    import pyppmd

    # Variant I: pyppmd's decoder of variant H does not restore every file.
    return bytes(pyppmd.compress(data, max_order=_PPMD_ORDER, mem_size=_PPMD_MEMORY)) if data else b""


def _ppmd_decode(data: bytes) -> bytes:
    import pyppmd

    return bytes(pyppmd.decompress(data, max_order=_PPMD_ORDER, mem_size=_PPMD_MEMORY)) if data else b""


def _zpaq_encode(data: bytes) -> bytes:
    with tempfile.TemporaryDirectory(prefix="laconic-zpaq-") as folder:
        (Path(folder) / "f").write_bytes(data)
        _zpaq(folder, "add", "a.zpaq", "f", "-m5", "-t1")
        return (Path(folder) / "a.zpaq").read_bytes()


def _zpaq_decode(data: bytes) -> bytes:
    with tempfile.TemporaryDirectory(prefix="laconic-zpaq-") as folder:
        (Path(folder) / "a.zpaq").write_bytes(data)
        _zpaq(folder, "extract", "a.zpaq", "-t1")
        return (Path(folder) / "f").read_bytes()


def _zpaq(folder: str, *arguments: str) -> None:
    subprocess.run(["zpaq", *arguments], cwd=folder, check=True, capture_output=True)


def _zstd(level: int) -> Peer:
    ultra = " --ultra" if level > 19 else ""
    return Peer(f"zstd -{level}", f"zstd{ultra} -{level}", "zstandard", "", lambda data: _zstd_encode(data, level), _zstd_decode)


_BENCH = "pip install 'laconic[bench]'"

PEERS: list[Peer] = [
    Peer("lz4 -1", "lz4 frame, level 1", "lz4", _BENCH, lambda data: _lz4_encode(data, 1), _lz4_decode),
    Peer("gzip -9", "gzip -9", "gzip", "", lambda data: gzip.compress(data, 9), gzip.decompress),
    _zstd(1),
    _zstd(3),
    _zstd(19),
    _zstd(22),
    Peer("brotli -11", "brotli -q 11, 16 MiB window", "brotli", _BENCH, lambda data: _brotli_encode(data, 11), _brotli_decode),
    Peer("bzip2 -9", "bzip2 -9", "bz2", "", lambda data: bz2.compress(data, 9), bz2.decompress),
    Peer("xz -9e", "xz -9e", "lzma", "", lambda data: lzma.compress(data, preset=9 | lzma.PRESET_EXTREME), lzma.decompress),
    Peer("ppmd", "PPMd var. I, order 8, 256 MB (pyppmd)", "pyppmd", _BENCH, _ppmd_encode, _ppmd_decode),
    Peer("zpaq -m5", "zpaq add -m5 -t1 (start of the program included)", "$zpaq", "apt install zpaq", _zpaq_encode, _zpaq_decode),
]
