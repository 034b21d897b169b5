"""What is known of each document of a unit, and the journal that keeps it from one run to the next.

journal: a line of JSON (settings), then for each unit: length u32, JSON of that length (unit, entries, documents,
problems), records.
"""

import json
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lacodec.datasets.selection.shingles import SIGNATURE
from lacodec.errors import BadInput


def record_type(targets: int) -> np.dtype[Any]:
    """What is kept of a document, with a score for each target."""
    return np.dtype(
        [
            ("unit", "<u4"),
            ("number", "<u4"),  # of the entry in its unit
            ("size", "<u8"),  # bytes of text
            ("tokens", "<u8"),
            ("words", "<u8"),
            ("score", "<f8", (targets,)),
            ("overlap", "<f4"),
            ("digest", "<u8", (2,)),
            ("signature", "u1", (SIGNATURE,)),
        ]
    )


_LENGTH = struct.Struct("<I")


@dataclass(frozen=True)
class Scored:
    """A unit that was read: how many entries it has, problems as (number, what is wrong), and records of `record_type`."""

    unit: int
    entries: int
    problems: tuple[tuple[int, str], ...]
    records: np.ndarray


class Journal:
    """Scores of earlier runs with the same settings, and a place for those of this one."""

    def __init__(self, path: Path, settings: Mapping[str, Any], kind: np.dtype[Any]) -> None:
        """kind: of the records. Raises BadInput if the journal was begun with other settings."""
        head = json.dumps(settings, sort_keys=True).encode() + b"\n"
        self.known: dict[int, Scored] = {}
        self._kind = kind
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(path, "r+b" if path.exists() else "w+b")  # noqa: SIM115  (closed by close())
        size = os.fstat(self._file.fileno()).st_size
        before = self._file.readline()
        if before and before.endswith(b"\n") and before != head:
            self._file.close()
            raise BadInput(f"{path}: was begun with another pool, target or score; choose another output, or remove it")
        if before != head:  # there was none, or its very first line was cut off
            self._file.seek(0)
            self._file.write(head)
        whole = self._file.tell()
        while before == head and (scored := self._next(size)) is not None:
            self.known[scored.unit] = scored
            whole = self._file.tell()
        self._file.truncate(whole)
        self._file.seek(whole)

    def add(self, scored: Scored) -> None:
        """Keep what was found about a unit."""
        facts = json.dumps([scored.unit, scored.entries, len(scored.records), scored.problems]).encode()
        self._file.write(_LENGTH.pack(len(facts)) + facts + scored.records.tobytes())
        self._file.flush()

    def close(self) -> None:
        """No more is added."""
        self._file.close()

    def _next(self, size: int) -> Scored | None:
        """The next unit; None where the file ends, or was cut off."""
        head = self._file.read(_LENGTH.size)
        if len(head) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack(head)
        if length > size - self._file.tell():
            return None
        unit, entries, count, problems = json.loads(self._file.read(length))
        data = self._file.read(count * self._kind.itemsize)
        if len(data) < count * self._kind.itemsize:
            return None
        return Scored(unit, entries, tuple((number, what) for number, what in problems), np.frombuffer(data, self._kind))
