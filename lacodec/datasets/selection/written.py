"""The selected documents, in files of the pool's names and formats."""

import os
import shutil
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from lacodec.datasets.columns import require_pyarrow
from lacodec.datasets.selection.pool import File, Row, Unit, rows
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
        elif first.kind == "parquet":
            _write_table(folder / first.name, (row for _, row in found))
        else:
            _copy(folder / first.name, first)


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


def _write_table(path: Path, found: Iterator[Row]) -> None:
    pa = require_pyarrow()
    with _written(path) as file:
        writer = None
        for _, group in groupby(found, key=lambda row: id(row.raw[0])):
            same = list(group)
            batch = same[0].raw[0]
            if writer is None:
                writer = pa.parquet.ParquetWriter(file, batch.schema)
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
