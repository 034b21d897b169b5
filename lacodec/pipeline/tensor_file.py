"""Tensors out of a file, one by one or all in turn: of a `.lac` file, or a plain one (safetensors, npy, npz, GGUF, PyTorch).

.lac -> chunks, decoded when they are needed -> bytes of the original file -> arrays
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from lacodec.container.layout import MAGIC
from lacodec.errors import BadInput, CorruptFile, LimitExceeded, UnsupportedFile
from lacodec.io.places import open_source
from lacodec.io.streams import seekable
from lacodec.media.tensors import torch_checkpoint
from lacodec.media.tensors.files import TENSORS, missing
from lacodec.media.tensors.forms import Form, form_of
from lacodec.media.tensors.safetensors import read_header
from lacodec.media.tensors.torch_objects import View
from lacodec.media.tensors.value import TensorEntry, Tensors
from lacodec.pipeline.coded_safetensors import restored
from lacodec.pipeline.references import open_references
from lacodec.pipeline.restored import LacSource

_NOTHING = np.empty(0, np.uint8)


@dataclass(frozen=True)
class Named:
    """tied: further names of tensors -> their name in `entries`. views: tensors that are not entries. hidden: entries that
    nothing in the file has this name for: storages that only views look at."""

    tied: Mapping[str, str] = field(default_factory=dict)
    views: Mapping[str, View] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()


class TensorFile:
    """The tensors of a file by name; `entries` in the order in which they lie in it. Close it, or use it in a `with` block."""

    def __init__(self, path: str | os.PathLike[str], *, max_memory: int | None = None, base: Any = None) -> None:
        """Open a file; raises LacodecError when it is damaged or holds no tensors that can be read.

        base: files that tensors may be stored as differences to: a path, an open Source, or several. Read only where needed.
        """
        with ExitStack() as stack:
            file = stack.enter_context(seekable(open_source(path)))
            bases = open_references(base, stack)
            if file.peek(len(MAGIC)) == MAGIC:
                found = LacSource(file, max_memory, bases).tensors()
            else:
                found = TENSORS.from_source(file)
                found = restored(found, bases) or found  # a safetensors file may hold coded tensors
            self._open = stack.pop_all()
        self._source, self._made_of = found.source, found.made_of
        self.path, self.format = Path(path), found.format
        self.entries = {entry.name: entry for entry in found.entries}

    @cached_property
    def named(self) -> Named:
        """Tensors besides `entries`: PyTorch checkpoints have tensors of several names, and views of others.

        Raises UnsupportedFile, naming it, when the file holds a tensor that cannot be had.
        """
        value = Tensors(self._source, self.format, tuple(self.entries.values()))
        why = missing(value)
        if why is not None:
            raise UnsupportedFile(f"{self.path}: {why}")
        if self.format != "torch":
            return Named()
        places = {(entry.offset, entry.dtype, entry.shape, entry.order): entry.name for entry in value.entries}
        tied, views = {}, {}
        for view in torch_checkpoint.views(self._source):
            entry = view.entry
            known = None if entry is None else places.get((entry.offset, entry.dtype, entry.shape, entry.order))
            if known is None:
                views[view.name] = view
            elif known != view.name:
                tied[view.name] = known
        spare = [entry for entry in value.entries if entry.name.startswith("storage.") and entry.name not in tied.values()]
        unnamed = {entry.name for entry in spare if any(entry.offset <= view.offset < entry.stop for view in views.values())}
        return Named(tied, views, frozenset(unnamed | (self.entries.keys() & views.keys())))

    def array(self, view: View) -> np.ndarray:
        """A tensor that is not an entry, as a separate array; raises UnsupportedFile if numpy lacks its type."""
        return torch_checkpoint.array_of(self._source, view)

    def form(self, name: str) -> Form:
        """Further facts about an array besides its entry (`objects`)."""
        return form_of(self._made_of, name)

    def metadata(self) -> dict[str, str] | None:
        """The `__metadata__` of a safetensors file; None without one, and for other formats."""
        return read_header(self._source)[0] or None if self.format == "safetensors" else None

    def entry(self, name: str) -> TensorEntry:
        """The place and type of a tensor; raises BadInput for an unknown name."""
        try:
            return self.entries[name]
        except KeyError:
            near = get_close_matches(name, self.entries, 3)
            hint = f"did you mean {', '.join(near)}?" if near else f"it has {len(self.entries)} tensors"
            raise BadInput(f"{self.path}: has no tensor {name!r}; {hint}") from None

    def data(self, entry: TensorEntry, start: int = 0, stop: int | None = None) -> np.ndarray:
        """uint8[stop - start], writable: bytes of a tensor, all of them by default."""
        out = self._room((entry.size if stop is None else stop) - start, entry)
        for at, piece in self._pieces(entry.offset + start, out.size):
            out[at : at + len(piece)] = piece
        return out

    def all(self, threads: int | None = None) -> Iterator[tuple[TensorEntry, np.ndarray]]:
        """(tensor, uint8[its bytes]) in the order of the file, which is read and decoded once; by default over all cores."""
        if not isinstance(self._source, LacSource):
            for entry in self.entries.values():
                yield entry, self.data(entry)
            return
        parts = self._source.parts(threads or os.cpu_count() or 1)
        yield from self._assembled(parts, lambda entry: self._room(entry.size, entry))

    def all_on(self, device: Any, threads: int | None = None) -> Iterator[tuple[TensorEntry, Any]]:
        """`all`, decoded on a CUDA device: (tensor, u8[its bytes] of torch there). Only for files that are `for_device`.

        threads: how many read. Meanwhile up to three times `DEVICE_BATCH` more are in the memory of the device, and of the host.
        """
        import torch

        assert isinstance(self._source, LacSource)  # `for_device`
        parts = self._source.parts_on(device, threads or os.cpu_count() or 1)
        yield from self._assembled(parts, lambda entry: torch.empty(entry.size, dtype=torch.uint8, device=device))

    @property
    def for_device(self) -> bool:
        """Whether `all_on` can be asked: the file is one of codec `weights`."""
        return isinstance(self._source, LacSource) and self._source.for_device

    def _assembled(
        self, parts: Iterator[tuple[int, Any]], room: Callable[[TensorEntry], Any]
    ) -> Iterator[tuple[TensorEntry, Any]]:
        """Each tensor in `room` that is made for it, from the parts of the file in order; arrays of numpy or torch."""
        start, part = 0, _NOTHING
        for entry in self.entries.values():
            out, done = room(entry), 0
            while done < entry.size:
                skip = entry.offset + done - start
                piece = part[skip:][: entry.size - done] if skip >= 0 else _NOTHING
                if not len(piece):
                    start, part = next(parts, (start, _NOTHING))
                    if not len(part):
                        raise CorruptFile(f"{self.path}: ends before the end of tensor {entry.name!r}")
                    continue
                out[done : done + len(piece)] = piece
                done += len(piece)
            yield entry, out

    def __enter__(self) -> "TensorFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, and the bases that were opened for it."""
        self._open.close()

    def _room(self, size: int, entry: TensorEntry) -> np.ndarray:
        try:
            return np.empty(size, np.uint8)
        except MemoryError as error:
            raise LimitExceeded(f"{self.path}: {size >> 20} MiB for tensor {entry.name!r} exceed the memory available") from error

    def _pieces(self, offset: int, size: int) -> Iterator[tuple[int, np.ndarray]]:
        if isinstance(self._source, LacSource):
            yield from self._source.pieces(offset, size)
        elif size:
            data = np.frombuffer(self._source.read(offset, size), np.uint8)
            if len(data) != size:
                raise BadInput(f"{self.path}: became shorter while it was read")
            yield 0, data
