"""`OpenFile`: a `.lac` file opened in the middle, its parts decoded when they are asked for.

key --Selection--> slices --Codec.select--> chunks --Decoding.part--> parts --Codec.extract--> array --rest of the key--> result
"""

import math
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cached_property
from typing import Any

from lacodec.codecs.log.search.pattern import Pattern
from lacodec.codecs.regions import Layout, Selection, Window
from lacodec.codecs.session import Session
from lacodec.container import Chunk, Header, Limits, Reader
from lacodec.errors import BadInput, CutOff
from lacodec.io.source import BytesSource, Source
from lacodec.pipeline import kept
from lacodec.pipeline.decoding import Decoding
from lacodec.pipeline.lines import matching, numbered
from lacodec.pipeline.pictured import FilePicture, picture_in
from lacodec.pipeline.references import open_references

_KEPT = 32 << 20  # bytes of decoded chunks that are kept for the next read
_MORE = 64  # bytes, and a quarter, by which a beginning that is too short to decode grows


class OpenFile:
    """A `.lac` file opened in the middle; `header` describes it. Close it, or use it in a `with` block.

    `opened[1000:2000]` of bytes, `opened[10:20, 5]` of a picture or an array, `opened["name"]` and `opened["name", 3:7]` of
    several arrays: whole numbers, slices (steps and negative ones, too) and `...`, as in numpy; only the chunks that are needed
    are read. A JPEG file is an array of its bytes; with two keys or three its pixels are meant, as Pillow shows them. `keys()`,
    `in`, `len`, `shape` and `dtype` describe it. Bytes can also be read like a file: `read`, `seek`, `tell`. Threads may share
    it. It can be pickled if it was opened by path, URL or bytes.
    """

    def __init__(
        self, place: Any, source: Callable[[], Source], limits: Limits, base: Any = None, fraction: float | None = None
    ) -> None:
        """`source` opens `place`; see `lacodec.open`."""
        self._place, self._limits, self._base, self._fraction = place, limits, base, fraction
        if fraction is not None and not 0 < fraction <= 1:
            raise BadInput(f"fraction is {fraction}; give a part above 0, at most 1")
        with ExitStack() as stack:
            opened = stack.enter_context(source())
            bases = open_references(base, stack)
            self._reader = Reader(opened, limits, partial=True)
            self._header = self._reader.header
            session = Session(references=bases, max_memory=limits.max_memory)
            self._decoding = Decoding(self._header, opened.name, session)
            self._refuse_unfinished()
            if kept.is_of_a_kind(self._header):
                self._open_as_its_kind(opened.name, session)
            self._open: ExitStack | None = stack.pop_all()
        self._name, self._at = opened.name, 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, Any] = OrderedDict()

    @property
    def header(self) -> Header:
        """The description in the file."""
        return self._header

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the one array, picture, sound ([samples, channels]) or bytes ([size]); BadInput if the file holds several arrays."""
        return self._one().shape

    @property
    def dtype(self) -> Any:
        """Of its elements: a dtype of numpy, or of torch if it was a torch tensor."""
        return self._one().dtype

    def keys(self) -> list[str]:
        """Names of arrays, in the order of the file; BadInput where nothing has a name."""
        names = self._layout.names if self._layout is not None else None
        if names is None:
            raise BadInput(f"{self._name}: holds nothing that has a name (codec {self.header.codec})")
        return list(names)

    def __contains__(self, name: object) -> bool:
        return name in self.keys()

    def __len__(self) -> int:
        """Arrays that have names; else bytes, samples of sound, rows of a picture."""
        layout = self._layout
        if layout is not None and layout.names is not None and layout.sole is None:
            return len(layout.names)
        shape = self.shape
        if not shape:
            raise TypeError("an array without dimensions has no length")
        return shape[0]

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Any]:
        """The names, if any; else one row, sample or byte after the other."""
        layout = self._layout
        if layout is not None and layout.names is not None and layout.sole is None:
            return iter(self.keys())
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: Any) -> Any:
        layout = self._layout
        if layout is None:
            return self._extract(key)
        if layout.names is None:
            if isinstance(key, tuple) and sum(item is not Ellipsis for item in key) > 1 and self._picture is not None:
                return self._window(self._picture, key)
            return self._selected(layout, (), key)
        named = isinstance(key, str) or (isinstance(key, tuple) and bool(key) and isinstance(key[0], str))
        if not named:
            if layout.sole is None:
                raise BadInput(f"{key!r} cannot select from arrays; use a name, or a name and a range, such as ['name', 3:7]")
            name, rest = layout.sole, key
        elif isinstance(key, str):
            name, rest = key, ()
        else:
            name, rest = key[0], key[1:]
        one = layout.names.get(name)
        return self._extract(name) if one is None else self._selected(one, (name,), rest)

    def lines(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The lines from number `start`, counted from 0, to before `stop`, with their line feeds; only their chunks are decoded.

        UnsupportedFile if the codec does not restore bytes in order.
        """
        return numbered(self._reader, self._decoding, start, stop)

    def grep(self, pattern: "Pattern | bytes", threads: int = 1) -> Iterator[tuple[int, bytes]]:
        """(number from 1, line without its line feed) of each line that matches; bytes are a regular expression.

        Codec `log` decodes only what may match. UnsupportedFile if the codec does not restore bytes in order.
        """
        return matching(self._reader, self._decoding, Pattern.of(pattern) if isinstance(pattern, bytes) else pattern, threads)

    def readable(self) -> bool:
        """Whether `read` works."""
        layout = self._layout
        return layout is not None and layout.names is None and self.header.identical == "bytes" and len(layout.shape) == 1

    def seekable(self) -> bool:
        """Whether `seek` works."""
        return self.readable()

    def read(self, n: int = -1) -> bytes:
        """The next `n` bytes, fewer at the end; by default all the rest. BadInput if the content is not bytes."""
        size = self._size()
        stop = size if n is None or n < 0 else min(size, self._at + n)
        data = bytes(self[self._at : stop]) if stop > self._at else b""
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a byte, as in files; returns where that is."""
        size = self._size()
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: size}.get(whence)
        if start is None or start + offset < 0:
            raise BadInput(f"cannot seek to {offset} with whence {whence}")
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        """The position of the next `read`."""
        return self._at

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._open is None

    def __enter__(self) -> "OpenFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, and the bases that were opened for it."""
        if self._open is not None:
            self._open.close()
        self._open = None
        self._kept.clear()

    def __reduce__(self) -> Any:
        if not isinstance(self._place, str | os.PathLike | bytes | bytearray):
            raise TypeError(f"a file opened from a {type(self._place).__name__} cannot be pickled; open it by its path or URL")
        return _reopened, (self._place, self._limits.max_size, self._limits.max_memory, self._base, self._fraction, self._at)

    def _refuse_unfinished(self) -> None:
        """A file without a footer, unless it was only cut off and the codec can do with what is left."""
        error, covers = self._reader.unfinished, [head.covers for head in self._reader.index]
        if error is not None and (not isinstance(error, CutOff) or self._decoding.codec.cut_after(self._header, covers) is None):
            raise error

    def _open_as_its_kind(self, name: str, session: Session) -> None:
        """A small file that codec `bytes` keeps: opened as its own codec would have it."""
        parts = [self._decoding.part(self._reader.chunk(i)) for i, head in enumerate(self._reader.index) if head.covers]
        coded = kept.recoded(self._header, b"".join(parts))
        if coded:
            self._reader = Reader(BytesSource(coded, name), self._limits)
            self._decoding = Decoding(self._reader.header, name, session)

    @cached_property
    def _layout(self) -> Layout | None:
        return self._decoding.codec.layout(self._reader.header, self._reader.index, self._part)

    @cached_property
    def _picture(self) -> FilePicture | None:
        """Of a file that is kept as bytes, if its codec knows it as a picture."""
        return picture_in(self._reader, self._decoding)

    def _one(self) -> Layout:
        layout = self._layout
        if layout is not None and layout.sole is not None and layout.names is not None:
            return layout.names[layout.sole]
        if layout is None or layout.names is not None:
            what = "several arrays" if layout is not None else f"content that codec {self.header.codec!r} does not describe"
            raise BadInput(f"{self._name}: holds {what}, so it has no single shape or dtype")
        return layout

    def _size(self) -> int:
        if not self.readable():
            raise BadInput(f"{self._name}: only bytes can be read like a file; take [...] or decode it")
        return self._one().shape[0]

    def _selected(self, layout: Layout, name: tuple[str, ...], key: Any) -> Any:
        """The part of an array that a key selects; with several arrays, of the one called `name`."""
        selection = Selection.of(key, layout)
        slices = selection.slices or (() if name else (slice(None),))
        asked = (*name, *slices)
        return _rest_of(self._extract(asked[0] if len(asked) == 1 else asked), selection, key, layout)

    def _window(self, picture: FilePicture, key: Any) -> Any:
        if self._open is None:
            raise BadInput(f"{self._name}: is closed")
        layout = Layout(picture.shape, axes=2)
        selection = Selection.of(key, layout)
        return _rest_of(picture.pixels(Window.of(selection.slices, picture.shape)), selection, key, layout)

    def _extract(self, key: Any) -> Any:
        reader, decoding = self._reader, self._decoding
        parts = [self._part(position) for position in decoding.codec.select(reader.header, reader.index, key)]
        return decoding.codec.extract(reader.header, reader.index, key, parts, decoding.session)

    def _part(self, position: int) -> Any:
        """A decoded chunk; those that were used last are kept."""
        if self._open is None:
            raise BadInput(f"{self._name}: is closed")
        reader, decoding = self._reader, self._decoding
        with self._lock:
            if position in self._kept:
                self._kept.move_to_end(position)
                return self._kept[position]
        for sequence in reader.index[position].depends:
            decoding.notice_shared(reader.chunk(sequence))
        part = decoding.part(self._chunk(position))
        with self._lock:
            self._kept[position] = part
            while sum(reader.index[i].decoded_size for i in self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return part

    def _chunk(self, position: int) -> Chunk:
        """Whole, or the beginning that the fraction asks for, or what a file that was cut off has of it."""
        reader, decoding = self._reader, self._decoding
        if self._fraction is not None and self._fraction < 1:
            return self._beginning(position, self._fraction)
        try:
            return reader.chunk(position, decoding.codec.takes_views)
        except CutOff as error:
            if error.chunk is None or decoding.codec.beginning(reader.header, error.chunk) is None:
                raise
            return error.chunk

    def _beginning(self, position: int, fraction: float) -> Chunk:
        """With so much of its payload, or as much as decodes to anything."""
        whole = self._reader.index[position].payload_size
        size = math.ceil(fraction * whole)
        while size < whole:
            chunk = self._reader.beginning(position, size)
            if self._decoding.codec.beginning(self._reader.header, chunk) is not None:
                return chunk
            size += _MORE + size // 4
        return self._reader.chunk(position)


def _rest_of(found: Any, selection: Selection, key: Any, layout: Layout) -> Any:
    """What is left to be applied of a key to what its slices found."""
    if not selection.rest:
        return found
    try:
        return found[selection.rest[0] if len(selection.rest) == 1 else selection.rest]
    except (IndexError, ValueError, TypeError) as error:
        raise BadInput(f"{key!r} cannot select from {list(layout.shape)} ({error})") from error


def _reopened(place: Any, max_size: int | None, max_memory: int | None, base: Any, fraction: float | None, at: int) -> OpenFile:
    from lacodec.io.places import open_source
    from lacodec.io.source import BytesSource
    from lacodec.io.streams import seekable

    opened = OpenFile(
        place,
        lambda: BytesSource(place) if isinstance(place, bytes | bytearray) else seekable(open_source(place)),
        Limits(max_size, max_memory),
        base,
        fraction,
    )
    opened._at = at
    return opened
