"""Opens the files that users give as a `base`, to which other files are stored as differences.

path | Source | bytes | Reference --> Reference        a `.lac` file stands for its restored content, decoded on demand
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from lacodec.codecs.references import Reference, is_description
from lacodec.codecs.registry import HEAD_SIZE
from lacodec.container import Reader
from lacodec.container.layout import MAGIC
from lacodec.errors import BadInput, LacodecError, UnsupportedFile
from lacodec.io.places import open_source
from lacodec.io.source import BytesSource, FileSource, Source
from lacodec.io.streams import seekable
from lacodec.media.tensors.files import TENSORS

_Buffer = bytes | bytearray | memoryview


@contextmanager
def opened_references(given: Any) -> Iterator[tuple[Reference, ...]]:
    """The bases, closed at the end of the `with` block (see `open_references`)."""
    with ExitStack() as stack:
        yield open_references(given, stack)


def open_references(given: Any, stack: ExitStack) -> tuple[Reference, ...]:
    """A base for None (none), one place, or each of several: paths, bytes, open Sources and references.

    From a folder, the files that may hold tensors. Files opened by this function are closed with `stack`; others stay open. A
    `.lac` file that is stored as differences itself needs its own base among the others. Raises BadInput for files that cannot be
    opened; nothing else is read yet, except to tell the links of a longer chain apart.
    """
    found: list[Reference] = []
    waiting: list[_Waiting] = []
    for place in _each(given):
        if isinstance(place, str | os.PathLike) and os.path.isdir(place):
            for file in _files_in(Path(place), stack):
                if file.peek(len(MAGIC)) == MAGIC:
                    waiting.append(_Waiting(file, True))
                elif TENSORS.sniff(file.peek(HEAD_SIZE)):
                    found.append(Reference(file))
        elif isinstance(place, Reference):
            found.append(place)
        else:
            source = _source(place, stack)
            if source.peek(len(MAGIC)) == MAGIC:
                waiting.append(_Waiting(source, False))
            else:
                found.append(Reference(source))
    while waiting:
        chain = sum(one.needs is not None for one in waiting) > 1
        ready = [one for one in waiting if one.can_be_opened(found, chain)] or [_first_of_chain(waiting)]
        waiting = [one for one in waiting if one not in ready]
        before = tuple(found)
        found += [reference for one in ready if (reference := one.opened(before)) is not None]
    return tuple(found)


class _Waiting:
    """A `.lac` file among the bases; `needs` describes the one that it is stored as differences to, if it is."""

    def __init__(self, source: Source, in_folder: bool) -> None:
        self._source, self._in_folder = source, in_folder
        try:
            header = Reader(source).header
            described, name = list(header.metadata.values()), header.name
        except LacodecError:  # opening it will tell
            described, name = [], None
        self.needs = next((value for value in described if is_description(value)), None)
        self.names = {name, Path(source.name).name.removesuffix(".lac")}

    def can_be_opened(self, found: list[Reference], chain: bool) -> bool:
        """Whether its own base is there. With several such files, which often have one size, their hashes tell."""
        needs = self.needs
        if needs is None:
            return True
        return any(one.size == needs["size"] and (not chain or one.digest == needs["hash"]) for one in found)

    def opened(self, before: tuple[Reference, ...]) -> Reference | None:
        from lacodec.pipeline.restored import LacSource  # imports numpy

        try:
            return Reference(LacSource(self._source, bases=before))
        except UnsupportedFile:  # a .lac file of something else; a base that is missed is named when it is needed
            if not self._in_folder:
                raise
            return None


def _first_of_chain(waiting: list[_Waiting]) -> _Waiting:
    """Of files whose bases are missing, one whose base is not among the others by name: reading it reports that base."""
    names = {name for one in waiting for name in one.names}
    return next((one for one in waiting if one.needs and one.needs["name"] not in names), waiting[0])


def _files_in(folder: Path, stack: ExitStack) -> Iterator[Source]:
    try:
        paths = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError as error:
        raise BadInput(f"{folder}: cannot be listed ({error.strerror}); give files that you may read") from error
    for path in paths:
        yield stack.enter_context(FileSource(path))


def _source(place: Any, stack: ExitStack) -> Source:
    if isinstance(place, _Buffer):
        return BytesSource(place)
    if not isinstance(place, str | os.PathLike | Source):
        raise BadInput(f"a {type(place).__name__} cannot be a base; give the path of a file of tensors, or several")
    source = place if isinstance(place, Source) else stack.enter_context(open_source(place))
    return source if source.size is not None else stack.enter_context(seekable(source))


def _each(given: Any) -> Iterable[Any]:
    if given is None:
        return ()
    if isinstance(given, str | os.PathLike | Source | Reference | _Buffer) or not isinstance(given, Iterable):
        return (given,)
    return given
