"""What is coded at one go and becomes one output: a file, a shard of several files, a shard of webdataset.

file -> file.lac          files -> shard-00000.tar of name.lac          0000.tar of name -> 0000.tar of name.lac
"""

import io
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

import xxhash

from lacodec import api
from lacodec.codecs.bytes.small.dictionary import LONGEST
from lacodec.datasets import dictionaries
from lacodec.datasets.dictionaries import is_short_text
from lacodec.datasets.manifest import Item, Output
from lacodec.datasets.place import Entry, Place
from lacodec.errors import LacodecError
from lacodec.io.as_file import SourceFile
from lacodec.io.places import open_source
from lacodec.io.source import BytesSource, Source

SUFFIX = ".lac"
_BLOCK = 1 << 20


@dataclass(frozen=True)
class How:
    """Everything that the work on a unit needs to know besides it."""

    source: Place
    target: Place
    codec: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    field_name: str | None = None
    verify: bool = True
    threads: int = 1
    dictionary: str | None = None  # its hash


@dataclass(frozen=True)
class Unit:
    """make: what turns the inputs into the output."""

    inputs: tuple[Entry, ...]
    output: str
    make: Callable[["Unit", How], Output]

    @property
    def versions(self) -> tuple[tuple[str, str], ...]:
        """Name and version of each input."""
        return tuple((entry.name, entry.version) for entry in self.inputs)

    @property
    def size(self) -> int:
        """Bytes of the inputs."""
        return sum(entry.size for entry in self.inputs)

    def result(self, how: How, items: list[Item]) -> Output:
        """What the manifest says when the output is there; one without items was not written."""
        if items and all(item.error for item in items):
            how.target.remove(self.output)  # of an earlier version of the inputs
            return Output(self.output, self.versions, 0, "", tuple(items))
        size = how.target.size(self.output) or 0
        return Output(self.output, self.versions, size, how.target.digest(self.output), tuple(items))


def made(unit: Unit, how: How) -> Output:
    """What every engine does with a unit."""
    return unit.make(unit, how)


def mirrored(files: list[Entry]) -> list[Unit]:
    """A `.lac` file for each file."""
    return [Unit((entry,), entry.name + SUFFIX, _make_file) for entry in files]


def sharded(files: list[Entry], shard_items: int) -> list[Unit]:
    """Shards of so many files."""
    parts = [files[at : at + shard_items] for at in range(0, len(files), shard_items)]
    return [Unit(tuple(part), f"shard-{number:05}.tar", _make_shard) for number, part in enumerate(parts)]


def repacked(files: list[Entry]) -> list[Unit]:
    """A shard of webdataset for each."""
    return [Unit((entry,), entry.name, _make_tar) for entry in files]


def _make_file(unit: Unit, how: How) -> Output:
    (entry,) = unit.inputs
    path = how.source.path(entry.name)
    try:
        with open_source(path) as source, how.target.written(unit.output, source) as out:
            item, _ = coded(source, entry.name, how, out)
    except LacodecError as error:
        item = failed(entry.name, entry.size, error)
    return unit.result(how, [item])


def _make_shard(unit: Unit, how: How) -> Output:
    def members() -> Iterator[tuple[str, Source | LacodecError]]:
        for entry in unit.inputs:
            try:
                with open_source(how.source.path(entry.name)) as source:
                    yield entry.name, source
            except LacodecError as error:
                yield entry.name, error

    return unit.result(how, _packed(unit, how, members(), keep_small=False))


def _make_tar(unit: Unit, how: How) -> Output:
    (entry,) = unit.inputs
    try:
        with open_source(how.source.path(entry.name)) as source, _tar(source) as archive:
            found = (
                (member.name, BytesSource(file.read(), member.name))
                for member in archive
                if (file := archive.extractfile(member)) is not None
            )
            items = _packed(unit, how, found, keep_small=True)
    except (LacodecError, tarfile.TarError) as error:
        items = [failed(entry.name, entry.size, error)]
    return unit.result(how, items)


def _tar(source: Source) -> tarfile.TarFile:
    return tarfile.open(fileobj=io.BufferedReader(SourceFile(source), _BLOCK), mode="r:")


def _packed(unit: Unit, how: How, members: Iterator[tuple[str, Any]], keep_small: bool) -> list[Item]:
    """Write a shard of coded files, if there is one at least; with `keep_small` those that do not shrink stay as they are."""
    items: list[Item] = []
    with suppress(_NothingLeft), how.target.written(unit.output) as out, tarfile.open(fileobj=out, mode="w") as archive:
        for name, source in members:
            try:
                if isinstance(source, LacodecError):
                    raise source
                file = io.BytesIO()
                item, plain = coded(source, name, how, file)
                data = file.getvalue()
                if keep_small and len(data) >= item.size:
                    item, data = Item(name, item.size, item.digest, item.size, 0, None, "bytes"), plain
            except LacodecError as error:
                items.append(failed(name, 0, error))
                continue
            member = tarfile.TarInfo(name + _suffix(item))
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
            begin = archive.offset - -(-len(data) // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
            items.append(replace(item, offset=begin))
        if not any(not item.error for item in items):
            raise _NothingLeft
    return items


def _suffix(item: Item) -> str:
    """Of the name in a shard, by what was made of an item."""
    return dictionaries.SUFFIX if item.codec == dictionaries.NAME else SUFFIX if item.codec else ""


class _NothingLeft(Exception):
    """No item of a shard could be encoded, so that there will be no shard."""


def coded(source: Source, name: str, how: How, out: BinaryIO) -> tuple[Item, bytes]:
    """Encode a source to `out`; what the manifest says about it, and its bytes where they are in memory."""
    if how.dictionary is not None and source.size is not None and source.size <= LONGEST:
        data = source.read(0, source.size)
        if is_short_text(data, how.codec):
            return _framed(data, name, how, how.dictionary, out), data
    digest = xxhash.xxh3_128()
    plain = source.read(0, source.size or 0) if isinstance(source, BytesSource) else b""
    for block in [plain] if plain else source.blocks(_BLOCK):
        digest.update(block)
    done = api.encode_file(source, out, how.codec, threads=how.threads, verify=how.verify, **how.options)
    return Item(name, done.size, digest.hexdigest(), done.encoded, 0, done.codec, done.identical), plain


def _framed(data: bytes, name: str, how: How, dictionary: str, out: BinaryIO) -> Item:
    """A short item, coded with the dictionary."""
    coder = dictionaries.coder_of(how.target, dictionary)
    frame = coder.encode(data)
    if how.verify and coder.decode(frame) != data:
        raise LacodecError(f"{name}: verification failed: the dictionary's coder would not restore it")
    out.write(frame)
    return Item(name, len(data), xxhash.xxh3_128_hexdigest(data), len(frame), 0, dictionaries.NAME, "bytes")


def failed(name: str, size: int, error: Exception) -> Item:
    """An item that is left out."""
    return Item(name, size, error=" ".join(str(error).split()) or type(error).__name__)
