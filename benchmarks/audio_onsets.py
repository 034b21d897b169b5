"""Pre-echo beside Opus at equal bytes: `python benchmarks/audio_onsets.py [--codec audio.transform] [--kbps 24,32,48,64,96,128]`.

Impulses and castanet-like clicks on silence (`lacodec.evaluation.audio.synthetic`); the figure is the energy of the error in the
5 ms before the onsets in dB of the sound's energy in the 5 ms after them. Ours has at most as many bytes as Opus. Exit code 1
when ours is higher anywhere.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lacodec.evaluation.audio import synthetic
from lacodec.evaluation.audio.matched import largest_within
from lacodec.evaluation.audio.measure import restored
from lacodec.evaluation.audio.methods import our_method
from lacodec.evaluation.audio.onsets import pre_echo
from lacodec.evaluation.peers import LOSSY_AUDIO_PEERS

OPUS = next(peer for peer in LOSSY_AUDIO_PEERS if peer.name == "opus")


def main() -> int:
    """Print a line for each sound and rate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codec", default="audio.transform")
    parser.add_argument("--sweep", default="quality", help="the codec's option that is a whole number from 1 to 100")
    parser.add_argument("--kbps", default="24,32,48,64,96,128", help="of Opus")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    ours = our_method(args.codec, args.sweep, range(1, 101))
    print(f"{'':12}{'Opus kbit/s':>12}{'Opus bytes':>12}{'ours bytes':>12}{'Opus dB':>10}{'ours dB':>10}")
    rows = []
    for name in ("impulses", "castanets"):
        made = synthetic.make(name)
        for kbps in map(float, args.kbps.split(",")):
            theirs = OPUS.encode(made.sound, kbps)
            value, mine = largest_within(lambda value, made=made: ours.encode(made.sound, value), ours.values, len(theirs))
            levels = [
                pre_echo(made.sound, restored(made.sound, method.decode(data))[0], made.onsets)
                for method, data in ((OPUS, theirs), (ours, mine))
            ]
            rows.append((name, kbps, value, len(theirs), len(mine), *levels))
            print(f"{name:12}{kbps:12g}{len(theirs):12,}{len(mine):12,}{levels[0]:10.1f}{levels[1]:10.1f}", flush=True)
    if args.json:
        names = ("sound", "opus_kbps", "value", "opus_bytes", "bytes", "opus_db", "db")
        args.json.write_text(json.dumps([dict(zip(names, row, strict=True)) for row in rows], indent=1) + "\n")
    return int(any(row[-1] > row[-2] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
