"""Opens the files that users give as a `base`: what other files are stored as differences to.

path | Source | bytes | Base --> Base        a `.lac` file stands for the file that it restores, decoded where it is read
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from lacodec.codecs.references import Base
from lacodec.container.layout import MAGIC
from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.source import BytesSource, FileSource, Source, open_source, seekable
from lacodec.media.kinds import HEAD_SIZE
from lacodec.media.tensors import files as tensors

_Buffer = bytes | bytearray | memoryview


@contextmanager
def opened_bases(given: Any) -> Iterator[tuple[Base, ...]]:
    """The bases, closed at the end of the `with` block (see `open_bases`)."""
    with ExitStack() as stack:
        yield open_bases(given, stack)


def open_bases(given: Any, stack: ExitStack) -> tuple[Base, ...]:
    """A base for None (none), one place, or each of several: paths, bytes, open Sources and Bases.

    Of a folder, the files that may hold tensors. What is opened here is closed with `stack`, what was open stays so. A `.lac`
    file that is stored as differences itself needs its own base before it. Raises BadInput for what cannot be opened; nothing
    else is read yet.
    """
    found: list[Base] = []
    for place in _each(given):
        if isinstance(place, str | os.PathLike) and os.path.isdir(place):
            _add_folder(found, Path(place), stack)
        else:
            found.append(place if isinstance(place, Base) else Base(_restored(_source(place, stack), tuple(found))))
    return tuple(found)


def _add_folder(found: list[Base], folder: Path, stack: ExitStack) -> None:
    try:
        paths = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError as error:
        raise BadInput(f"{folder}: cannot be listed ({error.strerror}); give files that you may read") from error
    for path in paths:
        file = stack.enter_context(FileSource(path))
        try:
            source = _restored(file, tuple(found))
        except UnsupportedFile:  # a .lac file of something else; a base that is missed is named when it is needed
            continue
        if source is not file or tensors.sniff(file.peek(HEAD_SIZE)):
            found.append(Base(source))


def _source(place: Any, stack: ExitStack) -> Source:
    if isinstance(place, _Buffer):
        return BytesSource(place)
    if not isinstance(place, str | os.PathLike | Source):
        raise BadInput(f"a {type(place).__name__} is no base; give the path of a file of tensors, or several")
    source = place if isinstance(place, Source) else stack.enter_context(open_source(place))
    return source if source.size is not None else stack.enter_context(seekable(source))


def _restored(source: Source, before: tuple[Base, ...]) -> Source:
    if source.peek(len(MAGIC)) != MAGIC:
        return source
    from lacodec.pipeline.restored import LacSource  # imports numpy

    return LacSource(source, bases=before)


def _each(given: Any) -> Iterable[Any]:
    if given is None:
        return ()
    if isinstance(given, str | os.PathLike | Source | Base | _Buffer) or not isinstance(given, Iterable):
        return (given,)
    return given
