"""`lacodec bench`: files -> our codecs and every installed peer on the same bytes in the same run, as a table or JSON."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lacodec.cli._files import PIPE, UsageError, walk_files
from lacodec.cli._report import complain, figure_text, note, print_json, print_table, ratio_text
from lacodec.errors import BadInput

if TYPE_CHECKING:
    from lacodec.evaluation.bench import Candidate, Measurement

HELP = "compare our codecs with every installed compressor"
USAGE = "[flags] FILE ..."


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Flags of `bench`."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="files or folders; each file is read into memory")
    parser.add_argument("--codec", default="bytes", help="our codec to compare (default bytes)")
    parser.add_argument("--efforts", default="1,3,5,9", help="comma-separated efforts of our codec (default 1,3,5,9)")
    parser.add_argument("--peers", help="comma-separated names of peers, or 'none' (default: all that are installed)")
    parser.add_argument("--threads", type=int, default=1, help="threads for our codec (default 1, like the peers)")
    parser.add_argument(
        "--repeats", type=int, default=3, help="repetitions of runs of less than 0.25 s; the best one counts (default 3)"
    )
    parser.add_argument("--per-file", action="store_true", help="print a table for each file, not only the total")
    parser.add_argument("--json", action="store_true", help="print every measurement as a JSON line instead of tables")


def run(args: argparse.Namespace) -> int:
    """Measure and print; 1 when something failed or did not come back identical."""
    from lacodec.evaluation.bench import measure_all, total

    files = [(str(path), path.read_bytes()) for path in _paths(args.files)]
    if not files:
        raise BadInput(f"{', '.join(args.files)}: no files found")
    totals: list[Measurement] = []
    by_file: dict[str, list[Measurement]] = {name: [] for name, _ in files}
    failed = False
    for candidate in _candidates(args):
        if sys.stderr.isatty():
            note(args, f"measuring {candidate.name} ...")
        rows = []
        try:
            for row in measure_all([candidate], files, args.repeats):
                rows.append(row)
                by_file[row.file].append(row)
        except Exception as error:  # a peer may fail in its own way; the others are still of interest
            complain(f"{candidate.name} failed: {type(error).__name__}: {error}")
            failed = True
            continue
        totals.append(total(rows))
        failed = failed or not totals[-1].identical
        if args.json:
            for row in rows:
                print_json(row.as_dict())
    if not args.json:
        if args.per_file and len(files) > 1:
            for name, measurements in by_file.items():
                _print(name, measurements)
        _print(totals[0].file if totals else "", totals)
    return int(failed)


def _print(title: str, measurements: "list[Measurement]") -> None:
    if not measurements:
        return
    rows = [
        [
            m.candidate,
            f"{m.encoded:,}",
            ratio_text(m.size, m.encoded),
            figure_text(m.encode_mb_s),
            figure_text(m.decode_mb_s),
            "yes" if m.identical else "NO",
        ]
        for m in sorted(measurements, key=lambda m: m.encoded)
    ]
    heading = f"{title}: {measurements[0].size:,} bytes"
    print_table(heading, ["compressor", "bytes", "ratio", "encode MB/s", "decode MB/s", "identical"], rows)


def _candidates(args: argparse.Namespace) -> "Iterator[Candidate]":
    import dataclasses

    from lacodec.codecs import registry
    from lacodec.evaluation.bench import our_candidate
    from lacodec.evaluation.peers import PEERS

    chosen = None if args.peers is None else [name for name in args.peers.split(",") if name and name != "none"]
    unknown = set(chosen or []) - {peer.name for peer in PEERS}
    if unknown:
        raise UsageError(f"unknown peer {', '.join(sorted(unknown))}; known peers: {', '.join(peer.name for peer in PEERS)}")
    options = {field.name for field in dataclasses.fields(registry.get(args.codec).Options)}
    if "effort" in options:
        for effort in _efforts(args.efforts):
            yield our_candidate(args.codec, args.threads, effort=effort)
    else:
        yield our_candidate(args.codec, args.threads)
    for peer in PEERS:
        if chosen is not None and peer.name not in chosen:
            continue
        if peer.installed:
            yield peer
        elif chosen is not None or args.verbose:
            complain(f"{peer.name} is not installed: {peer.install}")


def _efforts(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",") if part]
    except ValueError:
        raise UsageError(f"--efforts {text}: give whole numbers separated by commas, such as 1,5,9") from None


def _paths(names: list[str]) -> Iterator[Path]:
    for name in names:
        path = Path(name)
        if name == PIPE:
            raise UsageError("bench reads files, not standard input")
        if path.is_dir():
            yield from walk_files(path, complain)
        elif path.exists():
            yield path
        else:
            raise BadInput(f"{name}: no such file or folder")
