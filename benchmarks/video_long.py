"""Memory that long videos take, and a frame in the middle of them: the figures of docs/video.md.

    python benchmarks/video_long.py CODEC [--hours 4] [--rate 5] [--side 16] [--effort 1] [--format y4m] [--threads 1]

A film of squares that move is written frame by frame (with --format mkv as FFV1, with a line of subtitles every ten frames),
encoded and decoded by commands of their own, whose peak memory the system tells; so is a sixteenth of it. Then one frame in the
middle is read: how many bytes of the file that takes, and how long, against the first frame.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

import lacodec
from lacodec.io.source import FileSource
from lacodec.media.video.files import VIDEO
from lacodec.media.video.value import Form

_COMMAND = """
import pathlib, re, sys, time
from lacodec.cli import main
code = main()
status = pathlib.Path("/proc/self/status").read_text()  # of this program alone: getrusage counts the one that started it, too
print(re.search("VmHWM:\\\\s+([0-9]+) kB", status)[1], time.process_time())
sys.exit(code)
"""


class Counted(FileSource):
    """A file that counts what is read of it."""

    taken = 0

    def read(self, offset: int, n: int) -> bytes:
        """As in the base class."""
        data = super().read(offset, n)
        self.taken += len(data)
        return data


def frames(form: Form, count: int) -> Iterator[bytes]:
    """A square that moves by a pixel a frame over a ground that brightens."""
    rows, columns = np.mgrid[0 : form.height, 0 : form.width]
    chroma = bytes([128]) * (form.frame_size - form.height * form.width)
    for t in range(count):
        inside = ((columns - t) % form.width < form.width // 3) & ((rows - t // 7) % form.height < form.height // 3)
        yield np.where(inside, 220 - rows, 40 + t // 600 % 128 + columns).astype(np.uint8).tobytes() + chroma


def write(path: Path, form: Form, count: int, rate: Fraction) -> None:
    """The film, as a file."""
    if path.suffix == ".y4m":
        with open(path, "wb") as file:
            file.write(b"YUV4MPEG2 W%d H%d F%d:%d Ip A1:1 C420\n" % (form.width, form.height, rate.numerator, rate.denominator))
            for pixels in frames(form, count):
                file.write(b"FRAME\n" + pixels)
        return
    import av

    from lacodec.media.video.container_streams import ffv1_options
    from lacodec.media.video.pixels import format_of, frame_of

    lines = "".join(
        f"{k}\n{_clock(float(k * 10 / rate))} --> {_clock(float((k * 10 + 5) / rate))}\nline {k}\n\n" for k in range(count // 10)
    )
    subtitles = path.with_suffix(".srt")
    subtitles.write_text(lines)
    with av.open(str(path), "w") as made, av.open(str(subtitles)) as told:
        video: Any = made.add_stream("ffv1", rate=rate, options=ffv1_options(form))
        video.width, video.height, video.pix_fmt = form.width, form.height, format_of(form)
        stream = made.add_stream_from_template(told.streams[0])
        packets = (packet for packet in told.demux() if packet.size)
        for t, pixels in enumerate(frames(form, count)):
            frame = frame_of(pixels, form)
            frame.pts, frame.time_base = t, 1 / rate
            made.mux(video.encode(frame))
            packet = next(packets, None) if t % 10 == 0 else None
            if packet is not None:
                packet.stream = stream
                made.mux(packet)
        made.mux(video.encode(None))


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02},{int(seconds * 1000) % 1000:03}"


def peak(*command: Any) -> tuple[float, float]:
    """(MiB, seconds of CPU time) of a command."""
    done = subprocess.run([sys.executable, "-c", _COMMAND, *map(str, command)], check=True, capture_output=True, text=True)
    kilobytes, seconds = done.stdout.split()[-2:]
    return int(kilobytes) / 1024, float(seconds)


def read_frame(path: Path, number: int) -> tuple[int, float]:
    """(bytes of the file that were read, seconds of CPU time) for one frame."""
    with Counted(path) as source:
        began = time.process_time()
        with lacodec.open(source) as opened:
            opened[number : number + 1].planes  # noqa: B018
        return source.taken, time.process_time() - began


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("codec", choices=["video.lossless", "video.learned"])
    parser.add_argument("--hours", type=float, default=4)
    parser.add_argument("--rate", type=Fraction, default=Fraction(5), help="frames a second, such as 5 or 1/4")
    parser.add_argument("--side", type=int, default=16)
    parser.add_argument("--effort", type=int, default=1, help="of video.lossless")
    parser.add_argument("--format", choices=["y4m", "mkv"], default="y4m")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--no-verify", action="store_true", help="encode without decoding what was encoded")
    arguments = parser.parse_args()
    form, options = Form(arguments.side, arguments.side, "420"), ["--threads", arguments.threads]
    encoding = ["--codec", arguments.codec, *(["--no-verify"] if arguments.no_verify else [])]
    if arguments.codec == "video.lossless":
        encoding += ["--effort", arguments.effort]
    total = round(arguments.hours * 3600 * float(arguments.rate))
    with tempfile.TemporaryDirectory() as name:
        for count in (total // 16, total):
            path, coded, again = (
                Path(name, f"{count}{end}") for end in (f".{arguments.format}", ".lac", f".again.{arguments.format}")
            )
            write(path, form, count, arguments.rate)
            memory, seconds = peak("encode", "-q", *encoding, *options, "-o", coded, path)
            memory_back, seconds_back = peak("decode", "-q", *options, "-o", again, coded)
            hours = count / arguments.rate / 3600
            print(f"{count} frames of {form.width}x{form.height} ({float(hours):.2f} h, {path.stat().st_size} bytes)")
            print(f"  encode: {memory:.0f} MiB, {seconds:.0f} s of CPU time, {coded.stat().st_size} bytes")
            print(f"  decode: {memory_back:.0f} MiB, {seconds_back:.0f} s", flush=True)
            if arguments.codec == "video.lossless":
                with FileSource(path) as one, FileSource(again) as other:
                    found = VIDEO.difference(one, other)
                    if found is not None:
                        raise SystemExit(f"not restored: {found}")
            read_frame(coded, 0)  # compiles, loads the model
            for place in (0, count // 2):
                taken, seconds = read_frame(coded, place)
                print(f"  frame {place}: {taken} bytes read, {seconds:.2f} s of CPU time", flush=True)


if __name__ == "__main__":
    main()
