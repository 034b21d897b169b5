"""Every picture and sound in some folders encoded and decoded: the results, read by other readers, and the size promise.

    python benchmarks/sweep.py FOLDER_OR_FILE... [--environment VENV]... [--efforts 1,5] [--most BYTES] [--all]

FOLDER_OR_FILE: pictures, sounds, or folders with them; an environment stands for all that the packages installed in it ship.
Each file is coded with the codec that its content chooses, decoded as `lacodec decode` does, and compared with the original:
bytes first, then pixels, samples, frames and metadata as seen by Pillow, tifffile, imagecodecs, imageio, pypng, soundfile,
scipy, wave, mutagen and miniaudio, whichever are installed. Files above --most (4 MB; 0: none) are coded at the first effort
only. --all prints every file, not only failures. Exit status 1 when anything differed, crashed, warned or grew by more than 64
bytes and 0.1 %.
"""

import argparse
import contextlib
import importlib
import io
import os
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from lacodec import api
from lacodec.codecs import registry

PICTURES = (
    *(".png", ".apng", ".tif", ".tiff", ".bmp", ".dib", ".webp", ".ppm", ".pgm", ".pbm", ".pnm", ".pam", ".pfm", ".jpg", ".jpeg"),
    *(".jp2", ".j2k", ".gif", ".ico", ".icns", ".tga", ".pcx", ".avif", ".heic", ".psd", ".exr", ".hdr", ".dds", ".sgi", ".rgb"),
    *(".xbm", ".xpm", ".msp", ".qoi", ".jxl", ".dng", ".lsm", ".stk", ".svs", ".dcm"),
)
SOUNDS = (
    *(".wav", ".wave", ".aif", ".aiff", ".aifc", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".au", ".snd", ".caf", ".w64"),
    *(".rf64", ".voc", ".m4a"),
)
_SAMPLES = 1 << 16  # read at a time
Reader = Callable[[Path, bytes], dict[str, Any]]


def main() -> int:
    """Sweep and print; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", nargs="*", type=Path)
    parser.add_argument(
        "--environment", action="append", default=[], type=Path, help="a virtual environment, or its site-packages"
    )
    parser.add_argument("--efforts", default="1,5")
    parser.add_argument("--most", type=int, default=4_000_000, help="bytes of files that are coded at every effort")
    parser.add_argument("--all", action="store_true", help="print every file")
    args = parser.parse_args()
    efforts, counts, begun = [int(effort) for effort in args.efforts.split(",")], Counter[str](), time.monotonic()
    print("readers:", ", ".join(name for name, _ in (*_picture_readers(), *_sound_readers())) or "none", flush=True)
    for path in _files([*args.places, *args.environment]):
        size = path.stat().st_size
        for effort in efforts if not args.most or size <= args.most else efforts[:1]:
            codec, problems = _there_and_back(path, effort)
            counts[f"{codec} ({path.suffix.lower() or 'no suffix'})"] += 1
            counts["codings"] += 1
            for kind, text in problems:
                counts[kind] += 1
                print(f"{kind.upper()}: {path} at effort {effort} by {codec}: {text}", flush=True)
            if args.all and not problems:
                print(f"right: {path} at effort {effort} by {codec}", flush=True)
        counts["files"] += 1
    bad = {kind: counts.pop(kind, 0) for kind in ("difference", "crash", "larger")}
    files, codings = counts.pop("files", 0), counts.pop("codings", 0)
    for name, number in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        print(f"{number:6}  {name}")
    print(f"{files} different files, {codings} codings in {time.monotonic() - begun:.0f} s")
    print(f"{bad['difference']} differences, {bad['crash']} crashes, {bad['larger']} size violations")
    return int(any(bad.values()))


def _files(places: list[Path]) -> Iterator[Path]:
    """Pictures and sounds, each content once; by name, or because lacodec takes them for such."""
    seen: set[bytes] = set()
    for place in places:
        found = (
            [Path(folder) / name for folder, _, names in os.walk(place) for name in sorted(names)] if place.is_dir() else [place]
        )
        for path in found:
            if path.is_file() and not path.is_symlink() and path.stat().st_size and _is_media(path):
                digest = xxhash.xxh3_128(path.read_bytes()).digest()
                if digest not in seen:
                    seen.add(digest)
                    yield path


def _is_media(path: Path) -> bool:
    if path.suffix.lower() in (*PICTURES, *SOUNDS):
        return True
    with open(path, "rb") as file:
        chosen = registry.by_content(file.read(registry.HEAD_SIZE))
    return chosen is not None and chosen.name.split(".")[0] in ("image", "audio")


def _there_and_back(path: Path, effort: int) -> tuple[str, list[tuple[str, str]]]:
    """(codec, the failure: its kind and a sentence)."""
    size, problems, noise = path.stat().st_size, [], io.StringIO()
    with (
        tempfile.TemporaryDirectory() as folder,
        warnings.catch_warnings(record=True) as warned,
        contextlib.redirect_stderr(noise),
    ):
        warnings.simplefilter("always")
        coded, restored = Path(folder, "coded.lac"), Path(folder, f"restored{path.suffix}")
        try:
            done = api.encode_file(path, coded, effort=effort)
            if done.remark and "would not restore" in done.remark:  # caught before the file was kept, but a fault all the same
                problems.append(("difference", done.remark))
            api.decode_file(coded, restored)
        except Exception as error:
            return "?", [("crash", f"{type(error).__name__}: {error}")]
        if warned or noise.getvalue():
            problems.append(("crash", f"a warning reached the user: {[str(w.message) for w in warned]} {noise.getvalue()}"))
        warnings.simplefilter("ignore")
        if done.encoded > size + 64 + size // 1000:
            problems.append(("larger", f"{size} -> {done.encoded}"))
        found = _difference(path, restored)
        if found:
            problems.append(("difference", found))
    return done.codec, problems


def _difference(path: Path, restored: Path) -> str | None:
    one, other = path.read_bytes(), restored.read_bytes()
    if one == other:
        return None
    compared = False
    for name, read in _picture_readers() if _kind_of(one) == "image" else _sound_readers():
        try:
            before = read(path, one)
        except Exception:  # not every reader knows every file
            continue
        try:
            after = read(restored, other)
        except Exception as error:
            return f"{name} cannot read the restored file: {type(error).__name__}: {error}"
        compared = True
        for key in before:
            if not _equal(before[key], after.get(key)):
                return f"{name}: {key} differs: {_short(before[key])} became {_short(after.get(key))}"
    return None if compared else "the bytes differ, and no installed reader can tell whether it matters"


def _kind_of(data: bytes) -> str:
    """ "image", "audio", ... of a file's content."""
    chosen = registry.by_content(data[: registry.HEAD_SIZE])
    return chosen.name.split(".")[0] if chosen else ""


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_equal, one, other))
    return bool(one == other) or repr(one) == repr(other)


def _short(value: Any) -> str:
    text = f"{value.dtype}{value.shape}" if isinstance(value, np.ndarray) else repr(value)
    return text if len(text) < 100 else f"{text[:100]}..."


def _available(
    readers: list[tuple[str, Callable[[Any, Path, bytes], dict[str, Any]]]],
) -> Iterator[tuple[str, Reader]]:
    for name, read in readers:
        try:
            module = importlib.import_module(name)
        except Exception:
            continue
        yield name, partial(read, module)


def _picture_readers() -> list[tuple[str, Reader]]:
    return list(
        _available(
            [
                ("PIL.Image", _by_pillow),
                ("tifffile", _by_tifffile),
                ("imagecodecs", _by_imagecodecs),
                ("imageio.v3", _by_imageio),
                ("png", _by_pypng),
            ]
        )
    )


def _sound_readers() -> list[tuple[str, Reader]]:
    return list(
        _available(
            [
                ("soundfile", _by_soundfile),
                ("scipy.io.wavfile", _by_scipy),
                ("wave", _by_wave),
                ("mutagen", _by_mutagen),
                ("miniaudio", _by_miniaudio),
            ]
        )
    )


def _by_pillow(module: Any, path: Path, data: bytes) -> dict[str, Any]:
    module.MAX_IMAGE_PIXELS = None
    with module.open(io.BytesIO(data)) as picture:
        info = {key: value for key, value in picture.info.items() if key not in ("compression", "interlace")}
        layout = {256, 257, 258, 259, 273, 277, 278, 279, 284, 292, 293, 317, 322, 323, 324, 325, 339}
        tags = {k: v for k, v in getattr(picture, "tag_v2", {}).items() if k not in layout}
        found = {"format": picture.format, "mode": picture.mode, "size": picture.size, "frames": getattr(picture, "n_frames", 1)}
        found |= {"EXIF": {k: v for k, v in picture.getexif().items() if k not in layout}, "info": info, "tags": tags}
        found |= {"pixels": np.array(picture), "palette": picture.getpalette(), "text": dict(getattr(picture, "text", {}))}
        if found["frames"] > 1:
            frames = []
            for i in range(found["frames"]):
                picture.seek(i)
                frames.append(np.array(picture))
            found["all frames"] = frames
        return found


def _by_tifffile(module: Any, path: Path, data: bytes) -> dict[str, Any]:
    with module.TiffFile(io.BytesIO(data)) as file:
        layout = {256, 257, 259, 273, 277, 278, 279, 284, 292, 293, 317, 322, 323, 324, 325}
        tags = [{tag.code: tag.value for tag in page.tags if tag.code not in layout} for page in file.pages]
        series = [(one.shape, one.axes, one.kind) for one in file.series]
        return {"tags": tags, "series": series, "pixels": [page.asarray() for page in file.pages]}


def _by_imagecodecs(module: Any, path: Path, data: bytes) -> dict[str, Any]:
    return {"pixels": module.imread(data)}


def _by_imageio(module: Any, path: Path, data: bytes) -> dict[str, Any]:
    return {"pixels": module.imread(data), "properties": str(module.improps(data))}


def _by_pypng(module: Any, path: Path, data: bytes) -> dict[str, Any]:
    width, height, rows, facts = module.Reader(bytes=data).read()
    facts.pop("interlace", None)
    return {"size": (width, height), "pixels": np.array([list(row) for row in rows], np.uint16), "facts": facts}


def _by_soundfile(module: Any, path: Path, data: bytes) -> dict[str, Any]:
    with module.SoundFile(io.BytesIO(data)) as file:
        found = {"rate": file.samplerate, "channels": file.channels, "format": file.format, "subtype": file.subtype}
        found |= {"text": file.copy_metadata()}
        kind = "float64" if file.subtype in ("FLOAT", "DOUBLE") else "int32"
        parts = [np.zeros((0, file.channels), kind)]
        while len(part := file.read(_SAMPLES, dtype=kind, always_2d=True)):  # the head may not know how many there are
            parts.append(part)
        return {**found, "samples": np.concatenate(parts)}


def _by_scipy(module: Any, path: Path, data: bytes) -> dict[str, Any]:
    rate, samples = module.read(io.BytesIO(data))
    return {"rate": rate, "samples": samples}


def _by_miniaudio(module: Any, path: Path, data: bytes) -> dict[str, Any]:
    """Also FLAC files whose head does not know their length."""
    facts = module.get_file_info(str(path)) if path.read_bytes() == data else module.flac_get_info(data)
    wide = module.SampleFormat.SIGNED32
    found = module.decode(data, output_format=wide, nchannels=facts.nchannels, sample_rate=facts.sample_rate)
    return {"rate": found.sample_rate, "samples": np.frombuffer(found.samples, np.int32).reshape(-1, found.nchannels)}


def _by_wave(module: Any, path: Path, data: bytes) -> dict[str, Any]:
    with module.open(io.BytesIO(data)) as file:
        return {"parameters": tuple(file.getparams()), "samples": file.readframes(file.getnframes())}


def _by_mutagen(module: Any, path: Path, data: bytes) -> dict[str, Any]:
    found = module.File(path)
    return {"tags": dict(found.tags or {}), "pictures": [picture.data for picture in getattr(found, "pictures", [])]}


if __name__ == "__main__":
    sys.exit(main())
