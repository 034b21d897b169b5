"""`decode_dataset`: what `encode_dataset` wrote, back to files, shards and tables; checked against the manifest."""

import io
import os
import tarfile
from collections.abc import Callable, Iterator
from typing import Any

import xxhash

from lacodec import api
from lacodec.datasets import columns_decoding
from lacodec.datasets.dictionaries import Items
from lacodec.datasets.encoding import Progress
from lacodec.datasets.manifest import Item, Output, read_manifest
from lacodec.datasets.outcome import Outcome
from lacodec.datasets.place import Place
from lacodec.errors import CorruptFile, LacodecError
from lacodec.io.places import open_source
from lacodec.io.threads import cores, ordered_map


def decode_dataset(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    stop_on_error: bool = False,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Decode all that the manifest in `source` lists into the folder `target`; both may be URLs of fsspec.

    Files come back under their names, also out of shards that were made of them; shards of webdataset and tables come back as
    such. Tables are equal in their values and not in their bytes. Files that are there already with the right bytes stay. An
    item that is damaged or missing is left out and named in the result, or raises LacodecError with `stop_on_error`.
    """
    here, there = Place(os.fspath(source)), Place(os.fspath(target))
    settings, outputs = read_manifest(here)
    reader = Items(here, settings.get("dictionary"))
    work: Callable[[Output], list[tuple[Item, bool]]] = {
        "files": lambda output: _file(output, here, there),
        "shards": lambda output: _shard(output, here, there, reader),
        "tar": lambda output: _tar(output, here, there, reader),
        "column": lambda output: columns_decoding.decode_table(output, here, there, settings["field"], reader),
    }[settings["kind"]]
    items, done, failures = 0, 0, list[str]()
    size = encoded = handled = 0
    total = sum(output.size for output in outputs.values())
    listed = [output for output in outputs.values() if output.size]
    for output, found in ordered_map(lambda output: (output, work(output)), listed, cores() if threads is None else threads):
        for item, new in found:
            items, done = items + 1, done + new
            if item.error:
                failures.append(item.error if item.item in item.error else f"{item.item}: {item.error}")
            else:
                size, encoded = size + item.size, encoded + item.encoded
        if failures and stop_on_error:
            raise LacodecError(failures[0])
        handled += output.size
        if progress is not None:
            progress(handled, total)
    return Outcome(items, done, size, encoded, tuple(failures))


def _file(output: Output, here: Place, there: Place) -> list[tuple[Item, bool]]:
    (item,) = output.items
    if _is_there(item, there):
        return [(item, False)]
    try:
        with open_source(here.path(output.output)) as source, there.written(item.item, source) as out:
            api.decode_file(source, out, threads=1)
        _check(item, there.digest(item.item))
    except LacodecError as error:
        there.remove(item.item)
        return [(_failed(item, error), True)]
    return [(item, True)]


def _shard(output: Output, here: Place, there: Place, reader: Items) -> list[tuple[Item, bool]]:
    found = []
    with open_source(here.path(output.output)) as source:
        for item in output.items:
            if item.error:
                continue
            if _is_there(item, there):
                found.append((item, False))
                continue
            try:
                data = restored(item, source.read(item.offset, item.encoded), reader)
                with there.written(item.item) as out:
                    out.write(data)
            except LacodecError as error:
                item = _failed(item, error)
            found.append((item, True))
    return found


def _tar(output: Output, here: Place, there: Place, reader: Items) -> list[tuple[Item, bool]]:
    found: list[tuple[Item, bool]] = []
    with (
        open_source(here.path(output.output)) as source,
        there.written(output.output) as out,
        tarfile.open(fileobj=out, mode="w") as archive,
    ):
        for item, data in _members(output, source, reader):
            if item.error:
                found.append((item, True))
                continue
            member = tarfile.TarInfo(item.item)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
            found.append((item, True))
    return found


def _members(output: Output, source: Any, reader: Items) -> Iterator[tuple[Item, bytes]]:
    for item in output.items:
        if item.error:
            continue
        try:
            data = source.read(item.offset, item.encoded)
            data = data if item.codec is None else restored(item, data, reader)
            _check(item, xxhash.xxh3_128_hexdigest(data))
        except LacodecError as error:
            yield _failed(item, error), b""
        else:
            yield item, data


def restored(item: Item, data: bytes, reader: Items) -> bytes:
    """The file in a `.lac` file or a frame, checked if its bytes are known; raises LacodecError."""
    found = reader.restored(data)
    _check(item, xxhash.xxh3_128_hexdigest(found))
    return found


def _check(item: Item, digest: str) -> None:
    if item.identical == "bytes" and digest != item.digest:
        raise CorruptFile(f"{item.item}: decodes to other bytes than those that were encoded")


def _is_there(item: Item, there: Place) -> bool:
    if item.identical != "bytes" or there.size(item.item) != item.size:
        return False
    return there.digest(item.item) == item.digest


def _failed(item: Item, error: Exception) -> Item:
    return Item(item.item, item.size, error=" ".join(str(error).split()))
