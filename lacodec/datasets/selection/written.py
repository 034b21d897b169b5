"""The selected documents, in files of the pool's names and formats."""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from lacodec.datasets.columns import require_pyarrow
from lacodec.datasets.selection.pool import ARROW, FACTS, STATE, File, Row, Unit, rows
from lacodec.io.output import atomic_file
from lacodec.io.places import open_source

_BLOCK = 1 << 20


def write_selected(folder: Path, units: Sequence[Unit], selected: np.ndarray, field: str) -> None:
    """Write the documents of these records; what an earlier run wrote there goes away. Files with none are not written."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for first, found in groupby(_chosen(units, selected, field), key=lambda pair: pair[0]):
        if first.kind == "jsonl":
            _write_lines(folder / first.name, (row for _, row in found))
        elif first.kind != "text":
            _write_table(folder / first.name, (row for _, row in found), first.kind)
        else:
            _copy(folder / first.name, first)
    for file in {file.name: file for unit in units for file in unit.files if file.kind == "arrow"}.values():
        _write_facts(folder / os.path.dirname(file.name), file)


def _write_facts(folder: Path, file: File) -> None:
    """What datasets needs to load the Arrow files in this folder, if it saved those of the pool."""
    inside = os.path.dirname(file.entry.name)
    names = {path.name for path in folder.glob(f"*{ARROW}")}
    if not names or (folder / STATE).exists() or file.place.size(os.path.join(inside, STATE)) is None:
        return
    for name in FACTS[:2]:
        data = file.place.read(os.path.join(inside, name))
        if name == STATE:
            state = json.loads(data)
            state["_data_files"] = [one for one in state["_data_files"] if one["filename"] in names]
            state["_fingerprint"] = xxhash.xxh3_64_hexdigest(
                data + b"".join((folder / one).read_bytes() for one in sorted(names))
            )
            data = json.dumps(state, indent=2).encode()
        with _written(folder / name) as out:
            out.write(data)


def _chosen(units: Sequence[Unit], selected: np.ndarray, field: str) -> Iterator[tuple[File, Row]]:
    """The selected entries with their files, in order."""
    which = selected["unit"]
    for i in np.unique(which):
        numbers = set(selected["number"][which == i].tolist())
        unit = units[i]
        for number, row in enumerate(rows(unit, field)):
            if number in numbers:
                yield unit.files[number if unit.files[0].kind == "text" else 0], row


def _write_lines(path: Path, found: Iterator[Row]) -> None:
    with _written(path) as file:
        for row in found:
            file.write(row.raw if row.raw.endswith(b"\n") else row.raw + b"\n")


def _write_table(path: Path, found: Iterator[Row], kind: str) -> None:
    pa = require_pyarrow()
    with _written(path) as file:
        writer = None
        for _, group in groupby(found, key=lambda row: id(row.raw[0])):
            same = list(group)
            batch = same[0].raw[0]
            if writer is None:
                made = pa.parquet.ParquetWriter if kind == "parquet" else pa.ipc.new_stream
                writer = made(file, batch.schema)
            writer.write_batch(batch.take(pa.array([row.raw[1] for row in same])))
        if writer is not None:
            writer.close()


def _copy(path: Path, file: File) -> None:
    with open_source(file.path) as source, _written(path) as out:
        for block in source.blocks(_BLOCK):
            out.write(block)


def _written(path: Path) -> Any:
    os.makedirs(path.parent, exist_ok=True)
    return atomic_file(path, True)
