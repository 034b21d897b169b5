"""The one list of compressors that lacodec is compared with, how to call each, and whether it is installed.

`PEERS` are bytes -> bytes, in both directions, at the setting named in `how`; `LOSSY_IMAGE_PEERS` are pixels -> bytes -> pixels,
at each of a range of qualities. All on one thread.
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
from typing import TYPE_CHECKING

from lacodec.evaluation import image_calls as calls

if TYPE_CHECKING:
    import numpy as np

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
        """Whether the module or program is installed; imports nothing."""
        return _is_here(self.needs)


@dataclass(frozen=True)
class LossyImagePeer:
    """A lossy image codec: `encode(pixels, value, variant)` gives the bytes of a file, `decode` its pixels.

    Pixels are uint8[height, width, 3], RGB. `sweep` names the setting that trades bytes for quality, `values` are those measured,
    chosen for about 0.1 to 2 bits per pixel. All of `variants` are measured, and the best at each rate counts.
    `needs` as in `Peer`, or "pillow:" and an optional part of Pillow.
    """

    name: str
    how: str
    needs: str
    install: str
    sweep: str
    values: tuple[float, ...]
    encode: Callable[["np.ndarray", float, str], bytes]
    decode: Callable[[bytes], "np.ndarray"]
    variants: tuple[str, ...] = ("",)

    @property
    def installed(self) -> bool:
        """Whether the module, program or part of Pillow is installed."""
        return _is_here(self.needs)


def installed_peers() -> list[Peer]:
    """The peers that can run on this machine, in the order of `PEERS`."""
    return [peer for peer in PEERS if peer.installed]


def _is_here(needs: str) -> bool:
    if needs.startswith("$"):
        return shutil.which(needs[1:]) is not None
    if needs.startswith("pillow:"):
        from PIL import features

        return bool(features.check(needs.removeprefix("pillow:")))
    return importlib.util.find_spec(needs) is not None


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
    with tempfile.TemporaryDirectory(prefix="lacodec-zpaq-") as folder:
        (Path(folder) / "f").write_bytes(data)
        _zpaq(folder, "add", "a.zpaq", "f", "-m5", "-t1")
        return (Path(folder) / "a.zpaq").read_bytes()


def _zpaq_decode(data: bytes) -> bytes:
    with tempfile.TemporaryDirectory(prefix="lacodec-zpaq-") as folder:
        (Path(folder) / "a.zpaq").write_bytes(data)
        _zpaq(folder, "extract", "a.zpaq", "-t1")
        return (Path(folder) / "f").read_bytes()


def _zpaq(folder: str, *arguments: str) -> None:
    subprocess.run(["zpaq", *arguments], cwd=folder, check=True, capture_output=True)


def _zstd(level: int) -> Peer:
    ultra = " --ultra" if level > 19 else ""
    return Peer(f"zstd -{level}", f"zstd{ultra} -{level}", "zstandard", "", lambda data: _zstd_encode(data, level), _zstd_decode)


_BENCH = "pip install 'lacodec[bench]'"

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

_PILLOW = "pip install 'pillow>=11.3', a build with this format"
_AVIF = f"AVIF (Pillow: libavif, libaom), speed {calls.AVIF_SPEED}"
_AVIF_VALUES = (8, 25, 42, 60, 78)

LOSSY_IMAGE_PEERS: list[LossyImagePeer] = [
    LossyImagePeer(
        name="jpeg",
        how="JPEG (Pillow: libjpeg-turbo), 4:2:0, progressive, optimised Huffman tables",
        needs="pillow:jpg",
        install=_PILLOW,
        sweep="quality",
        values=(3, 6, 10, 20, 35, 55, 75, 88),
        encode=calls.jpeg,
        decode=calls.pillow_decode,
    ),
    LossyImagePeer(
        name="webp",
        how="WebP (Pillow: libwebp), method 6",
        needs="pillow:webp",
        install=_PILLOW,
        sweep="quality",
        values=(0, 5, 15, 35, 60, 80, 90),
        encode=calls.webp,
        decode=calls.pillow_decode,
    ),
    LossyImagePeer(
        name="avif",
        how=f"{_AVIF}, the better of 4:2:0 and 4:4:4 at each rate",
        needs="pillow:avif",
        install=_PILLOW,
        sweep="quality",
        values=_AVIF_VALUES,
        encode=calls.avif,
        decode=calls.pillow_decode,
        variants=("4:2:0", "4:4:4"),
    ),
    LossyImagePeer(
        name="avif-psnr",
        how=f"{_AVIF}, 4:4:4, tune=psnr",
        needs="pillow:avif",
        install=_PILLOW,
        sweep="quality",
        values=_AVIF_VALUES,
        encode=calls.avif_psnr,
        decode=calls.pillow_decode,
    ),
    LossyImagePeer(
        name="jxl",
        how="JPEG XL (cjxl -e 7, djxl; start of the programs included)",
        needs="$cjxl",
        install="apt install libjxl-tools",
        sweep="distance",
        values=(20, 12, 7, 4, 2.5, 1.5, 0.8),
        encode=calls.jxl,
        decode=calls.jxl_decode,
    ),
    LossyImagePeer(
        name="jpeg2000",
        how="JPEG 2000 (Pillow: OpenJPEG), 9/7 wavelet",
        needs="pillow:jpg_2000",
        install=_PILLOW,
        sweep="rate",
        values=(0.1, 0.2, 0.4, 0.7, 1.2, 2.0),
        encode=calls.jpeg2000,
        decode=calls.pillow_decode,
    ),
]
