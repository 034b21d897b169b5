"""Lossless video against FFV1, x264, x265 and AV1, all in one run: the figures of docs/video.md.

    python benchmarks/video.py FOLDER [--effort 5] [--frames N] [--peers]

FOLDER has Matroska files with lossless video. Each is rewritten as a Matroska file with FFV1, encoded to a file, decoded in
another process and compared. Peers (by PyAV) get the same frames; their sizes are those of their packets.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import av

import lacodec
from lacodec.io.source import FileSource
from lacodec.media.video.files import VIDEO
from lacodec.media.video.pixels import format_of, frame_of
from lacodec.media.video.value import Video

FFV1 = ("ffv1", {"level": "3", "coder": "range_tab", "context": "1", "slices": "4", "g": "300"})
PEERS: dict[str, tuple[str, dict[str, str]]] = {
    "x264": ("libx264", {"qp": "0", "preset": "veryslow"}),
    "x265": ("libx265", {"preset": "medium", "x265-params": "lossless=1:log-level=none"}),
    "AV1": ("libsvtav1", {"preset": "6", "svtav1-params": "lossless=1"}),
}


def packets(video: Video, codec: str, options: dict[str, str]) -> int:
    """Bytes of all packets that an encoder of FFmpeg makes of the frames."""
    form, pixels, size = video.form, video.held().pixels, 0
    with tempfile.NamedTemporaryFile(suffix=".mkv") as file, av.open(file.name, "w", "matroska") as container:
        stream: Any = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = form.width, form.height, format_of(form)
        for count, at in enumerate(range(0, len(pixels), form.frame_size)):
            frame = frame_of(pixels[at : at + form.frame_size], form)
            frame.pts = count
            size += sum(packet.size for packet in stream.encode(frame))
        size += sum(packet.size for packet in stream.encode(None))
    return size


def ours(path: Path, effort: int, folder: Path) -> tuple[int, float, float]:
    """(bytes of the .lac file, seconds of CPU to encode, to decode); checked by another process."""
    coded, restored = folder / "x.lac", folder / "restored.mkv"
    started = time.process_time()
    with open(coded, "wb") as file:
        file.write(lacodec.encode(path, "video.lossless", effort=effort, threads=1))
    encoding = time.process_time() - started
    command = (
        "import sys, time; import lacodec; s = time.process_time(); lacodec.decode_file(*sys.argv[1:], force=True, threads=1)"
    )
    command += "; print(time.process_time() - s)"
    done = subprocess.run([sys.executable, "-c", command, coded, restored], check=True, capture_output=True, text=True)
    with FileSource(path) as one, FileSource(restored) as other:
        found = VIDEO.difference(one, other)
    if found is not None:
        raise SystemExit(f"{path}: {found}")
    return coded.stat().st_size, encoding, float(done.stdout)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--effort", type=int, default=5)
    parser.add_argument("--frames", type=int, help="only so many frames of each clip, the first ones")
    parser.add_argument("--peers", action="store_true", help="also x264, x265 and AV1")
    arguments = parser.parse_args()
    totals: dict[str, int] = {}
    raw = encoding = decoding = 0.0
    for original in sorted(arguments.folder.glob("*.mkv")):
        with FileSource(original) as source:
            video = VIDEO.from_source(source)[: arguments.frames]
        raw += len(video.held().pixels)
        with tempfile.TemporaryDirectory() as name:
            path = Path(name, "clip.mkv")
            path.write_bytes(b"".join(VIDEO.to_blocks(video, ".mkv")))
            size, encode_seconds, decode_seconds = ours(path, arguments.effort, Path(name))
        encoding, decoding = encoding + encode_seconds, decoding + decode_seconds
        sizes = {"lacodec": size, "FFV1": packets(video, *FFV1)}
        for peer, settings in PEERS.items() if arguments.peers else ():
            sizes[peer] = packets(video, *settings)
        print(original.name, len(video), "frames", sizes, flush=True)
        totals = {peer: totals.get(peer, 0) + size for peer, size in sizes.items()}
    for peer, size in totals.items():
        print(f"{peer}: {size} bytes, lacodec at effort {arguments.effort} has {totals['lacodec'] / size:.4f} of it")
    print(f"{raw / encoding / 1e6:.2f} MB/s to encode, {raw / decoding / 1e6:.2f} MB/s to decode, of CPU time")


if __name__ == "__main__":
    main()
