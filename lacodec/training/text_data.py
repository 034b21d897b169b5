"""Text for training: files with parts cut out, as arrays of pieces of which random windows are drawn.

files --parts cut out, no CR--> Texts --pieces--> Sources: uint16[n] each, with how often it is drawn
                   \\--> held out, for validation
"""

import json
import lzma
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lacodec.errors import BadInput

PARTS = Path(__file__).with_name("text_parts.json")
"""Parts of files that lacodec's own models never learn from: they are tested and validated with them."""
_SUFFIXES = (".txt", ".txt.xz", ".md", ".md.xz")
_WRAP = re.compile(rb"(?<=[^\n])\n(?=[^\n ])")
_BETWEEN = {"text": b"\n\n\n\n", "other": b"\n\n"}


@dataclass(frozen=True)
class Part:
    """Bytes begin..end of the file of this name, unpacked, that are kept out of the training. use: `test` or `validation`."""

    file: str
    name: str
    begin: int
    end: int
    use: str


@dataclass(frozen=True)
class Texts:
    """What is learnt from and what is judged by. other: languages or kinds that are shown less often."""

    text: bytes
    other: bytes = b""
    held_out: dict[str, bytes] = field(default_factory=dict)


def collect(
    paths: Iterable[Path], other: Iterable[Path] = (), validation: Iterable[Path] = (), parts: Iterable[Part] = ()
) -> Texts:
    """Read files and folders. Parts for validation and whole files for it are held out, parts for tests are only cut out."""
    parts = [*parts]
    learnt: dict[str, list[bytes]] = {"text": [], "other": []}
    held_out: dict[str, bytes] = {}
    for kind, some in (("text", paths), ("other", other)):
        for path in text_files(some):
            text = read(path)
            mine = [part for part in parts if part.file == path.name]
            learnt[kind] += without(text, mine)
            judged = [text[part.begin : part.end] for part in mine if part.use == "validation"]
            if judged:
                held_out[kind] = b"".join([held_out.get(kind, b""), *judged])
    files = text_files(validation)
    if files:
        held_out["validation"] = b"".join(read(path) for path in files)
    joined = {kind: _BETWEEN[kind].join(some).replace(b"\r", b"") for kind, some in learnt.items()}
    return Texts(joined["text"], joined["other"], {name: text.replace(b"\r", b"") for name, text in held_out.items()})


def text_files(paths: Iterable[Path]) -> list[Path]:
    """Files as they are named, and those of folders that look like text, sorted; raises BadInput where there are none."""
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(file for file in path.rglob("*") if file.name.lower().endswith(_SUFFIXES))
        if not inside:
            raise BadInput(f"{path}: contains no text ({' '.join(_SUFFIXES)})")
        found += inside
    return found


def read(path: str | os.PathLike[str]) -> bytes:
    """A file's text, unpacked if it is .xz."""
    path = Path(path)
    try:
        content = path.read_bytes()
        return lzma.decompress(content) if path.suffix.lower() == ".xz" else content
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
    except lzma.LZMAError as error:
        raise BadInput(f"{path}: is not a .xz file ({error})") from error


def load_parts(path: str | os.PathLike[str]) -> list[Part]:
    """The parts that a JSON file lists, as [{file, name, begin, end, use}]."""
    try:
        parts = [Part(**row) for row in json.loads(Path(path).read_text())]
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, TypeError) as error:
        raise BadInput(f"{path}: is not a list of parts ({error})") from error
    for part in parts:
        if type(part.begin) is not int or type(part.end) is not int or part.use not in ("test", "validation"):
            raise BadInput(f"{path}: part {part.name!r} needs begin and end in bytes, and test or validation as its use")
    return parts


def without(text: bytes, parts: Iterable[Part]) -> list[bytes]:
    """What is left beside the parts; raises BadInput for parts that overlap or go beyond the file."""
    left, at = [], 0
    for part in sorted(parts, key=lambda part: part.begin):
        if not at <= part.begin < part.end <= len(text):
            raise BadInput(
                f"{part.file}: part {part.name}, bytes {part.begin} to {part.end}, overlaps another or is beyond the file's "
                f"{len(text)} bytes"
            )
        left.append(text[at : part.begin])
        at = part.end
    return [piece for piece in (*left, text[at:]) if piece]


def unwrapped(text: bytes) -> bytes:
    """Paragraphs on one line each."""
    return _WRAP.sub(b" ", text)


class Sources:
    """Arrays of pieces with weights; batches are random windows of them, of up to `longest` pieces."""

    def __init__(self, arrays: list[NDArray[np.uint16]], weights: list[float], longest: int) -> None:
        shortest = min(map(len, arrays))
        if shortest < longest:
            raise BadInput(f"the text has only {shortest} pieces, but a window needs {longest}; give more text or less length")
        self._arrays = arrays
        self._weights = torch.tensor(weights, dtype=torch.float64)

    def __str__(self) -> str:
        return "sources of " + ", ".join(
            f"{len(array)} (drawn {weight:.2f})" for array, weight in zip(self._arrays, self._weights.tolist(), strict=True)
        )

    def sample(self, count: int, length: int, generator: torch.Generator) -> Tensor:
        """int64[count, length]."""
        chosen = torch.multinomial(self._weights, count, replacement=True, generator=generator).tolist()
        places = torch.rand(count, dtype=torch.float64, generator=generator).tolist()
        rows = []
        for source, place in zip(chosen, places, strict=True):
            array = self._arrays[source]
            start = int(place * (len(array) - length))
            rows.append(array[start : start + length].astype(np.int64))
        return torch.from_numpy(np.stack(rows))
