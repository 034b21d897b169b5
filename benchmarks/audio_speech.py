"""Speech at low rates beside Opus: `python benchmarks/audio_speech.py FOLDER [--codec audio.transform] [--kbps 6,8,12,16,24]`.

FOLDER holds speech and `transcripts.tsv` (columns file and transcript). ViSQOL's speech mode and the words that pocketsphinx gets
wrong, of the original, of Opus and of ours with at most as many bytes. Scores are means over files, word errors totals.
"""

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lacodec.errors import BadInput
from lacodec.evaluation.audio.judges import JUDGES
from lacodec.evaluation.audio.matched import largest_within
from lacodec.evaluation.audio.measure import Method, restored
from lacodec.evaluation.audio.methods import our_method
from lacodec.evaluation.audio.sound import Sound, read_sound
from lacodec.evaluation.audio.words import heard, word_errors, words
from lacodec.evaluation.peers import LOSSY_AUDIO_PEERS

OPUS = next(peer for peer in LOSSY_AUDIO_PEERS if peer.name == "opus")


def main() -> None:
    """Print a line for the originals, and one for each codec and rate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--codec", default="audio.transform", help="or none, for Opus alone")
    parser.add_argument("--sweep", default="quality", help="the codec's option that is a whole number from 1 to 100")
    parser.add_argument("--kbps", default="6,8,12,16,24", help="of Opus")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    with (args.folder / "transcripts.tsv").open(newline="") as listing:
        texts = {row["file"]: words(row["transcript"]) for row in csv.DictReader(listing, delimiter="\t")}
    originals = {name: read_sound(args.folder / name) for name in texts}
    ours = None if args.codec == "none" else our_method(args.codec, args.sweep, range(1, 101))
    count = sum(len(text) for text in texts.values())
    print(f"{len(texts)} files, {count} words\n{'':18}{'kbit/s':>8}{'ViSQOL speech':>15}{'word errors':>13}")
    rows = [_row("original", originals, originals, texts, 0)]
    for kbps in map(float, args.kbps.split(",")):
        theirs = {name: OPUS.encode(sound, kbps) for name, sound in originals.items()}
        rows.append(_coded(f"Opus {kbps:g}", OPUS, originals, theirs, texts))
        if ours is not None:
            mine = _matched(ours, originals, theirs)
            if isinstance(mine, str):
                print(f"{args.codec}: {mine}", flush=True)
            else:
                rows.append(_coded(args.codec, ours, originals, mine, texts))
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n")


def _matched(ours: Method, originals: dict[str, Sound], theirs: dict[str, bytes]) -> dict[str, bytes] | str:
    """Our files, none larger than the other's; why not, where that cannot be."""
    try:
        return {
            name: largest_within(lambda value, sound=sound: ours.encode(sound, value), ours.values, len(theirs[name]))[1]
            for name, sound in originals.items()
        }
    except BadInput as error:
        return str(error)


def _coded(
    label: str, method: Method, originals: dict[str, Sound], files: dict[str, bytes], texts: dict[str, list[str]]
) -> dict[str, object]:
    sounds = {name: restored(sound, method.decode(files[name]))[0] for name, sound in originals.items()}
    kbps = 8 * sum(map(len, files.values())) / sum(sound.seconds for sound in originals.values()) / 1000
    return _row(label, originals, sounds, texts, kbps)


def _row(
    label: str, originals: dict[str, Sound], sounds: dict[str, Sound], texts: dict[str, Sequence[str]], kbps: float
) -> dict[str, object]:
    score = fmean(JUDGES["visqol-speech"](originals[name], sound).score for name, sound in sounds.items())
    errors = {name: word_errors(texts[name], heard(sound)) for name, sound in sounds.items()}
    total, count = sum(errors.values()), sum(len(text) for text in texts.values())
    print(f"{label:18}{kbps:8.1f}{score:15.3f}{total:6} ({100 * total / count:.0f} %)", flush=True)
    return {"codec": label, "kbps": kbps, "visqol_speech": score, "word_errors": total, "words": count, "errors": errors}


if __name__ == "__main__":
    main()
