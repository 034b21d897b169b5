"""Calls of other compressors, bytes -> bytes, one thread each; see `peers` for what they are named and need."""

import subprocess
import tempfile
from pathlib import Path

_PPMD_ORDER, _PPMD_MEMORY = 8, 256 << 20
_BZIP3_BLOCK = 64 << 20


def zstd(data: bytes, level: int) -> bytes:
    """One frame."""
    import zstandard

    return zstandard.ZstdCompressor(level=level).compress(data)


def unzstd(data: bytes) -> bytes:
    """The way back."""
    import zstandard

    return zstandard.ZstdDecompressor().decompress(data)


def xz(data: bytes, preset: str) -> bytes:
    """An .xz file; preset: a digit, "e" behind it for extreme."""
    import lzma

    return lzma.compress(data, preset=int(preset[0]) | (lzma.PRESET_EXTREME if preset[1:] else 0))


def unxz(data: bytes) -> bytes:
    """The way back."""
    import lzma

    return lzma.decompress(data)


def brotli(data: bytes, quality: int) -> bytes:
    """One stream with a window of 16 MiB."""
    import brotli as module

    return bytes(module.compress(data, quality=quality, lgwin=24))


def unbrotli(data: bytes) -> bytes:
    """The way back."""
    import brotli as module

    return bytes(module.decompress(data))


def lz4(data: bytes, level: int) -> bytes:
    """One frame."""
    import lz4.frame

    return bytes(lz4.frame.compress(data, compression_level=level))


def unlz4(data: bytes) -> bytes:
    """The way back."""
    import lz4.frame

    return bytes(lz4.frame.decompress(data))


def ppmd(data: bytes) -> bytes:
    """Variant I: pyppmd's decoder of variant H does not restore every file."""
    import pyppmd

    return bytes(pyppmd.compress(data, max_order=_PPMD_ORDER, mem_size=_PPMD_MEMORY)) if data else b""


def unppmd(data: bytes) -> bytes:
    """The way back."""
    import pyppmd

    return bytes(pyppmd.decompress(data, max_order=_PPMD_ORDER, mem_size=_PPMD_MEMORY)) if data else b""


def bzip3(data: bytes) -> bytes:
    """One stream."""
    import bz3

    return bytes(bz3.compress(data, min(max(len(data), 1 << 20), _BZIP3_BLOCK)))


def unbzip3(data: bytes) -> bytes:
    """The way back."""
    import bz3

    return bytes(bz3.decompress(data))


def zpaq(data: bytes, method: int) -> bytes:
    """An archive of one file."""
    with tempfile.TemporaryDirectory(prefix="lacodec-zpaq-") as folder:
        (Path(folder) / "f").write_bytes(data)
        _run(folder, "zpaq", "add", "a.zpaq", "f", f"-m{method}", "-t1")
        return (Path(folder) / "a.zpaq").read_bytes()


def unzpaq(data: bytes) -> bytes:
    """The way back."""
    with tempfile.TemporaryDirectory(prefix="lacodec-zpaq-") as folder:
        (Path(folder) / "a.zpaq").write_bytes(data)
        _run(folder, "zpaq", "extract", "a.zpaq", "-t1")
        return (Path(folder) / "f").read_bytes()


def bsc(data: bytes, coder: int) -> bytes:
    """A file of the program of libbsc, built without OpenMP (one thread), block sorting."""
    with tempfile.TemporaryDirectory(prefix="lacodec-bsc-") as folder:
        (Path(folder) / "f").write_bytes(data)
        _run(folder, "bsc", "e", "f", "f.bsc", f"-b64e{coder}")
        return (Path(folder) / "f.bsc").read_bytes()


def unbsc(data: bytes) -> bytes:
    """The way back."""
    with tempfile.TemporaryDirectory(prefix="lacodec-bsc-") as folder:
        (Path(folder) / "f.bsc").write_bytes(data)
        _run(folder, "bsc", "d", "f.bsc", "f")
        return (Path(folder) / "f").read_bytes()


def _run(folder: str, *arguments: str) -> None:
    subprocess.run(arguments, cwd=folder, check=True, capture_output=True)
