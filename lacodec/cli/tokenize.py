"""`lacodec tokenize`: text to windows of equally many bits, as numbers in a .npy or Arrow file, and back."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lacodec.cli._files import PIPE, UsageError
from lacodec.cli._report import size_text
from lacodec.errors import BadInput, MissingDependency

if TYPE_CHECKING:
    from numpy.typing import NDArray

HELP = "turn text into numbers of 16 or 32 bits that hold equal information, and back"
USAGE = "[flags] FILE -o IDS.npy\n       lacodec tokenize --decode [flags] IDS.npy -o FILE"
_ARROW = (".arrow", ".feather")
_KEY = b"lacodec.window_bits"


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Flags of `tokenize`."""
    parser.add_argument("input", metavar="FILE", help="any file, or with --decode an array of numbers; - is standard input")
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="PATH",
        help=".npy or .arrow to write, or with --decode any file; - is standard output",
    )
    parser.add_argument("--window-bits", type=int, choices=[16, 32], default=16, metavar="N", help="16 (default) or 32")
    parser.add_argument("--decode", action="store_true", help="turn numbers into text again")
    parser.add_argument(
        "--model", metavar="PATH", help="a model of `lacodec train text` (default: the one that comes with lacodec)"
    )
    parser.add_argument("-f", "--force", action="store_true", help="overwrite an existing file")


def run(args: argparse.Namespace) -> int:
    """Convert one file."""
    from lacodec.codecs.text import windows
    from lacodec.io.output import open_target, refuse_existing

    if args.output != PIPE:
        refuse_existing(Path(args.output), args.force)
        if not args.decode and Path(args.output).suffix not in (".npy", *_ARROW):
            raise UsageError(f"{args.output}: numbers are written as .npy, .arrow or .feather")
    if args.decode:
        ids = _load(args.input)
        content = windows.decode(ids, args.model)
        count, size = len(ids), len(content)
    else:
        text = _read(args.input)
        ids = windows.encode(text, args.window_bits, args.model)
        if windows.decode(ids, args.model) != text:
            raise AssertionError("windows decode to another text")
        content = _npy(ids) if args.output == PIPE or Path(args.output).suffix == ".npy" else _arrow(ids)
        count, size = len(ids), len(text)
    with open_target(sys.stdout.buffer if args.output == PIPE else args.output, args.force) as file:
        file.write(content)
    if not args.quiet and args.output != PIPE:
        per = f", {size / count:.2f} bytes in each" if count else ""
        print(f"{args.input}: {size_text(size)} in {count:,} windows of {8 * ids.dtype.itemsize} bits{per}")
    return 0


def _read(name: str) -> bytes:
    if name == PIPE:
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise BadInput(f"{name}: cannot be read ({error.strerror})") from error


def _npy(ids: "NDArray[Any]") -> bytes:
    import io

    import numpy as np

    out = io.BytesIO()
    np.save(out, ids)
    return out.getvalue()


def _load(name: str) -> "NDArray[Any]":
    import io

    import numpy as np

    content = _read(name)
    if content[:6] != b"\x93NUMPY":
        return _load_arrow(name, content)
    try:
        array: NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise BadInput(f"{name}: cannot be read as an array ({error})") from error
    return array


def _arrow(ids: "NDArray[Any]") -> bytes:
    arrow = _pyarrow()
    field = arrow.field("window", arrow.from_numpy_dtype(ids.dtype), nullable=False)
    schema = arrow.schema([field], metadata={_KEY: str(8 * ids.dtype.itemsize)})
    sink = arrow.BufferOutputStream()
    with arrow.ipc.new_file(sink, schema) as writer:
        writer.write_table(arrow.table([arrow.array(ids)], schema=schema))
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _load_arrow(name: str, content: bytes) -> "NDArray[Any]":
    if content[:6] != b"ARROW1":
        raise BadInput(f"{name}: is neither .npy nor an Arrow file of windows")
    arrow = _pyarrow()
    try:
        table = arrow.ipc.open_file(content).read_all()
    except arrow.ArrowInvalid as error:
        raise BadInput(f"{name}: cannot be read as an Arrow file ({error})") from error
    if table.column_names != ["window"] or table.column(0).null_count:
        raise BadInput(f"{name}: has no single column of windows")
    array: NDArray[Any] = table.column(0).to_numpy()
    return array


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.ipc
    except ImportError as error:
        raise MissingDependency("Arrow files need pyarrow; install it with: pip install 'lacodec[arrow]'") from error
    return pyarrow
