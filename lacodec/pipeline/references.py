"""Opens the files that users give as a `base`: what other files are stored as differences to.

path | Source | bytes | Reference --> Reference        a `.lac` file stands for what it restores, decoded where it is read
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
from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.source import BytesSource, FileSource, Source, open_source, seekable
from lacodec.media.tensors.files import TENSORS

_Buffer = bytes | bytearray | memoryview


@contextmanager
def opened_references(given: Any) -> Iterator[tuple[Reference, ...]]:
    """The bases, closed at the end of the `with` block (see `open_references`)."""
    with ExitStack() as stack:
        yield open_references(given, stack)


def open_references(given: Any, stack: ExitStack) -> tuple[Reference, ...]:
    """A base for None (none), one place, or each of several: paths, bytes, open Sources and references.

    Of a folder, the files that may hold tensors. What is opened here is closed with `stack`, what was open stays so. A `.lac`
    file that is stored as differences itself finds its own base among the others, in whatever order they are given.
    Raises BadInput for what cannot be opened; nothing else is read yet, but where several `.lac` files need each other.
    """
    found: list[Reference] = []
    coded: list[Source] = []
    for place in _each(given):
        if isinstance(place, Reference):
            found.append(place)
        elif isinstance(place, str | os.PathLike) and os.path.isdir(place):
            _look_into(Path(place), found, coded, stack)
        else:
            source = _source(place, stack)
            coded.append(source) if _is_coded(source) else found.append(Reference(source))
    while coded:
        source = next((source for source in coded if _has_its_base(source, found, len(coded) > 1)), coded[0])
        coded.remove(source)
        found.append(Reference(_restored(source, tuple(found))))
    return tuple(found)


def _look_into(folder: Path, found: list[Reference], coded: list[Source], stack: ExitStack) -> None:
    try:
        paths = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError as error:
        raise BadInput(f"{folder}: cannot be listed ({error.strerror}); give files that you may read") from error
    for path in paths:
        file = stack.enter_context(FileSource(path))
        if _is_coded(file):
            try:
                _restored(file, ())
            except UnsupportedFile:  # a .lac file of something else; a base that is missed is named when it is needed
                continue
            coded.append(file)
        elif TENSORS.sniff(file.peek(HEAD_SIZE)):
            found.append(Reference(file))


def _is_coded(source: Source) -> bool:
    return source.peek(len(MAGIC)) == MAGIC


def _has_its_base(source: Source, found: list[Reference], several: bool) -> bool:
    """Whether what a `.lac` file is stored as differences to is among these; told by size, or, where it matters, by hash."""
    described = Reader(source).header.metadata.get("base")
    if not is_description(described):
        return True
    return any(
        reference.size == described["size"] and (not several or reference.digest == described["hash"]) for reference in found
    )


def _source(place: Any, stack: ExitStack) -> Source:
    if isinstance(place, _Buffer):
        return BytesSource(place)
    if not isinstance(place, str | os.PathLike | Source):
        raise BadInput(f"a {type(place).__name__} is no base; give the path of a file of tensors, or several")
    source = place if isinstance(place, Source) else stack.enter_context(open_source(place))
    return source if source.size is not None else stack.enter_context(seekable(source))


def _restored(source: Source, before: tuple[Reference, ...]) -> Source:
    from lacodec.pipeline.restored import LacSource  # imports numpy

    return LacSource(source, bases=before)


def _each(given: Any) -> Iterable[Any]:
    if given is None:
        return ()
    if isinstance(given, str | os.PathLike | Source | Reference | _Buffer) or not isinstance(given, Iterable):
        return (given,)
    return given
