"""A listening page: `python benchmarks/audio_page.py PAGE.html [--codec audio.transform] [--kbps 24,48,96] [--judges zimtohrli]`.

Sounds that `lacodec.evaluation.audio.synthetic` makes, each as a lossy codec of ours and Opus give it back, ours with at most as
many bytes as Opus. All bytes of both files count. `--judges ''` leaves out the scores.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lacodec.evaluation.audio import synthetic
from lacodec.evaluation.audio.judges import JUDGES
from lacodec.evaluation.audio.matched import largest_within
from lacodec.evaluation.audio.measure import Method, restored
from lacodec.evaluation.audio.methods import our_method
from lacodec.evaluation.audio.onsets import pre_echo
from lacodec.evaluation.peers import LOSSY_AUDIO_PEERS
from lacodec.evaluation.report import page, sounds
from lacodec.evaluation.report.sounds import Group, Version
from lacodec.io.output import atomic_file

OPUS = next(peer for peer in LOSSY_AUDIO_PEERS if peer.name == "opus")


def main() -> None:
    """Make the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path)
    parser.add_argument("--codec", default="audio.transform")
    parser.add_argument("--sweep", default="quality", help="the codec's option that is a whole number from 1 to 100")
    parser.add_argument("--kbps", default="24,48,96", help="of Opus")
    parser.add_argument("--sounds", default=",".join(synthetic.names()))
    parser.add_argument("--judges", default="zimtohrli,visqol")
    args = parser.parse_args()
    ours = our_method(args.codec, args.sweep, range(1, 101))
    judges = [name for name in args.judges.split(",") if name]
    groups = []
    for name in args.sounds.split(","):
        made = synthetic.make(name)
        rows = [_row(made, ours, kbps, judges) for kbps in map(float, args.kbps.split(","))]
        groups.append(Group(made.description, made.sound, rows))
        print(f"{name}: " + "; ".join(heading for heading, _ in rows), flush=True)
    introduction = (
        f"Each row has {args.codec} and Opus at equal bytes: Opus at the bit rate named, and {args.codec} with the largest file "
        "that is no larger. All bytes of both files count. Started while another version plays, a player goes on from its place."
    )
    with atomic_file(args.page, True) as out:
        seen = page.section("Sounds", *map(sounds.section, groups), about=introduction)
        how = [(method.name, method.how) for method in (ours, OPUS)]
        out.write(page.page(f"{args.codec} beside Opus", [seen], how).encode())


def _row(made: synthetic.Made, ours: Method, kbps: float, judges: list[str]) -> tuple[str, list[Version]]:
    theirs = OPUS.encode(made.sound, kbps)
    value, mine = largest_within(lambda value: ours.encode(made.sound, value), ours.values, len(theirs))
    versions = [
        _version(made, ours, f"{ours.sweep} {value:g}", mine, judges),
        _version(made, OPUS, f"{kbps:g} kbit/s asked for", theirs, judges),
    ]
    return f"{8 * len(theirs) / made.sound.seconds / 1000:.0f} kbit/s", versions


def _version(made: synthetic.Made, method: Method, setting: str, data: bytes, judges: list[str]) -> Version:
    sound, _ = restored(made.sound, method.decode(data))
    facts = [setting, f"{len(data):,} bytes"]
    facts += [f"{name} {JUDGES[name](made.sound, sound).score:.2f}" for name in judges]
    if made.onsets:
        facts.append(f"pre-echo {pre_echo(made.sound, sound, made.onsets):.0f} dB")
    return Version(method.name, ", ".join(facts), sound)


if __name__ == "__main__":
    main()
