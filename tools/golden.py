"""Writes golden files: what the `make_golden_*` tools share."""

from collections.abc import Callable
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "golden"


def write_missing(wanted: dict[str, Callable[[], bytes]]) -> None:
    """Write `tests/golden/<name>.lac` for each name where there is none; say how the others compare with what is made now."""
    FOLDER.mkdir(exist_ok=True)
    for name, make in wanted.items():
        path = FOLDER / f"{name}.lac"
        if path.exists():
            same = path.read_bytes() == make()
            print(f"{path.name}: left alone, {'as this version writes it' if same else 'THIS VERSION WRITES OTHER BYTES'}")
        else:
            path.write_bytes(make())
            print(f"{path.name}: made, {path.stat().st_size} bytes")
