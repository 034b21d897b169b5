"""Stored scores against this evaluation: `python benchmarks/audio_baselines.py BASELINES.json FOLDER [--skip visqol]`.

BASELINES.json is a list of {file, codec, target (bit/s), kbps, snr, visqol} that were measured elsewhere on the first 8 s of
FOLDER/file: the bit rate of the packets alone, SNR of all channels, ViSQOL of their mean. Exit code 1 when a figure is further
off than the tolerances.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lacodec.evaluation.audio.calls import packet_bytes
from lacodec.evaluation.audio.judges import JUDGES
from lacodec.evaluation.audio.measure import restored
from lacodec.evaluation.audio.sound import Sound, read_sound
from lacodec.evaluation.audio.verdicts import Verdicts
from lacodec.evaluation.peers import LOSSY_AUDIO_PEERS

SECONDS = 8
TOLERANCES = {"kbps": 0.02, "snr": 0.1, "visqol": 0.05}  # kbps: relative
NAMES = {"libopus": "opus", "aac": "aac", "libmp3lame": "mp3"}


def main() -> int:
    """Print a line for each stored point, and the largest differences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("baselines", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--skip", default="", help="visqol, which is slow")
    parser.add_argument("--cache", type=Path)
    args = parser.parse_args()
    peers, verdicts = {peer.name: peer for peer in LOSSY_AUDIO_PEERS}, Verdicts(args.cache)
    names = [name for name in TOLERANCES if name != args.skip]
    worst = dict.fromkeys(names, 0.0)
    for row in json.loads(args.baselines.read_text()):
        original = read_sound(args.folder / row["file"])
        original = Sound(original.samples[: SECONDS * original.rate], original.rate)
        peer = peers[NAMES[row["codec"]]]
        data = peer.encode(original, row["target"] / 1000)
        decoded = restored(original, peer.decode(data))[0]
        found = {"kbps": 8 * packet_bytes(data) / original.seconds / 1000, "snr": JUDGES["snr"](original, decoded).score}
        if "visqol" in names:
            x, y = (Sound(one.samples.mean(1, keepdims=True), one.rate) for one in (original, decoded))
            found["visqol"] = verdicts(JUDGES["visqol"], x, y).score
        off = {name: found[name] - row[name] for name in names}
        off["kbps"] /= row["kbps"]
        worst = {name: max(worst[name], abs(off[name])) for name in names}
        marks = " ".join(
            f"{name} {found[name]:.3f} ({off[name]:+.3f}){'*' * (abs(off[name]) > TOLERANCES[name])}" for name in names
        )
        print(f"{row['file']} {peer.name} {row['target'] // 1000}: {marks}", flush=True)
    print("largest differences: " + ", ".join(f"{name} {worst[name]:.4f} (tolerance {TOLERANCES[name]})" for name in names))
    return int(any(worst[name] > TOLERANCES[name] for name in names))


if __name__ == "__main__":
    sys.exit(main())
