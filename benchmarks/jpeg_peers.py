"""What jpeg.py compares with: JPEG file -> bytes -> the same file, on one thread."""

import importlib.util
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lacodec.evaluation.peers import PEERS


@dataclass(frozen=True)
class Peer:
    """A compressor; both ways may raise anything where it does not take a file."""

    name: str
    encode: Callable[[bytes], bytes]
    decode: Callable[[bytes], bytes]


def peers() -> list[Peer]:
    """Those that are installed; the others are named."""
    found, absent = [], []
    if importlib.util.find_spec("lepton_jpeg_python"):
        found.append(_lepton())
    else:
        absent.append("lepton (pip install lepton-jpeg-python)")
    if shutil.which("cjxl") and shutil.which("djxl"):
        found.append(Peer("cjxl --lossless_jpeg=1", _cjxl, _djxl))
    elif importlib.util.find_spec("imagecodecs"):
        found.append(_libjxl())
    else:
        absent.append("JPEG XL (apt install libjxl-tools, or pip install imagecodecs)")
    zpaq = next(peer for peer in PEERS if peer.name == "zpaq -m5")
    if zpaq.installed:
        found.append(Peer(zpaq.name, zpaq.encode, zpaq.decode))
    else:
        absent.append(f"{zpaq.name} ({zpaq.install})")
    if absent:
        print("not installed and left out:", ", ".join(absent))
    return found


def _lepton() -> Peer:
    import lepton_jpeg_python as lepton

    config = {"max_partitions": 1}  # one thread
    return Peer("lepton", lambda data: lepton.compress_bytes(data, config), lambda data: lepton.decompress_bytes(data, config))


def _libjxl() -> Peer:
    from imagecodecs import jpegxl_decode_jpeg, jpegxl_encode_jpeg

    return Peer(
        "JPEG XL (libjxl)",
        lambda data: bytes(jpegxl_encode_jpeg(data, numthreads=1)),
        lambda data: bytes(jpegxl_decode_jpeg(data, numthreads=1)),
    )


def _cjxl(data: bytes) -> bytes:
    return _through(["cjxl", "--lossless_jpeg=1", "--num_threads=0", "--quiet"], data, "in.jpg", "out.jxl")


def _djxl(data: bytes) -> bytes:
    return _through(["djxl", "--num_threads=0", "--quiet"], data, "in.jxl", "out.jpg")


def _through(command: Sequence[str], data: bytes, before: str, after: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, before), Path(folder, after)
        source.write_bytes(data)
        subprocess.run([*command, str(source), str(target)], check=True, capture_output=True)
        return target.read_bytes()
