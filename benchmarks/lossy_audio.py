"""Lossy audio against Opus, AAC, MP3 and Vorbis: `python benchmarks/lossy_audio.py FOLDER OUT [--codec NAME] [--only ear,snr]`.

FOLDER holds audio/quality with clips that quality is judged on, and audio/music, of which those files count whose split in
`INFO.tsv` is test. OUT gets ear.json, snr.json and plots. Every clip is coded in full, at the settings of `--sweep` and those of
each peer; all bytes of all files count. Two parts:

    ear  BD-rates by ViSQOL and Zimtohrli against the better of Opus and AAC at each rate
    snr  BD-rates by SNR against the best of MP3, AAC and Vorbis, with --tune snr: as they come, and made for SNR

over the qualities that the best of the peers has between 32 kbit/s (of speech 24) and 128, of ViSQOL those between 3.0 and 4.4.
Verdicts are kept in OUT/verdicts.jsonl, so a run that was stopped goes on where it was. `--codec none` fills it with the peers'.
Exit code 1 when `BARS` are missed.
"""

import argparse
import csv
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lacodec.evaluation.audio.comparison import Comparison, compare
from lacodec.evaluation.audio.figures import DEFINITIONS, clip_content, comparison_content
from lacodec.evaluation.audio.judges import JUDGES
from lacodec.evaluation.audio.measure import Measured, Method, measure
from lacodec.evaluation.audio.methods import our_method
from lacodec.evaluation.audio.verdicts import Verdicts
from lacodec.evaluation.bd_rate import BdRate
from lacodec.evaluation.peers import LOSSY_AUDIO_PEERS
from lacodec.evaluation.rd_plot import Plot, check_plotting, draw_panels

BARS = {"visqol": -30.0, "zimtohrli": -10.0, "snr": -15.0}
"""Mean BD-rate in percent, at most; by ViSQOL and Zimtohrli also at most one clip above `WORSE`, and none above `WORST`."""
WORSE, WORST = 10.0, 25.0
PARTS: dict[str, tuple[list[str], list[tuple[str, ...]]]] = {
    "ear": (["visqol", "zimtohrli"], [("opus", "aac")]),
    "snr": (["snr"], [("mp3", "aac", "vorbis"), ("mp3-snr", "aac-snr", "vorbis")]),
}
"""By part its judges, and the groups of peers of which the best counts."""


def main() -> int:
    """Measure each part, print and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--codec", default="audio.transform", help="or none, for the peers alone")
    parser.add_argument("--sweep", default="quality=5,12,20,28,36,45,55,65,75,85,95")
    parser.add_argument("--only", default="ear,snr")
    parser.add_argument("--clips", default="", help="only clips whose names contain this")
    args = parser.parse_args()
    check_plotting()
    args.out.mkdir(parents=True, exist_ok=True)
    paths = [path for path in clips(args.folder) if args.clips in path.name]
    verdicts = Verdicts(args.out / "verdicts.jsonl")
    missed = []
    for part in args.only.split(","):
        missed += _part(part, paths, args, verdicts)
    for line in missed:
        print(f"MISSED {line}")
    return int(bool(missed))


def clips(folder: Path) -> list[Path]:
    """The references for quality, and the test music."""
    with (folder / "INFO.tsv").open(newline="") as listing:
        rows = [(row["path"], row["split"]) for row in csv.DictReader(listing, delimiter="\t")]
    music = [folder / name for name, split in rows if name.startswith("audio/music/") and split == "test"]
    return [*sorted((folder / "audio/quality").glob("*.flac")), *music]


def is_speech(name: str) -> bool:
    """Whether a clip is judged as speech, from 24 kbit/s on."""
    return "speech" in name


def _part(part: str, paths: list[Path], args: argparse.Namespace, verdicts: Verdicts) -> list[str]:
    judges, groups = PARTS[part]
    methods: list[Method] = [peer for peer in LOSSY_AUDIO_PEERS if any(peer.name in group for group in groups)]
    ours = None
    if args.codec != "none":
        option, _, values = args.sweep.partition("=")
        options = {"tune": "snr"} if part == "snr" else {}
        ours = our_method(args.codec, option, [int(value) for value in values.split(",")], **options)
        methods.insert(0, ours)
    measured = []
    for path in paths:
        start = time.perf_counter()
        clip = measure(methods, path, [JUDGES[name] for name in judges], verdicts)
        measured.append(clip)
        failures = "".join(f"; {name} failed: {why}" for name, why in clip.failures.items())
        print(f"{part}: {clip.name} in {time.perf_counter() - start:.0f} s{failures}", flush=True)
    limits = {clip.name: (24.0 if is_speech(clip.name) else 32.0, 128.0) for clip in measured}
    found = [compare(measured, ours.name, group, name, limits) for group in groups for name in judges] if ours else []
    _write(args.out, part, measured, methods, found, ours.name if ours else None)
    for one in found:
        _print(one)
    if ours:
        _print_speed(measured, ours.name)
    return [line for one in found for line in _missed(one)]


def _print(found: Comparison) -> None:
    print(f"\n{found.method}, BD-rate by {found.judge} against the best of {', '.join(found.against)}")
    for name, one in found.clips.items():
        print(
            f"  {name:32}"
            + (f"  -  {one}" if isinstance(one, str) else f"{one.percent:+8.1f} %  {one.low:.2f} to {one.high:.2f}")
        )
    if found.mean is not None:
        print(f"  {'mean of ' + str(len(found.percents)):32}{found.mean:+8.1f} %", flush=True)


def _print_speed(measured: list[Measured], ours: str) -> None:
    """Real time per second of wall clock, medians over all settings; judges run in between, so the machine should be quiet."""
    pairs = [(clip.seconds, sample) for clip in measured for sample in clip.samples.get(ours, [])]
    if not pairs:
        return
    encode, decode = (
        statistics.median(seconds / getattr(sample, key) for seconds, sample in pairs) for key in ("encode_s", "decode_s")
    )
    print(f"  {ours}: encodes at {encode:.1f}, decodes at {decode:.1f} times real time\n", flush=True)


def _missed(found: Comparison) -> list[str]:
    """What stays under the bars."""
    if found.mean is None:
        return [f"{found.judge}: no BD-rate"]
    lines = []
    if found.mean > BARS[found.judge]:
        lines.append(f"{found.judge} against {', '.join(found.against)}: {found.mean:+.1f} %, bar {BARS[found.judge]:+.0f} %")
    above = {name: one.percent for name, one in found.clips.items() if isinstance(one, BdRate) and one.percent > WORSE}
    if found.judge != "snr" and (len(above) > 1 or any(percent > WORST for percent in above.values())):
        lines.append(f"{found.judge}: " + ", ".join(f"{name} {percent:+.1f} %" for name, percent in above.items()))
    return lines


def _write(
    out: Path, part: str, measured: list[Measured], methods: list[Method], found: list[Comparison], ours: str | None
) -> None:
    content: dict[str, Any] = {
        "definitions": DEFINITIONS,
        "methods": {method.name: method.how for method in methods},
        "clips": [clip_content(clip) for clip in measured],
        "bd_rates": [comparison_content(one) for one in found],
    }
    (out / f"{part}.json").write_text(json.dumps(content, indent=1) + "\n")
    for judge in PARTS[part][0]:
        plots = []
        for clip in measured:
            lines = [line for method in methods if len((line := clip.line(method.name, judge)).rates)]
            mine, theirs = ([line for line in lines if (line.name == ours) is wanted] for wanted in (True, False))
            plots.append(Plot(clip.name, judge, mine, theirs, [], None, "kbit/s"))
        with (out / f"{part}-{judge}.svg").open("wb") as file:
            draw_panels(f"Rate and quality by {judge}", plots, file, "svg")


if __name__ == "__main__":
    sys.exit(main())
