"""Video with loss against x264 and x265, all in one run: the figures of docs/video.md.

    python benchmarks/video_rd.py FOLDER OUT.json [--qualities 8,24,44,66] [--frames N] [--alone CLIP,...]
    python benchmarks/video_rd.py --plot OUT.svg OUT.json

FOLDER has Matroska files with lossless video. Each is rewritten as Y4M, encoded to a file by `video.learned`, decoded in another
process to Y4M and compared: PSNR of each plane is the mean over frames of a frame's PSNR, 6:1:1 weighs those of Y, U and V. Sizes
are of whole `.lac` files; of the peers (by PyAV, preset medium, CRF) those of their packets. --alone: clips whose frames are also
coded as groups of one frame. BD-rates are by pchip of log-rate over PSNR.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import av
import numpy as np

import lacodec
from lacodec.evaluation.bd_rate import Line, bd_rate
from lacodec.io.source import FileSource
from lacodec.media.video.files import VIDEO
from lacodec.media.video.pixels import form_of, format_of, frame_of, pixels_of
from lacodec.media.video.value import Video

_CRFS = (18, 22, 26, 30, 34, 38)
_CRFS_INTRA = (22, 27, 32, 37, 42, 47)
PEERS: dict[str, tuple[str, dict[str, str], tuple[int, ...]]] = {
    "x264 all-intra": ("libx264", {"preset": "medium", "g": "1"}, _CRFS_INTRA),
    "x264": ("libx264", {"preset": "medium"}, _CRFS),
    "x265": ("libx265", {"preset": "medium", "x265-params": "log-level=none"}, _CRFS),
}
_DECODE = """
import sys, time, lacodec
for coded, restored in zip(sys.argv[1::2], sys.argv[2::2]):
    processor, clock = time.process_time(), time.perf_counter()
    lacodec.decode_file(coded, restored, force=True)
    print(time.process_time() - processor, time.perf_counter() - clock, flush=True)
"""


def psnrs(form: Any, one: bytes, other: bytes) -> list[float]:
    """Of each plane, the mean over frames."""
    top, found = (1 << form.depth) - 1, []
    for a, b in zip(form.planes(one), form.planes(other), strict=True):
        errors = [max(float(np.square(x.astype(np.float64) - y).mean()), 1e-9) for x, y in zip(a, b, strict=True)]
        found.append(float(np.mean(10 * np.log10(top**2 / np.array(errors)))))
    return found


def point(video: Video, size: int, decoded: bytes, **more: Any) -> dict[str, Any]:
    """A row of the curve."""
    form, pixels = video.form, video.held().pixels
    y, u, v = psnrs(form, pixels, decoded)
    bpp = size * 8 / (len(pixels) // form.frame_size) / form.width / form.height
    return {"bytes": size, "bpp": bpp, "y": y, "u": u, "v": v, "weighted": (6 * y + u + v) / 8, **more}


def peer(video: Video, codec: str, options: dict[str, str], crf: int) -> dict[str, Any]:
    """An encoder of FFmpeg's, and its own decoder."""
    form, pixels, size = video.form, video.held().pixels, 0
    with tempfile.NamedTemporaryFile(suffix=".mkv") as file:
        with av.open(file.name, "w", "matroska") as container:
            stream: Any = container.add_stream(codec, rate=25, options={**options, "crf": str(crf)})
            stream.width, stream.height, stream.pix_fmt = form.width, form.height, format_of(form)
            for count, at in enumerate([*range(0, len(pixels), form.frame_size), None]):
                frame = None
                if at is not None:
                    frame = frame_of(pixels[at : at + form.frame_size], form)
                    frame.pts = count
                for packet in stream.encode(frame):
                    size += packet.size
                    container.mux(packet)
        with av.open(file.name) as made:
            frames = list(made.decode(video=0))
            if any(form_of(frame.format.name, frame.width, frame.height, codec) != form for frame in frames):
                raise SystemExit(f"{codec}: its frames have another form")
            decoded = b"".join(pixels_of(frame, form) for frame in frames)
    return point(video, size, decoded, crf=crf)


def ours(path: Path, video: Video, qualities: list[float], group: int, folder: Path) -> list[dict[str, Any]]:
    """`.lac` files, decoded by another process."""
    places, encoding = [], []
    for quality in qualities:
        places += [folder / f"{quality}.lac", folder / f"{quality}.y4m"]
        started = time.process_time()
        places[-2].write_bytes(lacodec.encode(path, "video.learned", quality=quality, group=group))
        encoding.append(time.process_time() - started)
    done = subprocess.run([sys.executable, "-c", _DECODE, *places], check=True, capture_output=True, text=True)
    found = []
    for k, (quality, line) in enumerate(zip(qualities, done.stdout.splitlines(), strict=True)):
        processor, clock = map(float, line.split())
        with FileSource(places[2 * k + 1]) as source:
            decoded = VIDEO.from_source(source).held().pixels
        count = len(decoded) // video.form.frame_size
        times = {"encode_cpu": encoding[k] / count, "decode_cpu": processor / count, "decode_clock": clock / count}
        found.append(point(video, places[2 * k].stat().st_size, decoded, quality=quality, **times))
    return found


def measured(original: Path, qualities: list[float], frames: int | None, alone: bool) -> dict[str, Any]:
    """All curves of a clip."""
    with FileSource(original) as source:
        video = VIDEO.from_source(source)[:frames]
    curves: dict[str, Any] = {}
    for name, (codec, options, crfs) in PEERS.items():
        curves[name] = [peer(video, codec, options, crf) for crf in crfs]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clip.y4m")
        path.write_bytes(b"".join(VIDEO.to_blocks(video, ".y4m")))
        curves["video.learned"] = ours(path, video, qualities, 48, Path(folder))
        if alone:
            curves["frames alone"] = ours(path, video, qualities, 1, Path(folder))
    form = video.form
    return {"clip": original.name, "frames": len(video), "size": [form.width, form.height], "depth": form.depth, "curves": curves}


def rates(row: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Percent of bits that `video.learned` takes more at equal quality, by quality and peer."""
    found: dict[str, dict[str, float]] = {}
    for metric in ("y", "weighted"):
        lines = {name: Line.front(name, [(p["bpp"], p[metric]) for p in points]) for name, points in row["curves"].items()}
        own = lines["video.learned"]
        found[metric] = {name: bd_rate(line, own).percent for name, line in lines.items() if line is not own}
    return found


def report(rows: list[dict[str, Any]]) -> None:
    """A line for each clip, and means."""
    for metric in ("y", "weighted"):
        print({"y": "PSNR of Y", "weighted": "PSNR 6:1:1"}[metric])
        all_found: dict[str, list[float]] = {}
        for row in rows:
            found = rates(row)[metric]
            print(f"  {row['clip']} ({row['frames']} frames)", {name: round(value, 1) for name, value in found.items()})
            for name, value in found.items():
                all_found.setdefault(name, []).append(value)
        print("  mean", {name: round(float(np.mean(values)), 1) for name, values in all_found.items()})
    for row in rows:
        points = row["curves"]["video.learned"]
        per = [(p["encode_cpu"], p["decode_cpu"], p["decode_clock"]) for p in points]
        print(row["clip"], "seconds a frame: to encode (CPU), to decode (CPU), to decode (clock)", np.round(np.mean(per, 0), 3))


def plot(rows: list[dict[str, Any]], out: Path) -> None:
    """Curves of all clips, PSNR of Y over bits per pixel."""
    from lacodec.evaluation.rd_plot import check_plotting

    check_plotting()
    import matplotlib
    from matplotlib.figure import Figure

    colours = {
        "x264 all-intra": "#7f7f7f",
        "x264": "#1f5fa8",
        "x265": "#2a7f62",
        "video.learned": "#d62728",
        "frames alone": "#e8833a",
    }
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "lacodec", "font.size": 8}):
        figure = Figure(figsize=(9, 5.6), layout="constrained")
        for axes, row in zip(figure.subplots(2, 3).ravel(), rows, strict=False):
            for name, points in row["curves"].items():
                axes.plot(
                    [p["bpp"] for p in points],
                    [p["y"] for p in points],
                    marker="o",
                    markersize=3,
                    color=colours[name],
                    label=name,
                )
            axes.set_xscale("log")
            axes.set_title(f"{row['clip'].partition('.')[0]}, {row['frames']} frames", fontsize=8)
            axes.set_xlabel("bits per pixel")
            axes.set_ylabel("PSNR of Y, dB")
            axes.grid(color="#d9d9d9", linewidth=0.5)
        figure.axes[0].legend(frameon=False, fontsize=7)
        figure.savefig(out, metadata={"Date": None} if out.suffix == ".svg" else None)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--qualities", default="8,24,44,66")
    parser.add_argument("--frames", type=int, help="only so many frames of each clip, the first ones")
    parser.add_argument("--alone", default="", help="clips (beginnings of names) whose frames are also coded alone")
    parser.add_argument("--clips", default="", help="only clips whose names begin so")
    parser.add_argument("--plot", action="store_true", help="FOLDER is the plot to write, OUT the measurements to read")
    arguments = parser.parse_args()
    if arguments.plot:
        plot(json.loads(arguments.out.read_text()), arguments.folder)
        return
    qualities = [float(q) for q in arguments.qualities.split(",")]
    alone = tuple(filter(None, arguments.alone.split(",")))
    wanted = tuple(filter(None, arguments.clips.split(","))) or ("",)
    rows = []
    for original in sorted(arguments.folder.glob("*.mkv")):
        if original.name.startswith(wanted):
            rows.append(measured(original, qualities, arguments.frames, bool(alone) and original.name.startswith(alone)))
            print(
                rows[-1]["clip"],
                {metric: {k: round(v, 1) for k, v in r.items()} for metric, r in rates(rows[-1]).items()},
                flush=True,
            )
            arguments.out.write_text(json.dumps(rows, indent=1))
    report(rows)


if __name__ == "__main__":
    main()
