"""The one list of compressors that lacodec is compared with, how to call each, and whether it is installed.

`PEERS` are bytes -> bytes, in both directions, at the setting named in `how`; `LOSSY_IMAGE_PEERS` are pixels -> bytes -> pixels
and `LOSSY_AUDIO_PEERS` sound -> bytes -> sound, at each of a range of qualities. All on one thread.
"""

import bz2
import gzip
import importlib.util
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from lacodec.evaluation import image_calls as calls
from lacodec.evaluation import packers
from lacodec.evaluation.audio import calls as audio_calls
from lacodec.evaluation.audio.sound import INSTALL as _AUDIO_EVAL

if TYPE_CHECKING:
    import numpy as np

    from lacodec.evaluation.audio.sound import Sound


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


@dataclass(frozen=True)
class LossyAudioPeer:
    """A lossy audio codec: `encode(sound, value)` gives the bytes of a file, `decode` its sound, gapless.

    `sweep` names the setting that trades bytes for quality, `values` are those measured of stereo, `mono_values` of mono.
    A decoded sound may have another rate and some samples more. `needs` as in `Peer`.
    """

    name: str
    how: str
    needs: str
    install: str
    sweep: str
    values: tuple[float, ...]
    mono_values: tuple[float, ...]
    encode: Callable[["Sound", float], bytes]
    decode: Callable[[bytes], "Sound"]

    @property
    def installed(self) -> bool:
        """Whether its module is installed."""
        return _is_here(self.needs)


def installed_peers(*, more: bool = False) -> list[Peer]:
    """The peers that can run on this machine, in the order of `PEERS`; with those of `MORE_PEERS` behind them."""
    return [peer for peer in [*PEERS, *(MORE_PEERS if more else [])] if peer.installed]


def _is_here(needs: str) -> bool:
    if needs.startswith("$"):
        return shutil.which(needs[1:]) is not None
    if needs.startswith("pillow:"):
        from PIL import features

        return bool(features.check(needs.removeprefix("pillow:")))
    return importlib.util.find_spec(needs) is not None


_BENCH = "pip install 'lacodec[bench]'"


def _zstd(level: int) -> Peer:
    ultra = " --ultra" if level > 19 else ""
    return Peer(f"zstd -{level}", f"zstd{ultra} -{level}", "zstandard", "", partial(packers.zstd, level=level), packers.unzstd)


def _xz(preset: str) -> Peer:
    return Peer(f"xz -{preset}", f"xz -{preset}", "lzma", "", partial(packers.xz, preset=preset), packers.unxz)


def _brotli(quality: int) -> Peer:
    how = f"brotli -q {quality}, 16 MiB window"
    return Peer(f"brotli -{quality}", how, "brotli", _BENCH, partial(packers.brotli, quality=quality), packers.unbrotli)


def _lz4(level: int) -> Peer:
    return Peer(f"lz4 -{level}", f"lz4 frame, level {level}", "lz4", _BENCH, partial(packers.lz4, level=level), packers.unlz4)


def _zpaq(method: int) -> Peer:
    how = f"zpaq add -m{method} -t1 (start of the program included)"
    return Peer(f"zpaq -m{method}", how, "$zpaq", "apt install zpaq", partial(packers.zpaq, method=method), packers.unzpaq)


def _bsc(coder: int) -> Peer:
    how = f"bsc -b64e{coder} (libbsc without OpenMP; start of the program included)"
    return Peer(
        f"bsc -e{coder}", how, "$bsc", "build github.com/IlyaGrebnov/libbsc", partial(packers.bsc, coder=coder), packers.unbsc
    )


_PPMD_HOW = "PPMd var. I, order 8, 256 MB (pyppmd)"

PEERS: list[Peer] = [
    _lz4(1),
    Peer("gzip -9", "gzip -9", "gzip", "", lambda data: gzip.compress(data, 9), gzip.decompress),
    _zstd(1),
    _zstd(3),
    _zstd(19),
    _zstd(22),
    _brotli(11),
    Peer("bzip2 -9", "bzip2 -9", "bz2", "", lambda data: bz2.compress(data, 9), bz2.decompress),
    _xz("9e"),
    Peer("ppmd", _PPMD_HOW, "pyppmd", _BENCH, packers.ppmd, packers.unppmd),
    _zpaq(5),
]

MORE_PEERS: list[Peer] = [
    _lz4(9),
    *(_zstd(level) for level in (6, 9, 12, 15, 17)),
    *(_xz(preset) for preset in ("0", "3", "6")),
    *(_brotli(quality) for quality in (1, 4, 6, 9)),
    *(_zpaq(method) for method in (1, 2, 3, 4)),
    Peer("bzip3", "bzip3, blocks of 64 MiB (Python module bzip3)", "bz3", "pip install bzip3", packers.bzip3, packers.unbzip3),
    _bsc(1),
    _bsc(2),
]
"""Further settings and compressors, for the question whether anything is smaller and faster than one of our efforts."""

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


def _av_peer(name: str, how: str, encode: Callable[["Sound", float], bytes], lowest: tuple[int, int]) -> LossyAudioPeer:
    """A peer by FFmpeg, at the usual bit rates from the `lowest` of stereo and mono on."""
    stereo, mono = (16, 24, 32, 48, 64, 80, 96, 128, 160), (6, 8, 12, 16, 20, 24, 32, 48, 64, 96)
    return LossyAudioPeer(
        name=name,
        how=how,
        needs="av",
        install=_AUDIO_EVAL,
        sweep="kbps",
        values=tuple(value for value in stereo if value >= lowest[0]),
        mono_values=tuple(value for value in mono if value >= lowest[1]),
        encode=encode,
        decode=audio_calls.av_decoded,
    )


_VORBIS_VALUES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)

LOSSY_AUDIO_PEERS: list[LossyAudioPeer] = [
    _av_peer("opus", "Opus (FFmpeg: libopus) in Ogg, variable rate, complexity 10, frames of 20 ms", audio_calls.opus, (16, 6)),
    _av_peer("aac", "AAC-LC (FFmpeg's own encoder) in MPEG-4", audio_calls.aac, (32, 16)),
    _av_peer("aac-snr", "the same, made for SNR: fast coder, no PNS, no intensity stereo", audio_calls.aac_snr, (32, 16)),
    _av_peer("mp3", "MP3 (FFmpeg: LAME), constant rate, joint stereo", audio_calls.mp3, (32, 32)),
    _av_peer("mp3-snr", "the same, made for SNR: compression level 7, no noise shaping", audio_calls.mp3_snr, (32, 32)),
    LossyAudioPeer(
        name="vorbis",
        how="Vorbis (libsndfile: libvorbis) in Ogg",
        needs="soundfile",
        install="",
        sweep="quality",
        values=_VORBIS_VALUES,
        mono_values=_VORBIS_VALUES,
        encode=audio_calls.vorbis,
        decode=audio_calls.sndfile_decoded,
    ),
]
