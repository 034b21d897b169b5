"""`lacodec info`: the description in a `.lac` file, read without decoding."""

import argparse
import dataclasses
from typing import TYPE_CHECKING, Any

from lacodec.cli import _streams as streams
from lacodec.cli._common import our_files
from lacodec.cli._files import PIPE
from lacodec.cli._report import IDENTICAL, complain, fail, print_json, printable, put, ratio_text, terminal_width
from lacodec.cli._table import wrapped
from lacodec.errors import BadInput

if TYPE_CHECKING:
    from lacodec.api import Info

HELP = "describe .lac files without decoding them"
USAGE = "[flags] FILE ..."
_LONG = 64  # bytes


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Flags of `info`."""
    parser.add_argument("inputs", nargs="+", metavar="FILE", help=".lac files, or folders with such files")
    parser.add_argument("--json", action="store_true", help="print one JSON line per file")


def run(args: argparse.Namespace) -> int:
    """Describe every file; 1 when one cannot be read."""
    from lacodec import api

    if PIPE in args.inputs:
        raise BadInput("info reads files from both ends; save standard input to a file first")
    streams.check("stdout")
    left_out: list[str] = []
    failed = 0
    for name in our_files(args.inputs, left_out):
        try:
            found = api.info(name)
        except Exception as error:  # the others can still be described
            fail(args, error, name)
            failed += 1
            continue
        if args.json:
            print_json(_as_dict(name, found))
        else:
            put(_as_text(name, found))
    for sentence in left_out:
        complain(sentence)
    return int(failed > 0 or bool(left_out))


def _as_dict(name: str, found: "Info") -> dict[str, Any]:
    facts = dataclasses.asdict(found)
    facts["encoded"] = facts.pop("file_size")
    facts["size"] = facts.pop("original_size")
    return {"input": name, **facts}


def _as_text(name: str, found: "Info") -> str:
    options = ", ".join(f"{key} {value}" for key, value in found.options.items())
    size = "size unknown" if found.original_size is None else f"{found.original_size:,} bytes"
    ratio = f" ({ratio_text(found.original_size, found.file_size)})" if found.original_size else ""
    form = f"format version {found.format_version}, {'compact form' if found.compact else 'chunked form'}"
    form = f"a safetensors file, {found.chunks} of its tensors coded" if found.container == "safetensors" else form
    chunks = [("chunks", f"{found.chunks} ({found.decoded_size:,} bytes decoded)")] if found.container == "lac" else []
    lines = [
        ("codec", f"{found.codec}, stream version {found.stream_version}" + (f", {options}" if options else "")),
        ("restores", IDENTICAL.get(found.identical, found.identical)),
        ("original", ", ".join(filter(None, [found.original_name, found.original_format, size]))),
        ("file", f"{found.file_size:,} bytes{ratio}, {form}"),
        *chunks,
        ("sections", ", ".join(f"{key} {value:,}" for key, value in found.sections.items())),
    ]
    if found.model_id:
        lines.append(("model", found.model_id))
    for key, value in found.metadata.items():
        if key in ("tensors", "arrays") and isinstance(value, dict):
            lines += _table(key, value)
        elif key == "base" and isinstance(value, dict):
            lines.append(("base", f"{value['name']}, {value['size']:,} bytes, xxh3-128 {value['hash']}"))
        else:
            lines.append((str(key), printable(_brief(value))))
    if found.problem:
        lines.append(("problem", found.problem))
    return "\n".join([printable(name), *(line for key, value in lines for line in _line(printable(key), printable(value)))])


def _brief(value: Any) -> Any:
    """Colour profiles and the like, by their sizes."""
    if isinstance(value, bytes | bytearray) and len(value) > _LONG:
        return f"{len(value):,} bytes"
    if isinstance(value, list | tuple):
        return [_brief(item) for item in value]
    if isinstance(value, dict):
        return {key: _brief(item) for key, item in value.items()}
    return value


def _line(key: str, value: str) -> list[str]:
    """A fact, in as many lines as the terminal needs."""
    width = terminal_width()
    parts = [value] if width is None else wrapped(value, max(20, width - 13))
    return [f"  {key if not i else '':<10} {part}" for i, part in enumerate(parts)]


def _table(what: str, entries: dict[str, Any]) -> list[tuple[str, str]]:
    """A line about each tensor or array."""
    lines = [(what, f"{len(entries)}")]
    for name, facts in entries.items():
        shape, size, coded = "x".join(map(str, facts["shape"])) or "one", facts["size"], facts["coded"]
        share = f" ({100 * coded / size:.1f} %)" if size else ""
        shape += " in Fortran order" if facts.get("order") == "F" else ""
        lines.append(("", f"{name}: {facts['dtype']} {shape}, {size:,} -> {coded:,} bytes{share}"))
    return lines
