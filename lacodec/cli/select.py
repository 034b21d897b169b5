"""`lacodec select`: pool, target, budget -> the documents that are most like the target, and a report."""

import argparse
from pathlib import Path

from lacodec.cli._compiling import Compilations
from lacodec.cli._engine import engine_flags
from lacodec.cli._progress import Meter
from lacodec.cli._report import complain, print_json, say_line, size_text

HELP = "select the documents of a pool that are most like a target"
USAGE = "[flags] POOL... --target PATH --budget AMOUNT -o FOLDER"
SCORES = ("bits", "dsir", "zipfit", "band", "perplexity", "diversity", "balanced", "random")
_NAMED = 20  # problems; scores.tsv has all of them


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Flags of `select`."""
    parser.add_argument("pool", nargs="+", metavar="POOL", help=".jsonl, .parquet and text files, folders of them, or URLs")
    parser.add_argument("--target", action="append", default=[], metavar="PATH", help="documents of the wanted kind (repeatable)")
    parser.add_argument(
        "--share", action="append", default=[], type=float, metavar="PART", help="part of the budget for each --target, in order"
    )
    parser.add_argument("--budget", required=True, metavar="AMOUNT", help="such as '10000 docs', '5M tokens' or 1GB of text")
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="folder to write to")
    parser.add_argument("--field", default="text", metavar="NAME", help="column or key of the documents (default: text)")
    parser.add_argument("--score", choices=SCORES, default="bits", help="what ranks the documents (default: bits)")
    parser.add_argument(
        "--score-codec", default="gzip", metavar="NAME", help="what zipfit and band compress with: gzip (default), or a codec"
    )
    parser.add_argument("--entries", metavar="FILE", help="phrases that balanced looks for, one a line")
    parser.add_argument("--cap", type=int, metavar="N", help="documents that balanced keeps for each entry, about")
    parser.add_argument("--epochs", type=int, default=1, metavar="N", help="random: selections, each of other documents")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="for what is drawn by chance (default: 0)")
    parser.add_argument("--keep-duplicates", action="store_true", help="exact and near duplicates may be selected")
    parser.add_argument("--keep-leaks", action="store_true", help="documents that repeat parts of the target may be selected")
    parser.add_argument(
        "--on-error", choices=["skip", "stop"], default="skip", help="leave out broken entries and name them (default), or stop"
    )
    parser.add_argument("--json", action="store_true", help="print the result as a JSON line")
    engine_flags(parser)


def run(args: argparse.Namespace) -> int:
    """Select, and say what was found."""
    from dataclasses import asdict

    from lacodec.datasets.selection import Filters, Score, select

    entries = _lines(args.entries) if args.entries else ()
    usual = Filters()
    filters = Filters(
        not args.keep_duplicates,
        None if args.keep_duplicates else usual.similarity,
        None if args.keep_leaks else usual.overlap,
    )
    with Meter("scoring", 1, args.quiet) as meter, Compilations(meter.tell, meter.compiling):
        meter.start_file(None)
        done = select(
            args.pool,
            args.target,
            args.budget,
            args.output,
            field=args.field,
            score=Score(args.score, args.score_codec, entries, args.cap),
            shares=args.share,
            epochs=args.epochs,
            seed=args.seed,
            filters=filters,
            stop_on_error=args.on_error == "stop",
            engine=args.engine,
            threads=args.threads,
            progress=meter.update,
        )
    for sentence in done.named[:_NAMED]:
        complain(sentence)
    broken = sum(done.problems.values())
    if broken > _NAMED:
        complain(f"and {broken - _NAMED:,} more; scores.tsv names them all")
    if args.json:
        print_json({"output": args.output, **asdict(done)})
        return int(bool(broken))
    of = f"{done.documents:,} of {done.entries:,} documents, {size_text(done.size)}, {done.tokens:,} tokens"
    out = ", ".join(
        f"{count:,} {name}" for name, count in [*done.outcomes.items(), *done.problems.items()] if count and name != "selected"
    )
    say_line(args, f"{args.output}: {of}" + (f" ({out})" if out else ""))
    return int(bool(broken))


def _lines(path: str) -> tuple[str, ...]:
    from lacodec.errors import BadInput

    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: cannot be read as a list of entries ({error})") from error
    return tuple(line for line in map(str.strip, text.splitlines()) if line)
