"""`encode_dataset`: units --engine--> outputs, in a journal, and at the end in the manifest."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from lacodec import api
from lacodec.datasets import units as kinds
from lacodec.datasets.choosing import AUTO, settled
from lacodec.datasets.columns import require_pyarrow, tables
from lacodec.datasets.engines import LOCAL, check_engine, results
from lacodec.datasets.index import INDEX, index_bytes
from lacodec.datasets.manifest import JOURNAL, MANIFEST, Journal, Output, earlier, head
from lacodec.datasets.outcome import Outcome
from lacodec.datasets.place import Entry, Place, listed, reachable
from lacodec.datasets.units import How, Unit, made
from lacodec.errors import BadInput, LacodecError
from lacodec.io.remote import is_url
from lacodec.io.threads import cores

Progress = Callable[[int, int], None]
"""Bytes of the inputs that are done, and of all."""


def encode_dataset(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    codec: str | None = None,
    *,
    field: str | None = None,
    shard_items: int | None = None,
    dictionary: str | int = AUTO,
    stop_on_error: bool = False,
    engine: str = LOCAL,
    threads: int | None = None,
    verify: bool = True,
    progress: Progress | None = None,
    **options: Any,
) -> Outcome:
    """Encode every item of a data set, with a codec and its options, into a folder with a manifest; both may be URLs of fsspec.

    source: a folder of files; or .tar files, shards of webdataset, whose members are the items; or with `field` .parquet and
    .jsonl files, whose values in this column are. target: `name.lac` for each file; with `shard_items` tar files of so many each,
    and an index for `CodedDataset`; the same shards with coded members; Parquet files with a coded column.

    dictionary: for many small items in shards and columns one dictionary, from a sample of them, where that pays ("auto"), none
    ("none"), or one of about so many bytes. It lies in the target, once.

    A run that was interrupted goes on where it stopped; the result is the same. An item that cannot be encoded is left out and
    named in the manifest and in the result, or raises LacodecError with `stop_on_error`; the next run tries it again. Threads do
    units (files, shards, tables) side by side; with the engine "ray", workers on a Ray cluster do, whose nodes must reach source
    and target under the same names, and the bytes are the same. Raises BadInput for arguments that cannot be used, and for a
    target that was begun with others.
    """
    check_engine(engine)
    begin = reachable(source, engine)
    place, files = listed(begin)
    goal = Place(reachable(target, engine))
    _check_apart(place, goal, alone=place.root != begin)
    api.codec(codec or "bytes", **options)  # mistakes that concern every item
    kind, todo = _units(files, field, shard_items)
    settings: dict[str, Any] = {
        "kind": kind,
        "codec": codec,
        "options": options,
        "field": field,
        "shard_items": shard_items,
        **settled(dictionary, goal, kind, place, files, field, codec, options),
    }
    known = earlier(goal, settings)
    kept = {unit.output: known[unit.output] for unit in todo if _is_there(goal, unit, known.get(unit.output))}
    rest = [unit for unit in todo if unit.output not in kept]
    journal = Journal(goal, settings, kept)
    each = max(1, (threads or cores()) // max(1, len(rest))) if engine == LOCAL else 1
    how = How(place, goal, codec, options, field, verify, each, settings.get("dictionary"))
    outputs = dict(kept)
    done, total = sum(unit.size for unit in todo if unit.output in kept), sum(unit.size for unit in todo)
    try:
        for at, output in results(made, rest, how, engine, threads):
            unit = rest[at]
            journal.add(output)
            outputs[unit.output] = output
            done += unit.size
            if progress is not None:
                progress(done, total)
            if stop_on_error and output.failed:
                raise LacodecError(next(_sentences([output])) + "; what is done stays, and the next run goes on from there")
    finally:
        journal.close()
    ordered = [outputs[unit.output] for unit in todo]
    _finish(goal, settings, ordered, kind)
    return _outcome(ordered, [outputs[unit.output] for unit in rest])


def _units(files: list[Entry], field: str | None, shard_items: int | None) -> tuple[str, list[Unit]]:
    """What kind of data set it is, and its units in order."""
    if shard_items is not None and shard_items < 1:
        raise BadInput(f"a shard must have 1 item at least, not {shard_items}")
    if field is not None:
        if shard_items is not None:
            raise BadInput("a column stays in tables; leave out the number of items in a shard")
        require_pyarrow()
        return "column", tables(files)
    if all(entry.name.endswith(".tar") for entry in files):
        if shard_items is not None:
            raise BadInput("shards stay as they are; leave out the number of items in a shard")
        return "tar", kinds.repacked(files)
    return ("files", kinds.mirrored(files)) if shard_items is None else ("shards", kinds.sharded(files, shard_items))


def _is_there(goal: Place, unit: Unit, output: Output | None) -> bool:
    """Whether an earlier run wrote this output of the same inputs, all of it."""
    if output is None or output.inputs != unit.versions or output.failed:
        return False
    return goal.size(unit.output) == output.size


def _finish(goal: Place, settings: Mapping[str, Any], outputs: list[Output], kind: str) -> None:
    if kind == "shards":
        with goal.written(INDEX) as file:
            file.write(index_bytes(outputs, settings.get("dictionary")))
    with goal.written(MANIFEST) as file:
        file.write(head(settings).encode())
        file.writelines(output.lines().encode() for output in outputs)
    goal.remove(JOURNAL)


def _outcome(outputs: list[Output], new: list[Output]) -> Outcome:
    items = [item for output in outputs for item in output.items]
    done = sum(len(output.items) for output in new)
    failures = tuple(_sentences(outputs))
    return Outcome(len(items), done, sum(item.size for item in items if not item.error), sum(i.encoded for i in items), failures)


def _sentences(outputs: Sequence[Output]) -> Iterator[str]:
    for output in outputs:
        for item in output.items:
            if item.error:
                yield item.error if item.item in item.error else f"{item.item}: {item.error}"


def _check_apart(source: Place, target: Place, alone: bool) -> None:
    """The output must not be among the input. alone: this is one file of the folder `source`."""
    if is_url(source.root) != is_url(target.root):
        return
    if is_url(source.root):
        here, there = (f"{place.root.rstrip('/')}/" for place in (source, target))
        inside = there == here if alone else there.startswith(here)
    else:
        here, there = (os.path.realpath(place.root) for place in (source, target))
        inside = here == there or (not alone and here in map(str, _parents(there)))
    if inside:
        raise BadInput(f"{target.root}: {'has the file' if alone else 'lies in the folder'} that is encoded; choose another one")


def _parents(path: str) -> Iterator[str]:
    while (parent := os.path.dirname(path)) != path:
        yield parent
        path = parent
