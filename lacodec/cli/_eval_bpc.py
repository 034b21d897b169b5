"""`lacodec eval bpc`: bits per character and byte of texts, by our codecs and language models."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from lacodec.cli import _html_report
from lacodec.cli._codec_options import add_flags_of, given_options, peek_codec
from lacodec.cli._files import PIPE, UsageError
from lacodec.cli._report import complain, print_table, size_text
from lacodec.errors import BadInput, LacodecError

if TYPE_CHECKING:
    from lacodec.evaluation.bits_per_character import TextMeasurement


def add_arguments(kinds: "argparse._SubParsersAction[argparse.ArgumentParser]", argv: list[str]) -> None:
    """Flags of this kind of evaluation."""
    bpc = kinds.add_parser(
        "bpc",
        help="bits per character of text, by codecs and language models",
        usage="lacodec eval bpc [flags] FILE... (--codec NAME | --model PATH)",
        allow_abbrev=False,
    )
    bpc.add_argument("files", nargs="+", metavar="FILE", help="texts")
    bpc.add_argument("--codec", metavar="NAME", help="a lossless codec of ours, with its own flags, such as --effort 9")
    bpc.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="PATH",
        help="model file of `lacodec train text`, or folder or GGUF file of a causal model of transformers; may be repeated",
    )
    bpc.add_argument(
        "--train", action="append", default=[], metavar="PATH", help="training text, to see how much of the files it holds"
    )
    bpc.add_argument("--json", type=Path, metavar="FILE", help="write all measurements")
    _html_report.add_flag(bpc)
    bpc.add_argument("-f", "--force", action="store_true", help="overwrite existing files")
    bpc.add_argument("-q", "--quiet", action="store_true", default=argparse.SUPPRESS, help="print only errors and the table")
    bpc.add_argument(
        "-v", "--verbose", action="count", default=argparse.SUPPRESS, help="print more, with tracebacks of internal errors"
    )
    name = peek_codec(argv) if "bpc" in argv else None  # the options of a codec may be flags of another kind
    if name is not None:
        add_flags_of(bpc, name)


def run(args: argparse.Namespace) -> int:
    """Measure, print and write; 1 when something could not be measured."""
    from lacodec.evaluation import bits_per_character as bpc
    from lacodec.io.output import atomic_file, refuse_existing

    if args.codec is None and not args.model:
        raise UsageError("nothing to measure; give --codec, --model or both")
    for path in (args.json, args.html):
        if path is not None:
            refuse_existing(path, args.force)
    texts = [(name, _read(name)) for name in args.files]
    training = [_read(name) for name in args.train]
    rows: list[TextMeasurement] = []
    failed = 0
    for name, text in texts:
        for model in [None, *args.model] if args.codec else args.model:
            try:
                if model is None:
                    rows.append(bpc.by_codec(args.codec, given_options(args), name, text))
                else:
                    rows.append(bpc.by_model(model, name, text))
            except LacodecError as error:
                complain(str(error))
                failed += 1
    shares = {name: bpc.overlap(text, training) for name, text in texts} if training else {}
    columns, cells = _table(rows, shares)
    print_table("text", columns, cells)
    if args.json is not None:
        facts = [row.as_dict() | ({"overlap": round(shares[row.file], 5)} if shares and row.known else {}) for row in rows]
        with atomic_file(args.json, args.force) as file:
            file.write(json.dumps(facts, indent=1).encode() + b"\n")
    if args.html is not None:
        _html_report.write_bpc(args.html, args.force, rows, columns, cells)
    return int(failed > 0)


def _table(rows: "list[TextMeasurement]", shares: dict[str, float]) -> tuple[list[str], list[list[str]]]:
    """Columns and rows."""
    columns = ["method", "file", "bits/character", "bits/byte", "coded and decoded", "model"]
    cells = []
    told = bool(shares) or not all(row.known for row in rows)
    for row in rows:
        checked = f"{row.checked[0]} -> {row.checked[1]} bytes"
        per = "-" if row.per_character is None else f"{row.per_character:.4f}"
        own = size_text(row.model_bytes) if row.model_bytes else "-"
        cells.append([row.method, row.file, per, f"{row.per_byte:.4f}", checked, own])
        if told:
            share = f"{100 * shares[row.file]:.2f} %" if shares else "-"
            cells[-1].append(share if row.known else "unknown")
    return columns + (["in training"] if told else []), cells


def _read(name: str) -> bytes:
    if name == PIPE:
        raise UsageError("eval reads files, not standard input")
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise BadInput(f"{name}: cannot be read ({error.strerror})") from error
